"""Downloads against a web server on this machine: every way in which it may answer badly."""

import fcntl
import gzip
import hashlib

import pytest
from file_server import running

from mlx_gsa.data.download import RemoteFile, fetch, file_hash, places, read_mirrors
from mlx_gsa.data.transfer import Transfer
from mlx_gsa.errors import ConfigError, DownloadError

BED = b"chr1 959245 959305 NOC2L_1 900 - 959245 959256\n" * 40
MD5 = "md5:" + hashlib.md5(BED).hexdigest()


@pytest.fixture
def server():
    with running() as server:
        yield server


@pytest.fixture
def waits():
    return []


@pytest.fixture
def patient(waits):
    """Tries three times, without really waiting between, and half a second for a byte."""
    return Transfer(timeout=0.5, tries=3, wait=1.0, sleep=waits.append)


@pytest.fixture
def get(tmp_path, patient):
    def get(url, name="some/file.bed", **options):
        known = {key: options.pop(key) for key in ("checksum", "size") if key in options}
        return fetch(RemoteFile(url, name, **known), folder=tmp_path, transfer=patient, mirrors={}, **options)

    return get


def leftovers(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_once_checked_and_kept(server, get, tmp_path):
    url = server.serve("/a.bed", {"body": BED})
    assert get(url, checksum=MD5, size=len(BED)).read_bytes() == BED
    assert get(url, checksum=MD5) == tmp_path / "some/file.bed"
    assert len(server.asked) == 1
    assert leftovers(tmp_path) == ["some/file.bed"]


def test_progress_counts_to_the_whole(server, get):
    seen = []
    get(server.serve("/a.bed", {"body": BED}), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(BED), len(BED))


def test_a_cached_file_that_was_damaged_is_fetched_again(server, get):
    url = server.serve("/a.bed", {"body": BED})
    get(url, checksum=MD5).write_bytes(b"damaged")
    assert get(url, checksum=MD5).read_bytes() == BED


def test_a_wrong_checksum_names_both_and_keeps_nothing(server, get, tmp_path):
    url = server.serve("/a.bed", {"body": BED[:-5] + b"xxxx\n"})
    with pytest.raises(DownloadError, match=f"its md5 is [0-9a-f]+ instead of {MD5[4:]}"):
        get(url, checksum=MD5)
    assert leftovers(tmp_path) == []


def test_a_missing_file_is_asked_for_once(server, get, tmp_path):
    with pytest.raises(DownloadError, match="HTTP 404") as caught:
        get(server.url + "/nothing")
    assert caught.value.status == 404 and server.url + "/nothing" in caught.value.where
    assert "moved" in caught.value.mend
    assert len(server.asked) == 1 and leftovers(tmp_path) == []


def test_a_busy_server_is_asked_again_after_longer_waits(server, get, waits):
    busy = {"status": 503}
    assert get(server.serve("/a.bed", busy, busy, {"body": BED})).read_bytes() == BED
    assert waits == [1.0, 2.0]


def test_a_server_may_say_how_long_to_wait(server, get, waits):
    get(server.serve("/a.bed", {"status": 429, "headers": {"Retry-After": "7"}}, {"body": BED}))
    assert waits == [7.0]


def test_a_server_that_stays_busy_is_given_up(server, get):
    with pytest.raises(DownloadError, match=r"HTTP 503 .*\(3 tries\)"):
        get(server.serve("/a.bed", {"status": 503}))
    assert len(server.asked) == 3


def test_a_body_shorter_than_announced_is_no_file(server, get, tmp_path):
    with pytest.raises(DownloadError, match=r"ended|broke"):
        get(server.serve("/a.bed", {"body": BED, "claim": len(BED) + 100}))
    assert not (tmp_path / "some/file.bed").exists()


def test_a_broken_transfer_goes_on_where_it_stopped(server, get):
    tag = {"ETag": '"one"'}
    half = {"body": BED[:700], "claim": len(BED), "headers": tag}
    url = server.serve("/a.bed", half, {"body": BED, "headers": tag, "ranges": True})
    assert get(url).read_bytes() == BED
    assert [asked for _, asked in server.asked] == [None, "bytes=700-"]


def test_a_stalled_connection_is_left_and_gone_on_from(server, get):
    tag = {"ETag": '"one"'}
    whole = {"body": BED, "headers": tag}
    url = server.serve("/a.bed", {**whole, "stall": 500}, {**whole, "ranges": True})
    assert get(url).read_bytes() == BED
    assert server.asked[1][1] == "bytes=500-"


def test_a_server_that_stays_stalled_is_given_up(server, get):
    with pytest.raises(DownloadError, match=r"no answer for 0.5 s \(3 tries\)"):
        get(server.serve("/a.bed", {"body": BED, "stall": 0}))


def test_a_file_that_changed_meanwhile_starts_again(server, get):
    half = {"body": b"old" * 200, "claim": len(BED), "headers": {"ETag": '"old"'}}
    url = server.serve("/a.bed", half, {"body": BED, "headers": {"ETag": '"new"'}, "ranges": True})
    assert get(url).read_bytes() == BED


def test_the_next_call_goes_on_from_what_an_earlier_one_left(server, get, tmp_path):
    tag = {"ETag": '"one"'}
    url = server.serve("/a.bed", {"body": BED[:300], "claim": len(BED), "headers": tag}, {"status": 503})
    with pytest.raises(DownloadError):
        get(url)
    assert (tmp_path / "some/file.bed.part").stat().st_size == 300
    server.serve("/a.bed", {"body": BED, "headers": tag, "ranges": True})
    assert get(url).read_bytes() == BED
    assert server.asked[-1][1] == "bytes=300-"
    assert leftovers(tmp_path) == ["some/file.bed"]


def test_without_tag_or_checksum_nothing_is_gone_on_from(server, get):
    url = server.serve("/a.bed", {"body": BED[:700], "claim": len(BED)}, {"body": BED, "ranges": True})
    assert get(url).read_bytes() == BED
    assert [asked for _, asked in server.asked] == [None, None]


def test_with_a_checksum_it_is_gone_on_from(server, get):
    url = server.serve("/a.bed", {"body": BED[:700], "claim": len(BED)}, {"body": BED, "ranges": True})
    assert get(url, checksum=MD5).read_bytes() == BED
    assert server.asked[1][1] == "bytes=700-"


def test_a_range_past_the_end_starts_again(server, get, tmp_path):
    url = server.serve("/a.bed", {"body": BED, "ranges": True})
    (tmp_path / "some").mkdir()
    (tmp_path / "some/file.bed.part").write_bytes(BED + b"more")
    (tmp_path / "some/file.bed.part.json").write_text(f'{{"url": "{url}"}}')
    assert get(url, checksum=MD5).read_bytes() == BED


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html>Sign in</html>", b"\n <html lang='en'>404</html>"])
def test_a_web_page_is_not_the_data(server, get, tmp_path, page):
    with pytest.raises(DownloadError, match=r"web page \(HTML\) instead of the data"):
        get(server.serve("/a.bed", {"body": page}))
    assert leftovers(tmp_path) == []


def test_an_empty_file_is_refused(server, get):
    with pytest.raises(DownloadError, match="it is empty"):
        get(server.serve("/a.bed", {"body": b""}))


def test_a_gzip_file_that_was_cut_is_refused(server, get):
    with pytest.raises(DownloadError, match="gzip stream is cut short"):
        get(server.serve("/a.gz", {"body": gzip.compress(BED)[:-9]}), name="a.bed.gz")


def test_text_under_the_name_of_a_gzip_file_is_refused(server, get):
    with pytest.raises(DownloadError, match="no whole gzip file"):
        get(server.serve("/a.gz", {"body": BED}), name="a.bed.gz")


def test_a_gzip_file_stays_packed_whatever_the_server_calls_it(server, get):
    packed = gzip.compress(BED)
    url = server.serve("/a.gz", {"body": packed, "headers": {"Content-Encoding": "gzip"}})
    assert get(url, name="a.bed.gz", checksum="sha256:" + hashlib.sha256(packed).hexdigest()).read_bytes() == packed


def test_a_size_that_differs_is_refused(server, get):
    with pytest.raises(DownloadError, match=r"1,880 bytes instead of 2,000"):
        get(server.serve("/a.bed", {"body": BED}), size=2000)


def test_offline_says_which_file_to_put_where(get, tmp_path):
    url = "https://epd.expasy.org/ftp/epdnew/H_sapiens/006/Hs_EPDnew_006_hg38.bed"
    with pytest.raises(DownloadError) as caught:
        get(url, name="epd/Hs.bed", offline=True, size=1_500_000, checksum="md5:abc")
    text = str(caught.value)
    assert str(tmp_path / "epd/Hs.bed") in text and url in text
    assert "1,500,000 bytes, md5:abc" in text and "--offline" in text


def test_offline_takes_what_is_there_and_checks_it(get, tmp_path):
    (tmp_path / "put.bed").write_bytes(BED)
    assert get("http://127.0.0.1:9/x", name="put.bed", offline=True, checksum=MD5).read_bytes() == BED
    (tmp_path / "put.bed").write_bytes(b"other")
    with pytest.raises(DownloadError, match="a file there, but its md5"):
        get("http://127.0.0.1:9/x", name="put.bed", offline=True, checksum=MD5)


def test_refresh_asks_again_and_keeps_the_old_file_if_that_fails(server, get):
    url = server.serve("/s.json", {"body": b'{"a": 1}'}, {"body": b'{"a": 2}'}, {"status": 503})
    get(url, name="s.json")
    assert get(url, name="s.json", refresh=True).read_bytes() == b'{"a": 2}'
    with pytest.raises(DownloadError):
        get(url, name="s.json", refresh=True)
    assert get(url, name="s.json", offline=True, refresh=True).read_bytes() == b'{"a": 2}'


def test_a_mirror_is_tried_first_and_the_own_address_next(server, tmp_path, patient):
    url = server.serve("/own/a.bed", {"body": BED})
    mirrors = {server.url + "/own/": server.url + "/mirror/"}
    fetch(RemoteFile(url, "a.bed"), folder=tmp_path, mirrors=mirrors, transfer=patient)
    assert [path for path, _ in server.asked] == ["/mirror/a.bed", "/own/a.bed"]


def test_a_mirror_may_be_a_folder_of_this_machine(tmp_path, patient):
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies/a.bed").write_bytes(BED)
    mirrors = {"https://example.org/": f"{tmp_path}/copies/"}
    remote = RemoteFile("https://example.org/a.bed", "a.bed")
    assert fetch(remote, folder=tmp_path / "cache", mirrors=mirrors, transfer=patient).read_bytes() == BED


def test_no_server_at_all_is_said_plainly(get):
    with pytest.raises(DownloadError, match="connection refused"):
        get("http://127.0.0.1:9/a.bed")


def test_two_downloads_of_one_file_do_not_mix(server, get, tmp_path):
    (tmp_path / "some").mkdir()
    with open(tmp_path / "some/file.bed.part", "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(DownloadError, match="another process"):
            get(server.serve("/a.bed", {"body": BED}))


def test_the_longest_prefix_is_the_mirror():
    mirrors = {"https://a.org/": "https://m/", "https://a.org/x/": "https://n/"}
    assert places("https://a.org/x/f", mirrors) == ["https://n/f", "https://a.org/x/f"]
    assert places("https://b.org/f", mirrors) == ["https://b.org/f"]


def test_mirrors_from_text_and_from_a_file(tmp_path):
    expected = {"https://a/": "https://b/", "https://c/": "https://d/?x=1"}
    assert read_mirrors("https://a/=https://b/; https://c/=https://d/?x=1") == expected
    path = tmp_path / "mirrors.toml"
    path.write_text('[mirrors]\n"https://a/" = "https://b/"\n')
    assert read_mirrors(str(path)) == {"https://a/": "https://b/"}
    assert read_mirrors("") == {}


@pytest.mark.parametrize("text", ["nonsense", "=https://b/", "missing.toml"])
def test_mirrors_that_cannot_be_read(text):
    with pytest.raises(ConfigError, match="mirrors"):
        read_mirrors(text)


def test_without_a_folder_the_cache_is_used(server, monkeypatch, tmp_path):
    monkeypatch.setenv("GSA_CACHE", str(tmp_path / "cache"))
    assert fetch(RemoteFile(server.serve("/a.bed", {"body": BED}), "a.bed")) == tmp_path / "cache/a.bed"


def test_unknown_kinds_of_checksum_are_refused(tmp_path):
    with pytest.raises(DownloadError, match="md5 or sha256"):
        file_hash(tmp_path, "crc")

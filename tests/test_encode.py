"""ENCODE and SCREEN against a server on this machine that answers in their published forms."""

import gzip
import hashlib
import json

import numpy as np
import pytest
from file_server import running

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.download import fetch
from mlx_gsa.data.encode import find_peaks, peak_file, registry, search_url, select_elements
from mlx_gsa.errors import DownloadError, RegionError

PEAKS = gzip.compress(
    "".join(
        f"chr{n}\t{at}\t{at + 60}\t.\t1000\t.\t{at / 10 + n}\t-1.0\t3.5\t30\n"
        for n in range(1, 7)
        for at in (100, 300, 500)
    ).encode(),
    mtime=0,
)


def file_object(accession="ENCFF002AAA", **changes):
    """A File object as ENCODE's search gives it, cut to the fields that are asked for."""
    content = {
        "@id": f"/files/{accession}/",
        "@type": ["File", "Item"],
        "accession": accession,
        "href": f"/files/{accession}/@@download/{accession}.bed.gz",
        "file_format": "bed",
        "file_format_type": "narrowPeak",
        "output_type": "IDR thresholded peaks",
        "assembly": "GRCh38",
        "md5sum": hashlib.md5(PEAKS).hexdigest(),
        "file_size": len(PEAKS),
        "preferred_default": True,
        "status": "released",
        "dataset": "/experiments/ENCSR000EGM/",
        "date_created": "2020-10-05T21:34:11.000000+00:00",
        "assay_title": "TF ChIP-seq",
        "biosample_ontology": {"term_name": "K562", "@id": "/biosample-types/cell_line_EFO_0002067/"},
        "target": {"label": "CTCF", "@id": "/targets/CTCF-human/"},
    }
    return content | changes


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("GSA_CACHE", str(tmp_path / "cache"))
    with running() as server:
        hosts = ("https://www.encodeproject.org", "https://downloads.wenglab.org")
        monkeypatch.setenv("GSA_MIRRORS", ";".join(f"{host}={server.url}" for host in hosts))
        yield server


@pytest.fixture
def answer(server):
    """Set what a search finds; returns the address of the search on the server."""

    def answer(*files, assembly="GRCh38", biosample="K562", target="CTCF", **reply):
        path = search_url(biosample, target, None, assembly).removeprefix("https://www.encodeproject.org")
        body = {"@type": ["Search"], "notification": "Success", "total": len(files), "@graph": list(files)}
        server.serve(path, {"body": json.dumps(body).encode(), **reply})

    return answer


def test_the_search_asks_for_released_peaks_of_one_assembly():
    url = search_url("K562", "CTCF", "TF ChIP-seq", "GRCh38")
    assert url.startswith("https://www.encodeproject.org/search/?type=File&file_format=bed&file_format_type=narrowPeak")
    for part in ("status=released", "assembly=GRCh38", "biosample_ontology.term_name=K562", "target.label=CTCF"):
        assert f"&{part}&" in url
    assert "&assay_title=TF+ChIP-seq&" in url and "&field=md5sum&" in url and url.endswith("&limit=all&format=json")


def test_the_most_trusted_file_goes_first(answer):
    answer(
        file_object("ENCFF001AAA", output_type="IDR thresholded peaks", preferred_default=False),
        file_object("ENCFF002AAA", date_created="2015-01-01"),
        file_object("ENCFF003AAA", output_type="pseudoreplicated IDR thresholded peaks"),
        file_object("ENCFF004AAA", date_created="2021-01-01"),
        file_object("ENCFF005AAA", output_type="something new"),
    )
    found = find_peaks("K562", "CTCF")
    assert [file.accession[7:8] for file in found] == ["4", "2", "3", "5", "1"]
    assert found[0].title == "ENCFF004AAA, IDR thresholded peaks, CTCF, K562, TF ChIP-seq, ENCSR000EGM"


def test_files_without_a_target_are_read(answer):
    content = file_object(target=None, preferred_default=None)
    answer({key: value for key, value in content.items() if value is not None})
    (found,) = find_peaks("K562", "CTCF")
    assert found.target == "" and not found.preferred


@pytest.mark.parametrize("status", [404, 200])
def test_a_search_that_finds_nothing(answer, monkeypatch, server, status):
    monkeypatch.setattr("mlx_gsa.data.encode.ROOT", server.url)  # else the real address would be tried next
    monkeypatch.delenv("GSA_MIRRORS")
    path = search_url("K562", "CTFC").removeprefix(server.url)
    server.serve(path, {"status": status, "body": b'{"notification": "No results found", "@graph": []}'})
    with pytest.raises(DownloadError, match=r"no released narrowPeak file of this .* found K562, CTFC, GRCh38"):
        find_peaks("K562", "CTFC")


def test_the_checksum_of_the_answer_is_compared(answer, server, monkeypatch):
    monkeypatch.setenv("GSA_MIRRORS", "")
    monkeypatch.setattr("mlx_gsa.data.encode.ROOT", server.url)
    path = search_url("K562", "CTCF").removeprefix(server.url)
    server.serve(path, {"body": json.dumps({"@graph": [file_object(md5sum="0" * 32, file_size=None)]}).encode()})
    server.serve("/files/ENCFF002AAA/@@download/ENCFF002AAA.bed.gz", {"body": PEAKS})
    (found,) = find_peaks("K562", "CTCF")
    from mlx_gsa.data.transfer import Transfer

    with pytest.raises(DownloadError, match=f"its md5 is {hashlib.md5(PEAKS).hexdigest()} instead of 0000"):
        fetch(found.remote, transfer=Transfer(tries=1))


def test_an_accession_is_looked_up(server):
    server.serve("/files/ENCFF002AAA/?format=json", {"body": json.dumps(file_object()).encode()})
    assert peak_file("ENCFF002AAA").remote.checksum == "md5:" + hashlib.md5(PEAKS).hexdigest()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"file_format": "bigWig", "file_format_type": None}, "not a file of peaks .* found bigWig"),
        ({"md5sum": None}, "lacks what is needed"),
    ],
)
def test_files_that_are_no_peaks(server, changes, word):
    server.serve("/files/ENCFF002AAA/?format=json", {"body": json.dumps(file_object() | changes).encode()})
    with pytest.raises(DownloadError, match=word):
        peak_file("ENCFF002AAA")


def test_an_answer_that_is_not_json_is_not_kept(server, tmp_path):
    server.serve("/files/ENCFF002AAA/?format=json", {"body": b"Service message"})
    with pytest.raises(DownloadError, match="not JSON"):
        peak_file("ENCFF002AAA")
    assert not (tmp_path / "cache/encode/ENCFF002AAA.json").exists()


def test_an_experiment_is_no_file(server):
    with pytest.raises(DownloadError, match=r"ENCSR\.\.\. is an experiment"):
        peak_file("ENCSR000EGM")


V4 = "".join(
    f"chr{n}\t{at}\t{at + 200}\tEH38D{n}{at:06}\tEH38E{n}{at:06}\t{kind}\n"
    for n in range(1, 7)
    for at, kind in ((100, "PLS"), (400, "pELS"), (700, "dELS"), (1000, "CA-CTCF"), (1300, "PLS,CTCF-bound"))
)


def test_elements_are_chosen_by_class(tmp_path):
    (tmp_path / "all.bed").write_text(V4)
    assert select_elements(tmp_path / "all.bed", ["PLS"], tmp_path / "out.bed") == 12
    assert (tmp_path / "out.bed").read_text().splitlines()[0] == "chr1\t100\t300\tEH38E1000100"
    assert select_elements(tmp_path / "all.bed", ["ELS"], tmp_path / "out.bed") == 12


def test_unknown_classes_name_those_there_are(tmp_path):
    (tmp_path / "all.bed").write_text(V4)
    with pytest.raises(RegionError, match="expected CA-CTCF, PLS, dELS, pELS, found Enhancer"):
        select_elements(tmp_path / "all.bed", ["Enhancer"], tmp_path / "out.bed")
    assert not (tmp_path / "out.bed").exists()
    (tmp_path / "short.bed").write_text("chr1\t1\t2\n")
    with pytest.raises(RegionError, match="line 1"):
        select_elements(tmp_path / "short.bed", ["PLS"], tmp_path / "out.bed")


def test_the_registry_is_there_for_two_assemblies():
    assert registry("mm10").url == "https://downloads.wenglab.org/Registry-V4/mm10-cCREs.bed"
    with pytest.raises(DownloadError, match="GRCh38 or mm10"):
        registry("hg19")


@pytest.fixture
def genome(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "genome.fa"
    letters = ["".join(rng.choice(list("ACGT"), 2000)) for _ in range(6)]
    path.write_text("".join(f">chr{n}\n{x}\n" for n, x in enumerate(letters, 1)))
    return path


def test_peaks_with_their_signal_from_search_to_data_set(gsa, genome, answer, server):
    answer(file_object("ENCFF001AAA", preferred_default=False), file_object())
    server.serve("/files/ENCFF002AAA/@@download/ENCFF002AAA.bed.gz", {"body": PEAKS})
    run = ("prepare", "encode", "--biosample", "K562", "--target", "CTCF", "--genome", genome, "--length", 40)
    done = gsa(*run, "--activity", "signalValue", "--out", "out")
    assert done.exit_code == 0, done.output
    assert "ENCFF001AAA" in done.output and "--accession" in done.output
    dataset = Dataset.open("out")
    at = [(dataset.records.chrom[i], int(dataset.records.start[i])) for i in range(len(dataset))]
    where = at.index(("chr2", 310))  # the summit, 300 + 30, is the centre
    assert dataset.records.label[where] == np.float32(32.0)
    origin = dataset.manifest.source["origin"]
    assert origin["accession"] == "ENCFF002AAA" and origin["experiment"] == "ENCSR000EGM"
    asked = len(server.asked)
    assert gsa(*run, "--activity", "signalValue", "--offline", "--out", "again").exit_code == 0
    assert len(server.asked) == asked


def test_elements_against_shuffled_ones(gsa, genome, server):
    server.serve("/Registry-V4/GRCh38-cCREs.bed", {"body": V4.encode()})
    done = gsa(
        *("prepare", "encode", "--ccre", "PLS", "--genome", genome, "--length", 100),
        *("--negatives", "dinucleotide-shuffle", "--out", "out"),
    )
    assert done.exit_code == 0, done.output
    records = Dataset.open("out").records
    assert records.label.sum() == 12 and len(records.label) == 24


@pytest.mark.parametrize(
    "arguments", [(), ("--accession", "ENCFF002AAA", "--ccre", "PLS"), ("--ccre", "PLS", "--target", "CTCF")]
)
def test_one_way_of_asking(gsa, arguments):
    done = gsa("prepare", "encode", *arguments, "--genome", "g.fa")
    assert done.exit_code == 2 and "--accession, --ccre" in done.output

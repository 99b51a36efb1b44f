"""The page is a function of the file; the committed page is that of the committed file."""

import json

import pytest
from made_benchmark import cell, made

from mlx_gsa.benchmark.limits import limits_section
from mlx_gsa.benchmark.page import render_page
from mlx_gsa.benchmark.run import FAILED, MISSING, TOO_LARGE, TOO_SLOW, load
from mlx_gsa.benchmark.summary import summarise
from mlx_gsa.benchmark.traffic import forward_bytes, scan_bytes
from mlx_gsa.benchmark.words import cell_words, duration, gigabytes, milliseconds
from mlx_gsa.benchmark.write import FILE, IMAGES, PAGE, PUBLISHED, draw_pictures, save, write_page


def test_the_page_says_what_was_measured():
    page = render_page(made(), "results/performance/benchmark.json", {"roofline": "images/roofline.svg"})
    assert page.startswith("# Performance\n") and "![roofline](images/roofline.svg)" in page
    assert "| sparse 10 % over MLX full attention, end-to-end forward, 2 kb | >= 20x | 400.00x" in page
    assert "**missed**" in page and "## Scan" in page and "| 165 | 1.65x |" in page
    assert "Load of the machine 0.1 before, 1.0 after" in page
    assert "| 2,000 | 0.2 (0.18 to 0.22); 2.0 MB |" in page  # fast: 1e-7 s a bp


def test_a_refused_headline_is_said_plainly():
    found = made()
    found["facts"]["blas"] = {"status": "off", "name": "reference BLAS"}
    page = render_page(found, "x.json", {})
    assert "**No ratio is headlined: the dense rival ran on reference BLAS" in page and "## In short" not in page


def test_sections_that_were_not_asked_for_are_left_out():
    found = made(processes=None)
    found["plan"] = found["plan"] | {"sections": ["forward"]}
    found["cells"] = [c for c in found["cells"] if c["section"] == "forward"]
    page = render_page(found, "x.json", {})
    assert "## End-to-end forward pass" in page
    assert not any(f"## {title}" in page for title in ("Training step", "Scan", "Stem alone", "Training in two"))


@pytest.mark.parametrize(("facts", "words"), [
    ({"status": TOO_LARGE, "needs": 20e9}, "does not fit (needs 20.0 GB)"),
    ({"status": TOO_SLOW, "would_take": 200.0}, "not run: would take about 3.3 min"),
    ({"status": MISSING}, "PyTorch is not installed"), ({"status": FAILED, "why": "killed"}, "failed: killed"),
])  # fmt: skip
def test_why_a_cell_is_empty(facts, words):
    assert cell_words(facts) == words


def test_words():
    assert cell_words(None) == "–" and gigabytes(None) == "–"
    assert [milliseconds(x) for x in (0.0000123, 0.00123, 1.234)] == ["0.0123", "1.23", "1,234"]
    assert [gigabytes(x) for x in (5e5, 2.5e7, 3e9)] == ["0.5 MB", "25 MB", "3.0 GB"]
    assert [duration(x) for x in (3, 100, 7200, 200_000)] == ["3.0 s", "1.7 min", "2.0 h", "2.3 days"]


def test_bytes_of_a_scan_by_hand():
    found = scan_bytes(2000, 500, channels=16, kept=0.1)
    assert found["least"] == 1 + 4 / 500
    per_base = 1 + 8 * (1 + 32 + 16 + 1)
    assert found["steps"] == pytest.approx(per_base + 4 * (8 + 0.1 * 8 * (1 + 16 + 2 * 48 + 8)))


def test_scores_are_moved_unless_a_fused_kernel_holds_them():
    fused = forward_bytes(1000, 1000, 1000, scores_held=False)
    assert forward_bytes(1000, 1000, 1000) == fused + 24 * 1000**2


def test_what_limits_a_scan():
    text = limits_section(made())
    assert "| sparse, fast path | 500 | 8.00 |" in text and "Memory" not in text.split("|")[0]
    assert limits_section(made(cells=[], processes=None)) == ""


def test_saved_and_read_again(tmp_path):
    path = save(made(), tmp_path / "new" / FILE)
    found = load(path)
    assert found["headline"] == json.loads(json.dumps(summarise(made())["headline"]))
    assert found["cells"] == made()["cells"]
    lines = path.read_text().splitlines()
    assert sum('"contender"' in line for line in lines) == len(found["cells"])  # one line each


def test_a_refused_headline_is_null_with_its_reason(tmp_path):
    found = load(save(made(cells=[]), tmp_path / FILE))
    assert found["headline"] is None and found["headline_refused"] and found["cells"] == []


def test_page_and_pictures_are_written_and_the_same_each_time(tmp_path):
    save(made(), tmp_path / PUBLISHED)
    written = write_page(tmp_path / PUBLISHED, tmp_path / PAGE)
    names = [path.relative_to(tmp_path).as_posix() for path in written]
    assert names == [PAGE, *(f"{IMAGES}/{name}.svg" for name in ("scaling", "roofline", "pareto"))]
    first = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in write_page(tmp_path / PUBLISHED, tmp_path / PAGE)] == first


def test_what_was_not_measured_is_not_drawn(tmp_path):
    assert draw_pictures(made(cells=[cell("stem", "lookup-stem", 500, 1.0, 32)]), tmp_path / "none") == {}
    assert not (tmp_path / "none").exists()


def test_the_committed_page_is_made_of_the_committed_file(root):
    file = root / "docs" / PUBLISHED
    if not file.is_file():
        pytest.skip("no benchmark is committed yet")
    pictures = {name: f"{IMAGES}/{name}.svg" for name in ("scaling", "roofline", "pareto")}
    there = {name: path for name, path in pictures.items() if (root / "docs" / path).is_file()}
    page = render_page(load(file), PUBLISHED.as_posix(), there)
    assert (root / "docs" / PAGE).read_text(encoding="utf-8") == page

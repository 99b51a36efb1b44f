import gc
import gzip
import json
import tracemalloc
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from fake_predictor import FakePredictor, random_tokens

from mlx_gsa.cli import explain as cli
from mlx_gsa.data.dataset import Records, Sites, write_dataset
from mlx_gsa.dna.alphabet import decode, encode
from mlx_gsa.dna.fasta import read_fasta
from mlx_gsa.dna.motifs import Motif
from mlx_gsa.errors import DatasetError, GsaError, SequenceError
from mlx_gsa.explain.compare import compare_sites, count_found
from mlx_gsa.explain.explain import explain_records
from mlx_gsa.explain.figures.tracks import TrackSite
from mlx_gsa.explain.found import describe_prediction
from mlx_gsa.explain.place import Place
from mlx_gsa.explain.records import (
    Record,
    class_records,
    dataset_records,
    fasta_records,
    find_records,
    known_sites,
)
from mlx_gsa.explain.spans import find_spans

TATA = Motif("MA1", "TATA-like", np.array([[1, 1, 1, 97] if b == "T" else [97, 1, 1, 1] for b in "TATAAA"]))


def _records(n, length=200):
    for i in range(n):
        yield Record(f"r{i}", random_tokens(length, seed=i, sites=[40, 150]), Place.of_record(f"r{i}", length))


def _fasta(path, *records):
    path.write_text("".join(f">{header}\n{decode(tokens)}\n" for header, tokens in records))
    return path


def _table(path):
    header, *rows = [line.split("\t") for line in path.read_text().splitlines()]
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.fixture
def dataset(tmp_path):
    sequences = [random_tokens(200, seed=i, sites=[40, 150]) for i in range(6)]
    records = Records.build(
        id=[f"s{i}" for i in range(6)], label=np.arange(6.0), split=["train"] * 3 + ["val", "test", "test"],
        chrom=np.array(["chr2"] * 6, object), start=np.full(6, 1000), end=np.full(6, 1200),
        strand=np.array(["-"] * 6),
    )  # fmt: skip
    sites = Sites([4, 4, 4], [40, 90, 150], [46, 96, 156], ["+"] * 3, ["TATA", "GC", "TATA"],
                  ["functional", "decoy_core", "repressor"])  # fmt: skip
    return write_dataset(tmp_path / "data", sequences, records, task="regression", source={}, seed=0, sites=sites)


def test_one_record_leaves_every_file(tmp_path):
    length = 300
    tokens = random_tokens(length, sites=[40, 200])
    place = Place("chr7", 4999, 4999 + length, "-")
    out = tmp_path / "out"
    predictor = FakePredictor(sparsity=0.01)
    (found,) = explain_records(predictor, [Record("my:rec", tokens, place)], out, motifs=[TATA])
    assert (found.n_kept, found.prediction, found.text) == (3, 3.25, "strength 3.25")
    names = {"heatmap", "heatmap_svg", "bed", "bedgraph", "tsv", "npz"}
    assert set(found.files) == names and all(path.stat().st_size > 20 for path in found.files.values())
    assert found.files["heatmap"] == out / "records" / "my_rec" / "attention.png"
    # the best position is 42 in the sequence, 5298 - 42 = 5256 on the chromosome
    assert "chr7\t5256\t5257\tspan1\t1000\t-\n" in found.files["bed"].read_text()
    assert sum(1 for _ in found.files["tsv"].open()) == length + 1
    best = found.matches[1][0]
    assert (best.name, best.start, best.end, best.strand) == ("TATA-like", 40, 46, "+")
    (row,) = _table(out / "summary.tsv")
    assert (row["top_span_start"], row["top_span_end"]) == ("5256", "5257")
    assert row["top_span_motif"] == "TATA-like"
    top = _table(out / "top_spans.tsv")[0]
    assert (top["bases"], top["motif_start"], top["motif_end"], top["motif_strand"]) == ("T", "5253", "5259", "-")
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["format"], manifest["n_records"]) == ("mlx_gsa.explanation", 1)


def test_tracks_cover_the_interval_of_the_header(tmp_path):
    tokens = random_tokens(201, sites=[40])
    path = _fasta(tmp_path / "a.fa", ("chr7:5,000-5,200(-)", tokens), ("plain", tokens), ("chr7:1-99", tokens))
    first, second, third = explain_records(FakePredictor(), fasta_records(read_fasta(path)), tmp_path / "o")
    assert first.place == Place("chr7", 4999, 5200, "-")
    rows = [line.split("\t") for line in first.files["bedgraph"].read_text().splitlines()]
    assert (rows[0][1], rows[-1][2]) == ("4999", "5200")
    assert all(a[2] == b[1] for a, b in pairwise(rows))
    assert second.place.chrom == "plain" and not second.note
    assert not third.place.genomic and "do not fit 201 bp" in third.note


def test_only_the_first_records_get_maps(tmp_path):
    predictor = FakePredictor()
    found = list(explain_records(predictor, _records(5), tmp_path / "o", heatmaps=2))
    assert predictor.asked == [True, True, False, False, False]
    assert [("heatmap" in each.files) for each in found] == [True, True, False, False, False]
    with np.load(found[1].files["npz"]) as first, np.load(found[2].files["npz"]) as later:
        assert "weights" in first and "weights" not in later
    assert [row["id"] for row in _table(tmp_path / "o" / "summary.tsv")] == [f"r{i}" for i in range(5)]


def test_a_record_with_too_many_kept_positions_gets_its_tracks_and_a_note(tmp_path):
    predictor, records = FakePredictor(), list(_records(4))
    records[1] = records[1]._replace(tokens=random_tokens(900))
    predictor.longest_map = 899
    found = list(explain_records(predictor, records, tmp_path / "o", heatmaps=3))
    assert predictor.asked == [True, False, True, False]
    assert ["map" in explanation.note for explanation in found] == [False, True, False, False]
    assert ["heatmap" in explanation.files for explanation in found] == [True, True, True, False]


def test_combined_only(tmp_path):
    found = list(explain_records(FakePredictor(), _records(3), tmp_path / "o", heatmaps=0, record_files=False))
    assert [each.files for each in found] == [{}] * 3
    assert not (tmp_path / "o" / "records").exists()
    assert len(_table(tmp_path / "o" / "summary.tsv")) == 3


def test_sparsity_reaches_the_model(tmp_path):
    found = list(explain_records(FakePredictor(), _records(1), tmp_path / "o", sparsity=0.02, heatmaps=0))
    assert found[0].n_kept == 4


def test_progress_counts_records(tmp_path):
    seen = []
    list(explain_records(FakePredictor(), _records(3), tmp_path / "o", heatmaps=0, progress=seen.append))
    assert seen == [1, 2, 3]


def test_memory_does_not_grow_with_the_number_of_records(tmp_path):
    stream = explain_records(FakePredictor(), _records(300), tmp_path / "o", heatmaps=0, batch_size=8)
    held = {}
    for i, _ in enumerate(stream):
        if i == 20:
            tracemalloc.start()
        if i in (60, 280):
            gc.collect()
            held[i] = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    current, peak = (held[280][j] - held[60][j] for j in (0, 1))
    # a record is 8 kB of arrays; what may stay of it is its folder's name
    assert current < 220 * 300 and peak < 600_000


def test_figures_are_freed(tmp_path):
    def figures():
        gc.collect()
        return sum(type(each).__name__ == "Figure" for each in gc.get_objects())

    before = figures()
    for _ in explain_records(FakePredictor(), _records(4), tmp_path / "o", heatmaps="all"):
        assert figures() <= before + 1


def test_a_bad_record_leaves_the_older_output_as_it_was(tmp_path):
    out = tmp_path / "out"
    list(explain_records(FakePredictor(), _records(1), out, heatmaps=0))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def broken():
        yield from _records(3)
        raise SequenceError("bad")

    with pytest.raises(SequenceError):
        list(explain_records(FakePredictor(), broken(), out))
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert list(tmp_path.iterdir()) == [out]


def test_leaving_early_writes_nothing(tmp_path):
    stream = explain_records(FakePredictor(), _records(3), tmp_path / "o", heatmaps=0)
    next(stream)
    stream.close()
    assert list(tmp_path.iterdir()) == []


def test_no_record_is_an_error(tmp_path):
    with pytest.raises(SequenceError, match="no record"):
        list(explain_records(FakePredictor(), [], tmp_path / "o"))
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_not_overwritten(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(GsaError, match="will not overwrite"):
        list(explain_records(FakePredictor(), _records(1), tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_ids_that_fold_into_one_name_keep_apart(tmp_path):
    records = [r._replace(id=name) for r, name in zip(_records(3), ("a:b", "a/b", "A_B"), strict=True)]
    found = list(explain_records(FakePredictor(), records, tmp_path / "o", heatmaps=0))
    assert len({each.files["bed"].parent for each in found}) == 3


def test_sites_are_compared_by_hand():
    relevance = np.array([0, 5, 0, 0, 1, 0, 0, 3, 0, 0], float)
    spans = find_spans(relevance, [1, 7], [0.0, 0.0], gap=0)
    sites = [TrackSite(0, 4, "+", "a", "functional"), TrackSite(4, 6, "+", "b", "repressor"),
             TrackSite(6, 8, "-", "c", "decoy_core")]  # fmt: skip
    a, b, c = compare_sites(relevance, [1, 7], spans, sites)
    assert (a.touched, a.covered, a.span_rank, a.relevance_rank) == (True, 0.25, 1, 1)
    assert (b.touched, b.covered, b.span_rank, b.relevance_rank) == (False, 0.0, None, 3)
    assert (c.touched, c.covered, c.span_rank, c.relevance_rank) == (True, 0.5, 2, 2)
    # two of ten positions miss a site of four in 15 of 45 ways
    assert a.chance == pytest.approx(1 - 15 / 45)
    assert count_found([a, b, c]) == (1, 2, pytest.approx(a.chance + b.chance))


def test_records_of_a_data_set(dataset, tmp_path):
    assert find_records(dataset, ["s2", "5"]) == [2, 5]
    assert find_records(dataset, []) == [4]
    with pytest.raises(DatasetError, match="no such record"):
        find_records(dataset, ["nothing"])
    records = dataset_records(dataset, [4])
    (found,) = explain_records(FakePredictor(), records, tmp_path / "o", known_sites=known_sites(dataset, [4]))
    assert (found.label, found.place) == (4.0, Place("chr2", 1000, 1200, "-"))
    assert [(site.kind, site.touched) for site in found.sites] == [("TATA", True), ("GC", False), ("TATA", True)]
    assert _table(tmp_path / "o" / "summary.tsv")[0]["active_sites_touched"] == "2"


def test_the_predicted_class_is_explained(tmp_path):
    predictor = FakePredictor("multiclass", ["a", "b", "c"])
    (found,) = explain_records(predictor, _records(1), tmp_path / "o")
    assert (found.text, found.prediction) == ("c (probability 1)", 1.0)
    assert describe_prediction(np.array([0.25]), "binary", ["off", "on"]) == "probability 0.25 of on"
    assert describe_prediction(np.array([0.25]), "binary", None) == "probability 0.25 of class 1"


@pytest.fixture
def run_cli(monkeypatch, tmp_path):
    run = SimpleNamespace(path=tmp_path / "run", model_folder=tmp_path / "run/best", shipped=False)
    module = SimpleNamespace(find_run=lambda path: run)
    predictor = SimpleNamespace(Predictor=SimpleNamespace(from_folder=lambda folder: FakePredictor()))
    monkeypatch.setitem(__import__("sys").modules, "mlx_gsa.training.run", module)
    monkeypatch.setitem(__import__("sys").modules, "mlx_gsa.inference.predictor", predictor)
    monkeypatch.setattr(cli.console, "_width", 160, raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments, shipped=False, **options):
        run.shipped = shipped
        with cli.console.capture() as captured:
            result = CliRunner().invoke(cli.command, [str(a) for a in arguments], **options)
        return result, captured.get()

    return call


def test_command_on_one_sequence(run_cli, tmp_path):
    path = _fasta(tmp_path / "my.fa", ("chr7:5,001-5,200(-)", random_tokens(200, sites=[40])))
    result, text = run_cli(path, "--motifs", "promoter_elements", "--sparsity", 0.01)
    assert result.exit_code == 0, result.output
    assert "strength 3.25" in text and "chr7:5,158 " in text  # 5200 - 42, 1-based
    assert "no test of enrichment" in " ".join(text.split())
    assert "synthetic" not in text
    assert (tmp_path / "explained/my/records").is_dir()


def test_command_says_when_the_model_is_the_shipped_one(run_cli, tmp_path):
    path = _fasta(tmp_path / "my.fa", ("a", random_tokens(100)))
    result, text = run_cli(path, "--motifs", "none", "--heatmaps", 0, shipped=True)
    assert result.exit_code == 0, result.output
    assert "ships with the program" in " ".join(text.split()) and "synthetic" in text


def test_command_on_many_sequences_shows_one_table(run_cli, tmp_path):
    path = tmp_path / "many.fa.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(f">r{i}\n{decode(random_tokens(100, seed=i))}\n" for i in range(25))
    result, text = run_cli(path, "--motifs", "none", "--heatmaps", 1, "--combined-only", "--out", "there")
    assert result.exit_code == 0, result.output
    assert "25 records explained" in text and "first 1 of 25" in " ".join(text.split())
    assert len(list((tmp_path / "there/records").iterdir())) == 1


def test_command_on_a_data_set_compares_with_what_was_planted(run_cli, dataset):
    result, text = run_cli("--data", dataset.path, "--record", "s4", "--motifs", "none", "--heatmaps", 0)
    assert result.exit_code == 0, result.output
    assert "Found and planted" in text and "2 of 2 active sites touched" in " ".join(text.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give a FASTA file"),
        (["a.fa", "--data", "d"], "Give a FASTA file"),
        (["a.fa", "--record", "x"], "--record names a record"),
        (["a.fa", "--heatmaps", "some"], "neither a number"),
        (["a.fa", "--sparsity", "0"], "0"),
        (["a.fa", "--sparsity", "1.5"], "1.5"),
    ],
)
def test_wrong_usage(run_cli, arguments, message):
    result, _ = run_cli(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_bad_input_leaves_nothing_behind(run_cli, tmp_path):
    path = tmp_path / "bad.fa"
    path.write_text(f">a\n{decode(random_tokens(60))}\n>b\nMKLVEPQ\n")
    result, _ = run_cli(path, "--motifs", "none", "--heatmaps", 0)
    assert isinstance(result.exception, SequenceError)
    assert not (tmp_path / "explained").exists()


def test_a_sequence_without_a_known_base(tmp_path):
    record = Record("n", encode("N" * 50)[0], Place.of_record("n", 50))
    (found,) = explain_records(FakePredictor(), [record], tmp_path / "o", motifs=[TATA])
    assert found.n_kept == 5 and not any(found.matches.values())


@pytest.fixture
def classes(tmp_path):
    """Sixty records, half of them with two sites; every second record is for the test."""
    label = np.arange(60) // 2 % 2
    sequences = [random_tokens(120, seed=i, sites=[40, 90] if label[i] else []) for i in range(60)]
    records = Records.build([f"s{i}" for i in range(60)], label, np.where(np.arange(60) % 2, "test", "train"))
    return write_dataset(
        tmp_path / "data", sequences, records, task="binary", classes=["off", "on"], source={}, seed=0
    )


def test_records_of_a_class(classes):
    found = class_records(classes, "test", "on")
    assert found.rows.tolist() == list(range(3, 60, 4)) and found.others.tolist() == list(range(1, 60, 4))
    assert found.words == ("on", "off") and found.is_other is None
    assert class_records(classes, "test", "0").rows.tolist() == found.others.tolist()
    some = class_records(classes, "test", "on", limit=4)
    assert some.rows.tolist() == [3, 15, 31, 47] and len(some.others) == 4
    both = class_records(classes, "all", None)
    assert len(both.rows) == 60 and not len(both.others)
    assert [both.is_other(r) for r in dataset_records(classes, [1, 3])] == [True, False]
    with pytest.raises(DatasetError, match=r"no such class.*one of off, on, found up"):
        class_records(classes, "test", "up")
    with pytest.raises(DatasetError, match="no record to explain"):
        class_records(classes, "val", "on")


def test_a_regression_has_no_classes(dataset):
    with pytest.raises(DatasetError, match="no classes"):
        class_records(dataset, "test", "on")
    found = class_records(dataset, "test")
    assert found.rows.tolist() == [4, 5] and found.words == ("test records", None)


def test_command_on_a_class_shows_its_motifs(run_cli, classes, tmp_path):
    result, text = run_cli(
        "--data", classes.path, "--class", "on", "--motifs", "promoter_elements", "--records-to-draw", 0
    )
    assert result.exit_code == 0, result.output
    assert "Motifs in the kept positions (15 records, 15 of off)" in text and "TATA" in text
    assert "the share of off" in " ".join(text.split())
    rows = _table(tmp_path / "explained/data/motifs.tsv")
    # the box is longer than what was planted, so not every flank makes a site
    assert rows[0]["motif"] == "TATA-Box" and int(rows[0]["hit"]) >= 5 and rows[0]["other_hit"] == "0"
    assert len(_table(tmp_path / "explained/data/summary.tsv")) == 15
    manifest = json.loads((tmp_path / "explained/data/manifest.json").read_text())
    assert (manifest["split"], manifest["class"]) == ("test", "on")


def test_command_draws_few_of_many(run_cli, classes, tmp_path):
    result, text = run_cli("--data", classes.path, "--split", "test", "--motifs", "none")
    assert result.exit_code == 0, result.output
    assert "first 5 of 30" in " ".join(text.split())
    assert len(list((tmp_path / "explained/data/records").iterdir())) == 5
    assert not (tmp_path / "explained/data/motifs.tsv").exists()


def test_command_limits_the_records(run_cli, classes, tmp_path):
    result, _ = run_cli("--data", classes.path, "--split", "all", "--limit", 12, "--motifs", "none", "--heatmaps", 0)
    assert result.exit_code == 0, result.output
    assert len(_table(tmp_path / "explained/data/summary.tsv")) == 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.fa", "--split", "test"], "choose records of a data set"),
        (["--data", "d", "--record", "x", "--class", "on"], "not both"),
    ],
)
def test_wrong_choices(run_cli, arguments, message):
    result, _ = run_cli(*arguments)
    assert result.exit_code == 2 and message in " ".join(result.output.split())

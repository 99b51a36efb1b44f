"""`gsa prepare`: each source ends in a data set, a summary and a picture; bad input in one panel and exit 1."""

import random

import pytest

from mlx_gsa.data.collect import SplitPlan
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.grammar import load_grammar


def table(path, n=40):
    letters = random.Random(0)
    lines = ["sequence\tlabel\tclass\tgene"]
    lines += [f"{''.join(letters.choices('ACGT', k=50))}\t{i}\t{'xyz'[i % 3]}\tg{i // 2}" for i in range(n)]
    path.write_text("\n".join(lines) + "\n")
    return path


def fasta(path, seed):
    letters = random.Random(seed)
    path.write_text("".join(f">s{i}\n{''.join(letters.choices('ACGT', k=50))}\n" for i in range(20)))
    return path


def picture_is_there(folder):
    return (folder / "summary.png").read_bytes()[:4] == b"\x89PNG"


def test_without_argument_the_demo_goes_to_data_synthetic(gsa, tmp_path, monkeypatch):
    small = load_grammar("demo").model_copy(update={"n": 60})
    monkeypatch.setattr("mlx_gsa.data.grammar.load_grammar", lambda name: small if name == "demo" else None)
    result = gsa("prepare")
    assert result.exit_code == 0, result.output
    made = Dataset.open(tmp_path / "data/synthetic")
    assert len(made) == 60 and made.sites is not None and picture_is_there(made.path)
    assert "Planted sites" in result.output and "best r" in result.output
    assert "gsa train --data data/synthetic" in result.output


def test_synthetic_options_reach_the_library(gsa, tmp_path, monkeypatch):
    calls = []

    def stop(grammar, out, **options):
        calls.append((grammar.name, str(out), options["seed"], options["n"]))
        raise SystemExit(0)

    monkeypatch.setattr("mlx_gsa.data.synthetic.make_synthetic", stop)
    (tmp_path / "mine.toml").write_text('extends = "demo"\nname = "mine"\n')
    gsa("prepare", "synthetic", "--preset", "full", "--n", 50, "--seed", 7)
    gsa("prepare", "synthetic", "--grammar", "mine.toml", "--out", "x")
    assert calls == [("full", "data/synthetic-full", 7, 50), ("mine", "x", 0, None)]


def test_preset_and_grammar_together_are_wrong_usage(gsa):
    result = gsa("prepare", "synthetic", "--preset", "demo", "--grammar", "x.toml")
    assert result.exit_code == 2 and "not both" in result.output


def test_table(gsa, tmp_path):
    path = table(tmp_path / "mpra.tsv")
    result = gsa("prepare", "table", path, "--task", "regression", "--group-column", "gene", "--seed", 3)
    assert result.exit_code == 0, result.output
    made = Dataset.open(tmp_path / "data/mpra")
    assert made.task == "regression" and made.manifest.seed == 3 and picture_is_there(made.path)
    assert made.manifest.source["split_by"] == "group" and "whole groups" in result.output


def test_table_options_reach_the_library(gsa, tmp_path, monkeypatch):
    got = {}

    def stop(path, out, **options):
        got.update(options, path=path, out=str(out))
        raise SystemExit(0)

    monkeypatch.setattr("mlx_gsa.data.table.dataset_from_table", stop)
    gsa(
        *("prepare", "table", "-", "--task", "binary", "--positive", "a, b", "--negative", "c", "--out", "o"),
        *("--where", "x=1,2", "--where", "y=3", "--log2", "--pseudocount", 1, "--seed", 5, "--split", "chromosome"),
        *(
            a
            for name in ("id", "chrom", "start", "end", "strand", "group", "split")
            for a in (f"--{name}-column", name)
        ),
        *("--sequence-column", "s", "--label-column", "l", "--min-length", 7, "--max-length", 8),
        *("--max-n-fraction", 0.5, "--val-chroms", "chr8", "--test-chroms", "chr1, chr2", "--folds", 4),
        *("--similarity-threshold", 0.4, "--crossing", "drop"),
    )
    chroms = {"val_chroms": ("chr8",), "test_chroms": ("chr1", "chr2")}
    plan = SplitPlan("chromosome", seed=5, folds=4, threshold=0.4, crossing="drop", **chroms)
    assert (got["path"], got["out"], got["task"]) == ("-", "o", "binary")
    assert got["positives"] == ("a", "b") and got["negatives"] == ("c",) and got["where"] == ("x=1,2", "y=3")
    assert got["log2"] is True and got["pseudocount"] == 1 and got["plan"] == plan
    assert all(got[f"{n}_column"] == n for n in ("id", "chrom", "start", "end", "strand", "group", "split"))
    assert got["sequence_column"] == "s" and got["label_column"] == ("l",)
    limits = got["limits"]
    assert (limits.min_length, limits.max_length, limits.max_n_fraction) == (7, 8, 0.5)


def test_classes_and_what_was_left_out_are_shown(gsa, tmp_path):
    path = table(tmp_path / "t.tsv")
    path.write_text(path.read_text() + "ACGT\t1\tx\tg\n" + "ACGT" * 10 + "\t1\t\tg\n")
    result = gsa("prepare", "table", path, "--label-column", "class", "--task", "multiclass")
    assert result.exit_code == 0, result.output
    for text in ("Classes", "shorter than 20 bp", "missing label", "similar sequences"):
        assert text in result.output


def test_fasta(gsa, tmp_path):
    files = fasta(tmp_path / "peaks.fa", 1), fasta(tmp_path / "background.fa", 2)
    result = gsa("prepare", "fasta", *files, "--seed", 1)
    assert result.exit_code == 0, result.output
    assert len(Dataset.open(tmp_path / "data/peaks")) == 40
    assert "(50%)" in result.output and "negatives renamed" in result.output


def test_fasta_with_negatives_that_are_made(gsa, tmp_path):
    arguments = ("--negatives", "dinucleotide-shuffle:2", "--negatives", "segment-swap")
    result = gsa("prepare", "fasta", fasta(tmp_path / "peaks.fa", 1), *arguments)
    assert result.exit_code == 0, result.output
    assert len(Dataset.open(tmp_path / "data/peaks")) == 80


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("dinucleotide", "dinucleotide-shuffle"),
        ("flank", "not possible here"),
        ("segment-swap:x", "how many negatives"),
    ],
)
def test_wrong_kinds_of_negatives_are_wrong_usage(gsa, tmp_path, value, text):
    result = gsa("prepare", "fasta", fasta(tmp_path / "peaks.fa", 1), "--negatives", value)
    assert result.exit_code == 2 and text in result.output


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["table", "t.tsv", "--task", "regression", "--label-column", "lable"], ["no column 'lable'", "'label'"]),
        (["table", "no.tsv", "--task", "binary"], ["cannot read the file", "no such file"]),
        (["fasta", "t.tsv", "p.fa"], ["FASTA without a header", "t.tsv, line 1"]),
        (["fasta", "p.fa", "p.fa"], ["the same file"]),
        (["fasta", "p.fa", "n.fa", "--min-length", "99"], ["no usable record", "20 shorter than 99 bp"]),
        (["fasta", "p.fa", "n.fa", "--out", "mine"], ["will not overwrite", "notes.txt"]),
        (["synthetic", "--preset", "ful"], ["ful"]),
    ],
)
def test_bad_input_is_one_panel_and_changes_nothing(gsa, tmp_path, arguments, texts):
    table(tmp_path / "t.tsv")
    fasta(tmp_path / "p.fa", 1)
    fasta(tmp_path / "n.fa", 2)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    before = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    result = gsa("prepare", *arguments)
    assert result.exit_code == 1 and result.stdout == ""
    assert all(text in result.stderr for text in texts) and "Traceback" not in result.stderr
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("arguments", [["tabel"], ["table"], ["table", "x", "--task", "guess"], ["fasta", "x"]])
def test_wrong_usage_exits_2(gsa, arguments):
    assert gsa("prepare", *arguments).exit_code == 2


def test_help_names_every_source(gsa):
    result = gsa("prepare", "--help")
    assert all(name in result.output for name in ("synthetic", "table", "fasta"))


def test_the_leakage_report_is_shown(gsa, tmp_path):
    clean = gsa("prepare", "table", table(tmp_path / "t.tsv"), "--task", "regression", "--folds", 3)
    assert "Leakage: clean" in clean.output and "0.0% similar to a train record" in clean.output
    assert set(Dataset.open(tmp_path / "data/t").records.extra["fold"].tolist()) == {0, 1, 2}
    lines = (tmp_path / "t.tsv").read_text().splitlines()
    varied = [line[:49] + "T" + line[50:] for line in lines[1:]]
    (tmp_path / "u.tsv").write_text("\n".join([*lines, *varied]) + "\n")
    alarm = gsa("prepare", "table", "u.tsv", "--task", "regression", "--split", "random")
    assert "Leakage: alarm" in alarm.output
    assert "Prepare again with --split similarity, or --crossing drop." in alarm.output


def test_label_options_reach_the_library(gsa, monkeypatch):
    got = {}

    def stop(path, out, **options):
        got.update(options)
        raise SystemExit(0)

    monkeypatch.setattr("mlx_gsa.data.table.dataset_from_table", stop)
    start = ("prepare", "table", "-", "--task", "regression")
    gsa(
        *(*start, "--label-column", "a", "--label-column", "b", "--spread-column", "c", "--spread-column", "d"),
        *("--weight-column", "w", "--duplicates", "mean", "--group-from", "^(.+)_", "--split-as", "test"),
    )
    assert got["label_column"] == ("a", "b") and got["spread_column"] == ("c", "d") and got["weight_column"] == "w"
    assert (got["duplicates"], got["group_from"], got["split_as"]) == ("mean", "^(.+)_", "test")
    gsa(*start, "--replicate-columns", "r1, r2")
    assert got["replicate_columns"] == ("r1", "r2") and got["label_column"] == ("label",)
    assert (got["duplicates"], got["group_from"], got["split_as"], got["weight_column"]) == ("keep", None, None, None)
    both = gsa(*start, "--replicate-columns", "r1,r2", "--label-column", "a")
    assert both.exit_code == 2 and "not both" in both.output

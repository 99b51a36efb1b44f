"""`gsa motifs` from a trained toy run to its files."""

import json

import numpy as np
import pytest
from toys import toy_config, toy_dataset

from mlx_gsa.training.run import start_run

QUICK = ("--no-novel", "--untrained", 8, "--permutations", 100, "--shuffles", 2, "--p-value", 2e-4, "--split", "all")
WORDS = {"AP1": "TGACTCAT", "GATA": "AGATAAGA", "CCAAT": "CCAATCAG", "GC": "GGGGCGGG"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run that has learned to keep TGACTCAT, its data set, and a file of four matrices."""
    folder = tmp_path_factory.mktemp("motifs")
    toy_dataset(folder / "data", 400, "binary", lengths=(100, 140))
    settings = {"training__epochs": 8, "training__batch_size": 32, "model__sparsity": 0.1, "model__n_channels": 8}
    trainer, _ = start_run(toy_config(folder / "data", **settings), folder / "run")
    trainer.run()
    blocks = []
    for name, word in WORDS.items():
        lines = (f"{base} [ {' '.join('96' if b == base else '1' for b in word)} ]" for base in "ACGT")
        blocks.append("\n".join([f">{name}.1\t{name}", *lines]))
    (folder / "four.jaspar").write_text("\n".join(blocks) + "\n")
    return folder


def error(result):
    """The panel as one line of words."""
    assert result.exit_code == 1 and "Traceback" not in result.output
    return " ".join(result.stderr.replace("│", " ").split())


def test_the_planted_motif_is_enriched_and_the_files_are_written(gsa, trained, tmp_path):
    result = gsa("motifs", trained / "run", "--motifs", trained / "four.jaspar", *QUICK, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "Enriched families: 1" in result.stdout and "AP1" in result.stdout
    found = json.loads((tmp_path / "out" / "motifs.json").read_text())
    assert [family["motif_id"] for family in found["families"] if family["enriched"]] == ["AP1.1"]
    best = found["families"][0]["best"]
    assert found["families"][0]["associated"] and best["associated"] and best["label"]["q"] < 0.01
    assert best["label"]["effect"] > 1 and found["cuts"]["kept"]["associated"] == found["cuts"]["kept"]["enriched"]
    assert found["manifest"]["label_records"] == 40, "those of test, though all are looked at"
    assert all(family["best"]["label"] is None for family in found["families"] if not family["enriched"])
    assert best["q"] < 0.01 and best["shuffled"]["enrichment"]["value"] > 2 and best["records"] > 150
    manifest = found["manifest"]
    assert manifest["format"] == "mlx_gsa.motifs" and manifest["records"] == "all records of class on"
    assert manifest["n_motifs"] == 4 and manifest["same_data"] and manifest["settings"]["untrained"] == 8
    header, *rows = (line.split("\t") for line in (tmp_path / "out" / "motifs.tsv").read_text().splitlines())
    assert len(rows) == 2 * manifest["n_tested"] and all(len(row) == len(header) for row in rows)
    first = dict(zip(header, rows[0], strict=True))
    assert first["motif_id"] == "AP1.1" and first["enriched"] == first["associated"] == "yes"
    assert float(first["untrained_enrichment"]) > 1
    assert (tmp_path / "out" / "motifs.png").stat().st_size > 5000 and (tmp_path / "out" / "motifs.svg").exists()


def test_the_command_of_the_manifest_repeats_the_numbers(gsa, trained, tmp_path):
    import shlex

    given = ("motifs", trained / "run", "--motifs", trained / "four.jaspar", *QUICK, "--json")
    first = json.loads(gsa(*given, "--top", 0).stdout)
    assert list(first["cuts"]) == ["kept"]
    words = shlex.split(first["manifest"]["command"])
    assert words[0] == "gsa"
    again = json.loads(gsa(*words[1:], "--json", "--out", tmp_path / "again").stdout)
    assert again["families"] == first["families"]
    other = json.loads(gsa(*given, "--seed", 1, "--out", tmp_path / "other").stdout)
    assert other["families"] != first["families"]


def test_without_logomaker_there_is_a_note_and_no_figure(gsa, trained, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "logomaker", None)
    result = gsa("motifs", trained / "run", "--motifs", trained / "four.jaspar", *QUICK, "--out", tmp_path / "out")
    assert result.exit_code == 0 and "No figure: logos need logomaker" in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["motifs.json", "motifs.tsv"]


def test_an_unknown_organism_is_asked_for_before_anything_else(gsa, trained):
    text = error(gsa("motifs", trained / "run"))
    assert "which motifs suit the data set is not known" in text and "--taxon" in text


def test_wrong_usage_is_told(gsa, trained):
    both = gsa("motifs", trained / "run", "--motifs", trained / "four.jaspar", "--taxon", "plants")
    assert both.exit_code == 2 and "--motifs replaces JASPAR" in both.output
    assert "no such class" in error(gsa("motifs", trained / "run", "--taxon", "plants", "--class", "third"))
    (trained / "bad.txt").write_text("no motif here")
    assert "unknown motif format" in error(gsa("motifs", trained / "run", "--motifs", trained / "bad.txt"))


def test_labels_of_nothing_give_no_enrichment(gsa, tmp_path, trained):
    from toys import write_toy

    from mlx_gsa.data.dataset import Dataset

    dataset = Dataset.open(trained / "data")
    labels = np.random.default_rng(5).permutation(np.asarray(dataset.records.label))
    write_toy(tmp_path / "data", [dataset.sequence(i) for i in range(len(dataset))], labels, "binary", ["off", "on"])
    settings = {"training__epochs": 3, "training__batch_size": 32, "model__n_channels": 8}
    trainer, _ = start_run(toy_config(tmp_path / "data", **settings), tmp_path / "run")
    trainer.run()
    result = gsa("motifs", tmp_path / "run", "--motifs", trained / "four.jaspar", *QUICK, "--json")
    assert result.exit_code == 0, result.stderr
    assert all(family["best"]["q"] > 0.05 for family in json.loads(result.stdout)["families"])

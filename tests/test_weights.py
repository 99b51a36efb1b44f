"""Models on disk: what is saved is loaded, and what is not a whole model of this program is refused."""

import json
import os
import struct

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from toys import scrambled

from mlx_gsa.errors import RunError
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.model.weights import MODEL_FILE, ModelBundle, load_model, save_model


@pytest.fixture
def saved(tmp_path):
    """A folder with a model of three classes."""
    model = scrambled(n_outputs=3, attention="mlp", max_selected=7)
    save_model(tmp_path, ModelBundle(model, "multiclass", ["a", "b", "c"], LabelScale(2.5, 0.1)))
    return tmp_path


def problem(folder):
    with pytest.raises(RunError) as caught:
        load_model(folder)
    return caught.value


def rewrite_header(path, change):
    """Change the JSON that the file's metadata carries under this program's key; the arrays stay."""
    arrays, metadata = mx.load(str(path), return_metadata=True)
    header = change(json.loads(metadata["mlx_gsa"]))
    mx.eval(arrays)
    mx.save_safetensors(str(path), arrays, {"mlx_gsa": json.dumps(header)})


def test_a_model_comes_back_bit_for_bit(saved):
    before = scrambled(n_outputs=3, attention="mlp", max_selected=7)
    bundle = load_model(saved)
    assert (bundle.task, bundle.classes, bundle.scale) == ("multiclass", ["a", "b", "c"], LabelScale(2.5, 0.1))
    assert bundle.model.config == before.config
    for (name, value), (_, other) in zip(
        tree_flatten(before.parameters()), tree_flatten(bundle.model.parameters()), strict=True
    ):
        assert np.array_equal(value, other), name


def test_the_composition_is_saved_too(tmp_path):
    model = scrambled()
    model.stem.composition = mx.array([0.4, 0.1, 0.1, 0.4])
    save_model(tmp_path, ModelBundle(model, "regression", None, LabelScale()))
    np.testing.assert_array_equal(load_model(tmp_path).model.stem.composition, model.stem.composition)


def test_the_readable_copy_is_no_part_of_the_model(saved):
    header = json.loads((saved / "model.json").read_text())
    assert header["config"]["attention"] == "mlp" and header["n_parameters"] == load_model(saved).model.n_parameters()
    (saved / "model.json").unlink()
    assert load_model(saved).task == "multiclass"


def test_there_is_no_pickle_and_nothing_left_over(saved):
    assert sorted(p.name for p in saved.iterdir()) == ["model.json", MODEL_FILE]
    (size,) = struct.unpack("<Q", (saved / MODEL_FILE).read_bytes()[:8])
    assert "embeddings.bases" in json.loads((saved / MODEL_FILE).read_bytes()[8 : 8 + size])


def test_a_missing_model_is_named(tmp_path):
    error = problem(tmp_path)
    assert (error.what, error.where) == ("model file not found", str(tmp_path / MODEL_FILE))
    assert "gsa train" in error.mend


@pytest.mark.parametrize("share", [0, 0.0001, 0.003, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(saved, share):
    path = saved / MODEL_FILE
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    error = problem(saved)
    assert (error.what, error.where) == ("model file is damaged or foreign", str(path))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" * 100, b"not weights\n" * 50, bytes(500), b"\xff" * 500])
def test_another_kind_of_file_is_refused(saved, content):
    (saved / MODEL_FILE).write_bytes(content)
    assert problem(saved).what == "model file is damaged or foreign"


def test_weights_of_another_program_are_refused(saved):
    mx.save_safetensors(str(saved / MODEL_FILE), {"weight": mx.zeros((3,))}, {"format": "mlx"})
    assert problem(saved).what == "model file is damaged or foreign"
    mx.save_safetensors(str(saved / MODEL_FILE), {"weight": mx.zeros((3,))})
    assert problem(saved).what == "model file is damaged or foreign"


@pytest.mark.parametrize("header", [[], "text", 3, None])
def test_a_header_that_is_no_table_is_refused(saved, header):
    rewrite_header(saved / MODEL_FILE, lambda _: header)
    assert problem(saved).what in ("model file is damaged or foreign", "not a model of this program")


def test_a_newer_format_is_refused_by_name(saved):
    rewrite_header(saved / MODEL_FILE, lambda header: header | {"format_version": 2})
    error = problem(saved)
    assert (error.what, error.found) == ("not a model of this program", "mlx_gsa.model version 2")
    assert error.expected == "mlx_gsa.model version 1"


@pytest.mark.parametrize("key", ["config", "scale", "task", "classes"])
def test_a_header_without_what_is_needed_names_it(saved, key):
    rewrite_header(saved / MODEL_FILE, lambda header: {k: v for k, v in header.items() if k != key})
    error = problem(saved)
    assert error.what == "model header cannot be used" and key in error.found


def test_a_configuration_with_an_unknown_setting_names_it(saved):
    rewrite_header(saved / MODEL_FILE, lambda header: header | {"config": {"novelty": 1}})
    assert "novelty" in problem(saved).found


def test_every_weight_that_does_not_fit_is_named_at_once(saved):
    arrays, metadata = mx.load(str(saved / MODEL_FILE), return_metadata=True)
    mx.eval(arrays)
    arrays["readout.bias"] = mx.zeros((5,))
    arrays["novelty"] = arrays.pop("gate.scale")
    mx.save_safetensors(str(saved / MODEL_FILE), arrays, metadata)
    error = problem(saved)
    assert (error.what, error.found) == ("weights do not fit the configuration", "gate.scale, novelty, readout.bias")


def test_an_older_model_stays_whole_if_the_new_one_cannot_be_written(saved, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(saved, ModelBundle(scrambled(1), "regression", None, LabelScale()))
    assert load_model(saved).task == "multiclass"

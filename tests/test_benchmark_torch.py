"""The rival in PyTorch: the same numbers from the same weights, gradients included."""

import subprocess
import sys

import numpy as np
import pytest

from mlx_gsa.benchmark.worker import Worker

pytest.importorskip("torch", reason="PyTorch is not installed (extra bench)")

LENGTH, BATCH = 200, 3


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Requests with the weights of a sparse and of a dense model, and a process with PyTorch."""
    folder = tmp_path_factory.mktemp("weights")
    asked = {"length": LENGTH, "batch": BATCH}
    with Worker("mlx", 1) as mlx:
        found = {}
        for name, settings in (("sparse", {"sparsity": 0.1}), ("dense", {"attention": "full"})):
            path = str(folder / f"{name}.npz")
            made = mlx.ask({"what": "weights", "settings": settings, "path": path, **asked})
            kept = made["kept"] if name == "sparse" else None
            found[name] = {**asked, **made, "kept": kept}
    return found


@pytest.fixture(scope="module")
def rival():
    """A process with PyTorch on one thread."""
    with Worker("torch", 1) as each:
        yield each


@pytest.mark.parametrize("name", ["sparse", "dense"])
def test_outputs_and_gradients_are_those_of_the_program(rival, weights, name):
    errors = rival.ask({"what": "check", **weights[name]})["errors"]
    assert len(errors) == 6
    assert all(each["output"] < 1e-5 and each["gradient"] < 1e-4 for each in errors.values()), errors


@pytest.mark.parametrize("section", ["forward", "step", "attention", "stem"])
def test_the_fastest_form_is_measured(rival, weights, section):
    found = rival.ask({"what": section, **weights["sparse"], "seconds": 0.01})
    assert found["variant"] in found["variants"] and len(found["variants"]) > 1 and found["seconds"] > 0


def test_no_mlx_in_its_process():
    code = "import sys, mlx_gsa.benchmark.torch_work; print('mlx' in sys.modules, 'mlx.core' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False False", done.stderr


def test_a_training_step_learns():
    import torch

    from mlx_gsa.benchmark.torch_model import build_optimizer, train_step
    from mlx_gsa.benchmark.torch_work import build

    with Worker("mlx", 1) as mlx:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/w.npz"
            mlx.ask({"what": "weights", "settings": {}, "path": path, "length": LENGTH, "batch": BATCH})
            model = build({"path": path, "kept": 20, "reference_budget": 64.0}, "gemm", "softmax")
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 4, (8, LENGTH)).astype(np.uint8))
    labels, optimizer = torch.linspace(-1, 1, 8), build_optimizer(model)
    losses = [train_step(model, optimizer, tokens, labels) for _ in range(20)]
    assert losses[-1] < losses[0]

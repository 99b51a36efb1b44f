"""Memory: estimates against what is used, batches that fit, and a refusal that says what to do."""

import subprocess
import sys

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from mlx_gsa.config import ModelConfig
from mlx_gsa.errors import RunError
from mlx_gsa.model import memory
from mlx_gsa.model.build import build_model
from mlx_gsa.model.memory import affordable_rows, attending, batch_bytes, pairs_of_each, require_memory
from mlx_gsa.model.organism import forward_budget

CASES = {
    "few kept": ({"max_selected": 100}, 40_000),
    "all pairs": ({"sparsity": 1.0}, 1_500),
    "neighbours": ({"neighbours": 64, "sparsity": 0.3}, 30_000),
    "pairwise network": ({"attention": "mlp", "sparsity": 1.0}, 500),
    "full": ({"attention": "full"}, 1_500),
    "window": ({"attention": "window"}, 10_000),
}


def peak_of(settings, length, training):
    """Bytes that one sequence takes at most, above what was in use."""
    model = build_model(ModelConfig(**settings))
    tokens = mx.array(np.random.default_rng(0).integers(0, 4, (1, length)).astype(np.uint8))
    lengths, (counts, widest) = mx.array([length]), forward_budget(model.config, [length], length)

    def loss():
        output = model(tokens, lengths, counts, widest)
        return mx.square(output.prediction).sum() + mx.square(output.local).sum()

    run = nn.value_and_grad(model, loss) if training else loss
    mx.eval(model.parameters(), tokens, lengths, counts)
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    mx.eval(run())
    return mx.get_peak_memory() - before


@pytest.mark.skipif(mx.default_device() == mx.Device(mx.gpu), reason="the numbers are those of a CPU")
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_estimate_is_near_what_is_used(case, training):
    settings, length = CASES[case]
    assert 0.3 < peak_of(settings, length, training) / batch_bytes(ModelConfig(**settings), 1, length, training) < 1.3


def test_what_attends_is_counted():
    budgets = ({}, {"max_selected": 30}, {"attention": "full"})
    assert [attending(ModelConfig(**s), 2000) for s in budgets] == [200, 30, 2000]
    kinds = ({}, {"neighbours": 64}, {"neighbours": 999}, {"attention": "window", "window": 8, "n_global": 2})
    assert [pairs_of_each(ModelConfig(**s), 200) for s in kinds] == [200, 192, 200, 26]


def test_memory_is_linear_in_length_among_neighbours_and_not_among_all():
    near, everyone = (
        [batch_bytes(ModelConfig(neighbours=n), 1, length) for length in (100_000, 200_000)] for n in (64, None)
    )
    assert near[1] == pytest.approx(2 * near[0], rel=0.01)
    assert everyone[1] > 3.5 * everyone[0] > 10 * near[0]


def test_rows_that_fit_are_a_power_of_two_and_never_none():
    config = ModelConfig()
    each = batch_bytes(config, 1, 5_000)
    assert affordable_rows(config, 5_000, 24, 24 * each) == 24
    assert affordable_rows(config, 5_000, 24, 23 * each) == 16
    assert affordable_rows(config, 5_000, 24, each // 2) == 1


@pytest.mark.parametrize(
    "settings, mend",
    [
        ({}, "--set model.neighbours=128"),
        ({"attention": "full"}, "model.max_selected"),
        ({"neighbours": 64}, "training.batch_size"),
    ],
)
def test_too_many_pairs_are_refused_with_advice(settings, mend, monkeypatch):
    monkeypatch.setattr(memory, "memory_total", lambda: 10**6)
    with pytest.raises(RunError) as caught:
        forward_budget(ModelConfig(**settings), [200_000] * 2, 200_000)
    kept = "200,000" if "attention" in settings else "20,000"
    assert f"2 x 200,000 bp, {kept} positions that attend" in str(caught.value) and mend in caught.value.mend


def test_what_fits_and_a_rival_without_pairs_pass(monkeypatch):
    require_memory(ModelConfig(neighbours=128), 1, 1_000_000, training=True)
    monkeypatch.setattr(memory, "memory_total", lambda: 10**6)
    require_memory(ModelConfig(architecture="cnn"), 32, 5_000)


MEGABASE = """
import json, resource, sys
from mlx_gsa.runtime import prepare_mlx
mx = prepare_mlx()
import numpy as np
from mlx_gsa.config import ModelConfig
from mlx_gsa.model.build import build_model
from mlx_gsa.model.organism import forward_budget
model = build_model(ModelConfig(**json.loads(sys.argv[1])))
tokens = mx.array(np.random.default_rng(0).integers(0, 4, (1, 1_000_000)).astype(np.uint8))
counts, widest = forward_budget(model.config, [1_000_000], 1_000_000)
output = model(tokens, mx.array([1_000_000]), counts, widest)
mx.eval(output)
assert np.isfinite(output.prediction).all() and output.mask.sum().item() == counts.item()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("settings", ['{"max_selected": 200}', '{"neighbours": 64, "context": [512], "anchor": "end"}'])
def test_a_megabase_in_one_forward_stays_within_2_gb(settings):
    done = subprocess.run([sys.executable, "-c", MEGABASE, settings], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    assert int(done.stdout) * unit < 2e9

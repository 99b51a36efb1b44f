"""Markov backgrounds: estimating, drawing, reading."""

import json

import numpy as np
import pytest

from mlx_gsa.dna.alphabet import encode
from mlx_gsa.dna.background import MarkovBackground
from mlx_gsa.errors import ConfigError


def test_fit_counts_what_follows_what():
    background = MarkovBackground.fit([encode("AACA")[0], encode("ACNA")[0]], order=1, pseudocount=0.001)
    assert background.probabilities[0] == pytest.approx([1 / 3, 2 / 3, 0, 0], abs=2e-3)
    assert background.probabilities[1] == pytest.approx([1, 0, 0, 0], abs=4e-3)
    assert background.probabilities[3] == pytest.approx([0.25] * 4)


def test_order_0_ignores_what_came_before():
    background = MarkovBackground.fit([encode("AAAC")[0]], order=0, pseudocount=0)
    assert background.composition == pytest.approx([0.75, 0.25, 0, 0])
    tokens, _ = background.sample([20_000], np.random.default_rng(0))
    assert (tokens == 0).mean() == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_samples_follow_the_table(order):
    rng = np.random.default_rng(order)
    table = rng.dirichlet(np.full(4, 3.0), 4**order)
    tokens, offsets = MarkovBackground(order, table).sample(np.full(200, 2000), rng)
    again = MarkovBackground.fit(np.split(tokens, offsets[1:-1]), order)
    common = MarkovBackground(order, table).stationary > 0.005
    assert again.probabilities[common] == pytest.approx(table[common], abs=0.03)


def test_a_deterministic_chain_shows_that_contexts_are_read_oldest_first():
    # Order 2: after XY comes X, so every sequence has period 2; a wrong context order would break it.
    table = np.eye(4)[np.arange(16) // 4]
    tokens, offsets = MarkovBackground(2, table).sample([30, 17, 1, 0, 23], np.random.default_rng(5))
    for sequence in np.split(tokens, offsets[1:-1]):
        assert (sequence[2:] == sequence[:-2]).all()


def test_lengths_and_offsets():
    lengths = [5, 0, 300, 1]
    tokens, offsets = MarkovBackground.shipped().sample(lengths, np.random.default_rng(0))
    assert np.diff(offsets).tolist() == lengths
    assert tokens.dtype == np.uint8 and tokens.size == 306 and tokens.max() < 4


def test_same_generator_state_same_sequence():
    background = MarkovBackground.shipped()
    first, second = (background.sample([100, 50], np.random.default_rng(0))[0] for _ in range(2))
    assert (first == second).all()


def test_the_shipped_table_looks_human():
    background = MarkovBackground.shipped()
    share = background.composition
    assert background.order == 3 and "RegSeqNet" in background.description
    assert 0.42 < share[1] + share[2] < 0.48
    tokens, _ = background.sample([200_000], np.random.default_rng(1))
    cpg = ((tokens[:-1] == 1) & (tokens[1:] == 2)).mean()
    assert cpg / (share[1] * share[2]) < 0.5, "CpG is depleted in human DNA"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "not a background table"),
        (json.dumps({"order": 1}), "KeyError"),
        (json.dumps({"order": 1, "probabilities": [[0.25] * 4] * 3}), "shape"),
        (json.dumps({"order": 0, "probabilities": [[0.5, 0.5, 0.5, 0.5]]}), "sum to 1"),
        (json.dumps({"order": 0, "probabilities": [[1.5, -0.5, 0, 0]]}), "sum to 1"),
    ],
)
def test_bad_tables_are_refused(tmp_path, content, message):
    path = tmp_path / "table.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        MarkovBackground.from_file(path)


def test_a_file_reads_back(tmp_path):
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"order": 0, "probabilities": [[0.1, 0.2, 0.3, 0.4]]}))
    assert MarkovBackground.from_file(path).composition == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_an_unknown_name_says_what_ships():
    with pytest.raises(ConfigError, match="human_open_chromatin"):
        MarkovBackground.shipped("martian")

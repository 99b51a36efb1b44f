"""Positions in simple repeats."""

import numpy as np
import pytest

from mlx_gsa.dna.alphabet import encode
from mlx_gsa.motifs.hits import Pool
from mlx_gsa.motifs.repeats import in_simple_repeat


def unique(length, seed=0):
    return np.random.default_rng(seed).integers(0, 4, length).astype(np.uint8)


@pytest.mark.parametrize("unit", ["A", "CA", "CAG", "GATA", "AACCT", "TTAGGG"])
def test_a_repeat_of_every_period_is_marked_and_only_there(unit):
    repeat = encode((unit * 50)[:50])[0]
    marked = in_simple_repeat(Pool.of([unique(100), np.concatenate([unique(80, 1), repeat, unique(80, 2)])]))
    assert not marked[:170].any() and marked[200:210].all() and not marked[250:].any()


def test_random_sequence_and_n_are_not_repeats():
    assert not in_simple_repeat(Pool.of([unique(20_000)])).any()
    assert not in_simple_repeat(Pool.of([np.full(60, 4, np.uint8)])).any()


def test_a_record_does_not_continue_the_one_before():
    ca = encode("CA" * 7)[0]
    assert not in_simple_repeat(Pool.of([ca, ca])).any()

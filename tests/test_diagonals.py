"""Local scores on a diagonal, held against a plain loop."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_gsa.dna.alphabet import encode, reverse_complement
from mlx_gsa.dna.diagonals import local_scores, near_score, overlap_on_diagonal


def plain(a, b):
    """Best stretch of matches less mismatches, N being a mismatch."""
    best = now = 0
    for x, y in zip(a, b, strict=True):
        now = max(now + (1 if x == y and x < 4 else -1), 0)
        best = max(best, now)
    return best


def score(a, b, opposite=False):
    tokens, n = np.concatenate([a, b]), len(a)
    second = n + len(b) - 1 if opposite else n
    return local_scores(tokens, np.array([0]), np.array([second]), np.array([n]), np.array([opposite]))[0]


def test_worked_cases():
    one = encode("ACGTACGTAC")[0]
    assert score(one, one) == 10
    assert score(one, encode("ACGTTCGTAC")[0]) == 8
    assert score(one, encode("TTTTTCGTAC")[0]) == 5
    assert score(encode("NNNN")[0], encode("NNNN")[0]) == 0
    assert score(one, reverse_complement(one), opposite=True) == 10


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60), st.booleans())
def test_scores_are_those_of_a_plain_loop_on_either_strand(columns, opposite):
    a, b = (np.array(side, dtype=np.uint8) for side in zip(*columns, strict=True))
    assert score(a, reverse_complement(b) if opposite else b, opposite) == plain(a, b)


def test_strips_of_any_lengths_together():
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 4, 5000).astype(np.uint8)
    lengths = rng.integers(1, 900, 50)
    a, b = rng.integers(0, 4000, 50), rng.integers(0, 4000, 50)
    found = local_scores(tokens, a, b, lengths, np.zeros(50, dtype=bool))
    wanted = [plain(tokens[i : i + n], tokens[j : j + n]) for i, j, n in zip(a, b, lengths, strict=True)]
    assert found.tolist() == wanted


def test_overlap_on_a_diagonal():
    for diagonal, wanted in ((0, (0, 6)), (4, (4, 6)), (-2, (0, 4)), (8, (8, 2))):
        assert overlap_on_diagonal(10, 6, np.array(diagonal)) == wanted


def test_longer_sequences_need_more_around_a_seed_up_to_a_limit():
    assert near_score(np.array([50, 128, 628, 10_000])).tolist() == [22, 22, 32, 60]

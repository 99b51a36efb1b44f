"""Selection in NumPy: position by position what the model's selector keeps."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_gsa.inference.host_select import keep_highest, tie_breaks
from mlx_gsa.model import selector


@pytest.mark.parametrize("ties", [1, 3, 1000])
def test_the_same_positions_as_the_model_keeps(ties):
    rng = np.random.default_rng(ties)
    relevance = np.round(rng.standard_normal((6, 90)) * ties).astype(np.float32)
    relevance[0] = 0.5
    relevance[1, :40] = -0.0
    relevance[1, 40:] = 0.0
    lengths, counts = np.array([90, 90, 77, 40, 5, 1]), np.array([9, 9, 8, 20, 5, 1])
    kept, mask = keep_highest(relevance, lengths, counts, 20)
    expected = selector.keep_highest(mx.array(relevance), mx.array(lengths), mx.array(counts), 20)
    np.testing.assert_array_equal(mask, expected[1])
    np.testing.assert_array_equal(kept, expected[0])
    assert kept.dtype == np.int32


def test_the_order_of_ties_is_a_permutation():
    assert len(set(tie_breaks(5000).tolist())) == 5000 and tie_breaks(5000).min() >= 0

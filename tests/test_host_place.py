"""Context and profile in NumPy against the model's own."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_gsa.inference.host_place import context_means, profile_factors
from mlx_gsa.model.context import KmerContext, kmer_classes
from mlx_gsa.model.profile import PositionalProfile

TOKENS = np.random.default_rng(0).integers(0, 6, (3, 150)).astype(np.uint8)


@pytest.mark.parametrize("strands", ["both", "forward"])
@pytest.mark.parametrize("k", [2, 5])
def test_means_of_windows(k, strands):
    context = KmerContext((10, 40, 500), k, 4, strands)
    found = context_means(TOKENS, np.array(context.table)[kmer_classes(k, strands)], k, (10, 40, 500))
    np.testing.assert_allclose(found, context(mx.array(TOKENS)), atol=1e-5)


@pytest.mark.parametrize("anchor", ["start", "end", "centre"])
@pytest.mark.parametrize("lengths", [[150, 150, 150], [150, 90, 1]])
def test_factors_by_distance(anchor, lengths):
    profile = PositionalProfile(5, anchor, 100.0)
    profile.weight = mx.random.normal(profile.weight.shape)
    expected = profile(mx.ones((3, 150, 5)), mx.array(lengths))
    found = profile_factors(150, lengths, np.array(profile.weight), anchor, 100.0)
    assert len(found) == len(set(lengths))
    np.testing.assert_allclose(np.broadcast_to(found, (3, 150, 5)), expected, atol=1e-5)

"""Embeddings: N is the mean of the bases and what was learned beyond it, PAD is nothing."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_gsa.dna import alphabet
from mlx_gsa.model.embeddings import N_TOKENS, TaskSpecificEmbeddings


def by_hand():
    embeddings = TaskSpecificEmbeddings(2)
    embeddings.bases = mx.array([[1.0, 0.0], [3.0, 2.0], [5.0, -2.0], [-1.0, 4.0]])
    embeddings.n_offset = mx.array([0.5, 0.0])
    return embeddings


def test_the_table_has_a_row_for_every_token():
    assert N_TOKENS == len({alphabet.A, alphabet.C, alphabet.G, alphabet.T, alphabet.N, alphabet.PAD}) == 6
    table = np.array(by_hand().table())
    np.testing.assert_array_equal(table[: alphabet.N], [[1, 0], [3, 2], [5, -2], [-1, 4]])
    np.testing.assert_array_equal(table[alphabet.N], [2.5, 1.0])
    np.testing.assert_array_equal(table[alphabet.PAD], [0, 0])


def test_tokens_are_looked_up():
    tokens = mx.array(np.array([[alphabet.T, alphabet.PAD], [alphabet.N, alphabet.A]], dtype=np.uint8))
    vectors = np.array(by_hand()(tokens))
    np.testing.assert_array_equal(vectors, [[[-1, 4], [0, 0]], [[2.5, 1], [1, 0]]])


def test_an_n_is_the_mean_of_the_bases_before_it_has_been_learned():
    embeddings = TaskSpecificEmbeddings(16)
    np.testing.assert_array_equal(embeddings.table()[alphabet.N], embeddings.bases.mean(axis=0))


def gradients(token):
    embeddings = by_hand()

    def total(parameters):
        embeddings.update(parameters)
        return embeddings(mx.array([[token]])).sum()

    return mx.grad(total)(embeddings.parameters())


def test_pad_teaches_nothing():
    found = gradients(alphabet.PAD)
    assert not np.array(found["bases"]).any() and not np.array(found["n_offset"]).any()


def test_a_base_teaches_its_own_row_and_an_n_a_quarter_of_each():
    np.testing.assert_array_equal(gradients(alphabet.G)["bases"], [[0, 0], [0, 0], [1, 1], [0, 0]])
    np.testing.assert_array_equal(gradients(alphabet.N)["bases"], np.full((4, 2), 0.25))
    np.testing.assert_array_equal(gradients(alphabet.N)["n_offset"], [1, 1])


def test_one_hot_is_the_identity_with_n_between():
    table = np.array(TaskSpecificEmbeddings(6, "one-hot").table())
    np.testing.assert_array_equal(table[:4], np.eye(4, 6))
    np.testing.assert_array_equal(table[alphabet.N], [0.25] * 4 + [0, 0])
    assert not table[alphabet.PAD].any()


def test_random_embeddings_are_fixed_by_the_seed():
    tables = []
    for seed in (0, 0, 1):
        mx.random.seed(seed)
        tables.append(np.array(TaskSpecificEmbeddings(6, "random").table()))
    assert np.array_equal(tables[0], tables[1]) and not np.array_equal(tables[0], tables[2])
    assert not tables[0][alphabet.PAD].any()


@pytest.mark.parametrize("kind, n_learned", [("learned", 30), ("one-hot", 0), ("random", 0)])
def test_only_the_learned_kind_is_learned(kind, n_learned):
    learned = TaskSpecificEmbeddings(6, kind).trainable_parameters()
    assert sum(value.size for value in learned.values()) == n_learned

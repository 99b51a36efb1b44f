"""Similar records: planted kin of every sort cluster, random sequences never do, the threshold comes from shuffles."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import random_tokens

from mlx_gsa.data.similarity import SHARE, Clusters, Threshold, chance_threshold
from mlx_gsa.dna.alphabet import encode, reverse_complement


def together(sequences):
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in sequences])]).astype(np.int64)
    return SimpleNamespace(tokens=np.concatenate(sequences), offsets=offsets)


def clusters(sequences, **options):
    return Clusters(together(sequences), **options).number


def mutated(tokens, identity, seed=0):
    rng = np.random.default_rng(seed)
    change = rng.random(len(tokens)) >= identity
    return np.where(change, (tokens + rng.integers(1, 4, len(tokens))) % 4, tokens).astype(np.uint8)


def with_gaps(tokens, places):
    return np.delete(tokens, [place + i for place in places for i in range(2)])


KIN = {
    "a variant of one base": lambda t: mutated(t, 1 - 1 / len(t), 5),
    "the other strand": reverse_complement,
    "shifted by a third": lambda t: np.concatenate([t[len(t) // 3 :], random_tokens([len(t) // 3], 99)[0]]),
    "85 % identity": lambda t: mutated(t, 0.85),
    "85 % identity, other strand": lambda t: reverse_complement(mutated(t, 0.85)),
    "two short gaps": lambda t: with_gaps(mutated(t, 0.95), (len(t) // 3, 2 * len(t) // 3)),
}


@pytest.mark.parametrize("length", [80, 300, 2000, 10_000])
@pytest.mark.parametrize("kin", KIN)
def test_planted_kin_come_together_among_random_sequences(kin, length):
    sequences = random_tokens([length] * 20, seed=length)
    number = clusters([*sequences, KIN[kin](sequences[7])])
    assert number[20] == number[7] and len(set(number.tolist())) == 20


def test_a_part_of_a_long_sequence_is_its_kin_at_any_length():
    sequences = random_tokens([80, 500, 2000, 10_000] * 5, seed=1)
    number = clusters([*sequences, sequences[3][4000:4090].copy(), reverse_complement(sequences[2][100:700])])
    assert number[20] == number[3] and number[21] == number[2] and len(set(number.tolist())) == 20


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(600, 80), (300, 200), (60, 2000)]))
def test_random_sequences_never_cluster(seed, size):
    n, length = size
    assert len(set(clusters(random_tokens([length] * n, seed)).tolist())) == n


def test_a_large_family_is_one_cluster_though_each_word_is_in_all_of_it():
    (parent,) = random_tokens([100], seed=3)
    family = [mutated(parent, 0.97, seed) for seed in range(400)]
    number = clusters([*random_tokens([100] * 50, seed=4), *family])
    assert len(set(number[50:].tolist())) == 1 and len(set(number[:50].tolist())) == 50


def test_simple_repeats_and_a_short_common_word_chain_nothing():
    sequences = random_tokens([100] * 60, seed=5)
    for tokens in sequences[:20]:
        tokens[:20] = encode("A" * 20)[0]
    for tokens in sequences[20:40]:
        tokens[40:58] = encode("AC" * 9)[0]
    for tokens in sequences[40:]:
        tokens[50:65] = encode("TGACTCATGGCCATA")[0]
    assert len(set(clusters(sequences).tolist())) == 60


def test_what_belongs_together_is_joined_in_any_case():
    number = clusters(random_tokens([50] * 4), together=[np.array(["a", "b", "c", "a"], object), np.arange(4) // 2])
    assert number[0] == number[1] == number[2] == number[3]


def test_the_threshold_is_above_what_shuffles_reach_and_grows_with_the_number():
    few, many = (chance_threshold(together(random_tokens([80] * n, seed=6))) for n in (500, 4000))
    assert few.share == many.share == SHARE and 12 <= few.chance < many.chance <= 26


def test_kin_in_the_data_do_not_raise_the_threshold():
    sequences = random_tokens([80] * 500, seed=6)
    kin = [mutated(one, 0.95, 1) for one in sequences]
    assert chance_threshold(together([*sequences, *kin])).chance <= 24


def test_a_pair_needs_a_share_of_the_shorter_but_more_than_chance_and_at_most_all():
    assert Threshold(0.3, 21).needed(np.array([10, 60, 100, 1000])).tolist() == [10, 21, 30, 300]


def test_a_given_threshold_stands_alone_and_a_higher_one_parts_more():
    sequences = random_tokens([200] * 10, seed=7)
    sequences.append(np.concatenate([sequences[0][:100], random_tokens([100], 8)[0]]))
    assert len(set(clusters(sequences).tolist())) == 10
    assert len(set(clusters(sequences, share=0.7).tolist())) == 11
    assert Clusters(together(sequences), share=0.7).threshold == Threshold(0.7)


def test_kin_found_across_splits_or_folds_are_joined():
    sequences = random_tokens([100] * 6, seed=9)
    sequences[5] = reverse_complement(sequences[0])
    found = Clusters(together(sequences))
    found.number = np.arange(6)  # as if the first search had missed it
    split = np.array(["train"] * 5 + ["test"])
    assert found.join_across(split) and found.number[0] == found.number[5]
    assert len(set(found.number.tolist())) == 5 and not found.join_across(np.full(6, "train"))
    assert found.join_across(fold=np.array([0, 1, 2, 0, 1, 2]))
    assert not found.join_across(fold=np.array([0, 1, 2, 0, 1, 0]))


def test_the_facts_name_the_largest_cluster():
    (parent,) = random_tokens([100], seed=3)
    found = Clusters(together([*random_tokens([100] * 6, seed=4), *(mutated(parent, 0.97, s) for s in range(4))]))
    facts = found.facts()
    assert facts["clusters"] == 7 and facts["largest_cluster"] == 4 and facts["records_with_kin"] == 4
    assert facts["largest_cluster_share"] == 0.4 and facts["share"] == SHARE


def test_one_record_and_records_too_short_for_a_seed():
    assert clusters(random_tokens([50])).tolist() == [0]
    assert len(set(clusters(random_tokens([5, 6, 7])).tolist())) == 3

"""Batches: every record once an epoch, little padding, and the same numbers for the same seed and epoch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import random_tokens, write_toy

from mlx_gsa.data.batches import assemble, bucket_lengths, inference_length, pad_rows, plan_epoch
from mlx_gsa.dna.alphabet import PAD, reverse_complement

LENGTHS = st.lists(st.integers(1, 5000), min_size=1, max_size=60)


@pytest.fixture
def dataset(tmp_path):
    return write_toy(tmp_path / "data", random_tokens([100, 37, 64, 5]), np.zeros(4))


@settings(deadline=None)
@given(LENGTHS)
def test_buckets_are_few_and_hold_the_longest(lengths):
    buckets = bucket_lengths(lengths)
    assert 1 <= len(buckets) <= 8 and (np.diff(buckets) > 0).all() and (buckets % 16 == 0).all()
    assert max(lengths) <= buckets[-1] < max(lengths) + 16


def test_buckets_by_hand():
    assert bucket_lengths([100, 200, 300, 400], 2).tolist() == [304, 400]
    assert bucket_lengths([2000] * 9).tolist() == [2000]


@settings(deadline=None)
@given(st.integers(1, 100_000))
def test_a_padded_length_is_of_a_ladder_in_steps_of_an_eighth(length):
    padded = inference_length(length)
    assert length <= padded < length + max(16, length / 8) and padded % 16 == 0
    assert inference_length(padded) == padded


def test_a_ladder_has_few_rungs():
    rungs = {inference_length(length) for length in range(1, 5001)}
    assert [r for r in sorted(rungs) if r <= 64] == [16, 32, 48, 64] and len(rungs) < 64


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 9), st.integers(0, 3), st.integers(0, 3))
def test_an_epoch_shows_every_record_once_in_batches_of_one_bucket(lengths, batch_size, seed, epoch):
    buckets = bucket_lengths(lengths)
    plan = plan_epoch(lengths, buckets, batch_size, seed, epoch)
    rows = np.concatenate([rows for _, rows in plan])
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    for padded, members in plan:
        assert 1 <= len(members) <= batch_size
        lower = max([b for b in buckets if b < padded], default=0)
        assert all(lower < lengths[i] <= padded for i in members)


def flat(plan):
    return [(padded, rows.tolist()) for padded, rows in plan]


def test_the_plan_is_a_function_of_seed_and_epoch():
    lengths = np.random.default_rng(0).integers(50, 500, 200)
    buckets = bucket_lengths(lengths)
    plans = {key: flat(plan_epoch(lengths, buckets, 8, *key)) for key in ((0, 0), (0, 1), (1, 0), (1, 1))}
    assert plans[0, 0] == flat(plan_epoch(lengths, buckets, 8, 0, 0))
    assert len({str(plan) for plan in plans.values()}) == 4
    assert len(plans[0, 0]) == len(plans[0, 1])  # else the schedule would not know the number of steps


def test_buckets_take_turns():
    plan = plan_epoch([10] * 400 + [100] * 400, [16, 112], 8, 0, 0)
    first_half = [padded for padded, _ in plan[:50]]
    assert 10 < first_half.count(16) < 40


def test_rows_are_padded_after_their_end():
    tokens, lengths = pad_rows([np.array([1, 2], np.uint8), np.array([3, 0, 4], np.uint8)], 4)
    assert tokens.tolist() == [[1, 2, PAD, PAD], [3, 0, 4, PAD]] and tokens.dtype == np.uint8
    assert lengths.tolist() == [2, 3] and lengths.dtype == np.int32


def test_a_batch_with_too_few_records_is_filled_with_weight_0(dataset):
    batch = assemble(dataset, np.array([2, 1]), 64, 4)
    assert batch.tokens.shape == (4, 64)
    assert (batch.indices.tolist(), batch.lengths.tolist(), batch.weights.tolist()) == (
        [2, 1, 1, 1], [64, 37, 37, 37], [1, 1, 0, 0],
    )  # fmt: skip
    np.testing.assert_array_equal(batch.tokens[1, :37], dataset.sequence(1))


def unpadded(batch):
    return [row[:length] for row, length in zip(batch.tokens, batch.lengths, strict=True)]


def test_without_a_generator_nothing_is_changed(dataset):
    for row, found in enumerate(unpadded(assemble(dataset, np.arange(4), 112, 4, reverse=True, shift=9))):
        np.testing.assert_array_equal(found, dataset.sequence(row))


def augmented(dataset, seed, **settings):
    return unpadded(assemble(dataset, np.arange(4), 112, 4, np.random.default_rng(seed), **settings))


def test_each_record_is_shown_on_either_strand(dataset):
    flips = np.zeros(4)
    for seed in range(200):
        for row, found in enumerate(augmented(dataset, seed, reverse=True)):
            plain = dataset.sequence(row)
            flipped = np.array_equal(found, reverse_complement(plain))
            assert flipped or np.array_equal(found, plain)
            flips[row] += flipped
    assert (flips > 70).all() and (flips < 130).all()


def test_a_shift_drops_a_few_bp_at_the_ends_of_records_that_can_spare_them(dataset):
    lefts, rights = set(), set()
    for seed in range(100):
        long, *_, short = augmented(dataset, seed, shift=3)
        plain = bytes(dataset.sequence(0))
        left = plain.index(bytes(long))
        lefts.add(left)
        rights.add(len(plain) - left - len(long))
        np.testing.assert_array_equal(short, dataset.sequence(3))  # 5 bp cannot spare up to 6
    assert lefts == rights == {0, 1, 2, 3}


def test_augmentation_follows_its_generator(dataset):
    first, again, other = (augmented(dataset, seed, reverse=True, shift=5) for seed in (0, 0, 1))
    assert list(map(bytes, first)) == list(map(bytes, again)) != list(map(bytes, other))

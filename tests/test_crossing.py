"""Records that tie splits or folds together are left out, few of them, counted, and the report is clean after."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import random_tokens

from mlx_gsa.data.collect import Collector, Limits, write_collected
from mlx_gsa.data.crossing import CROSSING, _cover, crossing_records
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.records import Sites
from mlx_gsa.data.split_plan import SplitPlan
from mlx_gsa.dna.alphabet import EncodeCounts, reverse_complement
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.errors import SplitError

N, LENGTH = 120, 100


def planted():
    """Records of ten chromosomes; a variant, a copy, another strand and a shifted copy on other chromosomes."""
    sequences = random_tokens([LENGTH] * N, seed=1)
    sequences[11] = sequences[0].copy()
    sequences[11][[20, 70]] = (sequences[11][[20, 70]] + 1) % 4
    sequences[22] = sequences[1].copy()
    sequences[33] = reverse_complement(sequences[2])
    sequences[44] = np.concatenate([sequences[3][40:], sequences[44][:40]])
    return sequences


def write(folder, sequences, plan, chrom=lambda i: f"chr{i % 10}", start=lambda i: 1000 * i):
    collector = Collector(Limits(), plan, "regression")

    def stream():
        for i, tokens in enumerate(sequences):
            region = Region(chrom(i), start(i), start(i) + len(tokens))
            collector.add(tokens, EncodeCounts(), id=f"r{i}", label=i / 10, region=region, extra={"number": i})
            yield tokens

    return write_collected(folder, stream(), collector, {"kind": "test"})


def test_kept_records_are_reported_and_dropped_ones_counted(tmp_path):
    kept = write(tmp_path / "kept", planted(), SplitPlan("chromosome", folds=5))
    assert len(kept) == N and kept.leakage["verdict"] == "alarm" and "--crossing drop" in kept.leakage["mend"]
    made = write(tmp_path / "made", planted(), SplitPlan("chromosome", folds=5, crossing="drop"))
    left_out = N - len(made)
    assert 1 <= left_out <= 4 and made.manifest.dropped == {CROSSING: left_out}
    assert made.manifest.source["crossing"]["left_out"] == left_out and made.leakage["verdict"] == "clean"
    figures = [*made.leakage["splits"].values(), *made.leakage["folds"].values()]
    assert all(part["similar"] == part["copies"] == 0 for part in figures)


def test_what_stays_is_whole_and_in_order(tmp_path):
    sequences = planted()
    made = Dataset.open(write(tmp_path / "d", sequences, SplitPlan("chromosome", folds=5, crossing="drop")).path)
    numbers = made.records.extra["number"]
    assert (np.diff(numbers) > 0).all() and made.records.id.tolist() == [f"r{i}" for i in numbers]
    assert all(np.array_equal(made.sequence(row), sequences[i]) for row, i in enumerate(numbers))
    assert sorted(path.name for path in made.path.iterdir()) == sorted([*made.manifest.parts, "manifest.json"])


def test_nothing_is_left_out_where_nothing_crosses(tmp_path):
    made = write(tmp_path / "d", random_tokens([LENGTH] * N, seed=1), SplitPlan("chromosome", crossing="drop"))
    plain = write(tmp_path / "p", random_tokens([LENGTH] * N, seed=1), SplitPlan("chromosome"))
    assert len(made) == N and made.manifest.dropped == {} and made.data_hash == plain.data_hash


def test_overlapping_places_do_not_cross_either(tmp_path):
    plan = SplitPlan("random", crossing="drop")
    made = write(tmp_path / "d", random_tokens([LENGTH] * N, 2), plan, chrom=lambda i: "chr1", start=lambda i: 80 * i)
    assert 0 < made.manifest.dropped[CROSSING] < 60
    assert all(part["overlap_bp"] == 0 for part in made.leakage["splits"].values())


def test_a_family_larger_than_a_search_sees_at_once_is_cleared(tmp_path):
    (parent,) = random_tokens([LENGTH], seed=3)
    rng, family = np.random.default_rng(0), []
    for _ in range(60):
        tokens = parent.copy()
        tokens[rng.integers(0, LENGTH, 4)] = rng.integers(0, 4, 4)
        family.append(tokens)
    sequences = [*random_tokens([LENGTH] * N, 4), *family]
    made = write(tmp_path / "d", sequences, SplitPlan("chromosome", folds=5, crossing="drop"))
    staying = made.records.extra["number"] >= N
    assert staying.sum() > 0 and len(set(made.records.extra["fold"][staying].tolist())) == 1
    assert made.leakage["splits"]["test"]["similar"] == 0


def test_the_hub_goes_and_of_two_the_one_in_the_larger_part():
    part = np.array([0, 0, 0, 1, 1])
    star = np.array([3, 3, 3]), np.array([0, 1, 2])
    assert np.flatnonzero(_cover(star, part, np.zeros(5, bool))).tolist() == [3]
    pair = np.array([4]), np.array([1])
    assert np.flatnonzero(_cover(pair, part, np.zeros(5, bool))).tolist() == [1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(10, 19)), max_size=40))
def test_every_link_is_broken_and_no_record_goes_without_a_link(pairs):
    links = tuple(np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    chosen = _cover(links, np.repeat([0, 1], 10), np.zeros(20, bool))
    assert all(chosen[a] or chosen[b] for a, b in pairs)
    assert set(np.flatnonzero(chosen).tolist()) <= {row for pair in pairs for row in pair}


def test_copies_stay_where_most_of_them_are():
    sequences = random_tokens([LENGTH] * 6, seed=5)
    kin = np.array(["a", "a", "a", "b", "b", "c"], object)
    for i in (1, 2):
        sequences[i] = sequences[0]
    sequences[4] = sequences[3]
    offsets = np.arange(7) * LENGTH
    holder = type("File", (), {"tokens": np.concatenate(sequences), "offsets": offsets})
    split = np.array(["train", "test", "test", "train", "val", "train"])
    none = np.full(6, -1)
    left_out, facts = crossing_records(holder, (np.full(6, "."), none, none), kin, split)
    assert np.flatnonzero(left_out).tolist() == [0, 3] and facts["left_out"] == 2


def test_a_split_that_would_be_empty_is_refused_and_nothing_is_written(tmp_path):
    (parent,) = random_tokens([LENGTH], seed=6)
    with pytest.raises(SplitError, match="no record is left in a split"):
        write(tmp_path / "d", [parent.copy() for _ in range(30)], SplitPlan("chromosome", crossing="drop"))
    assert list(tmp_path.iterdir()) == []


def test_sites_follow_their_records():
    sites = Sites([0, 1, 2, 2], [1, 2, 3, 5], [4, 5, 6, 8], list("++-+"), ["a", "b", "c", "d"], ["functional"] * 4)
    kept = sites.without(np.array([False, True, False]))
    assert kept.record.tolist() == [0, 1, 1] and kept.kind.tolist() == ["a", "c", "d"]

"""Controls: which, how many, like the positives, and never on top of anything."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_genome import ToyGenome, toy_chromosome

from mlx_gsa.data.collect import Limits, SplitPlan
from mlx_gsa.data.controls import (
    NO_FLANK,
    UNMATCHED,
    Control,
    control_id,
    control_parents,
    genomic_controls,
    parse_controls,
    sequence_control,
    sequence_controls,
)
from mlx_gsa.data.matching import BaseCounts, Taken
from mlx_gsa.data.windows import Window, write_windows
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.dna.genome import Genome
from mlx_gsa.errors import ConfigError


class Excluded:
    """Stands in for an IntervalSet."""

    def __init__(self, **intervals):
        self._intervals = intervals

    def on(self, chrom):
        pairs = np.array(self._intervals.get(chrom, ()), dtype=np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]


@pytest.fixture(scope="module")
def genome():
    return ToyGenome(chr1=toy_chromosome(200_000, 1), chr2=toy_chromosome(100_000, 2) + "N" * 5000)


@pytest.fixture(scope="module")
def positives():
    rng = np.random.default_rng(0)
    starts = [("chr1", s) for s in rng.choice(1900, 60, replace=False)]
    starts += [("chr2", s) for s in rng.choice(900, 40, replace=False)]
    return [Region(chrom, int(s) * 100, int(s) * 100 + 100, "+-"[i % 2]) for i, (chrom, s) in enumerate(starts)]


def shares(genome, region):
    text = genome.letters(region.chrom, region.start, region.end).tobytes().decode()
    return sum(c in "GCgc" for c in text) / len(text), sum(c.islower() for c in text) / len(text)


def overlapping(regions):
    ordered = sorted(regions, key=lambda r: (r.chrom, r.start))
    return [(a, b) for a, b in pairwise(ordered) if a.chrom == b.chrom and b.start < a.end]


def test_kinds_and_ratios_are_read():
    assert parse_controls(["random-genomic", "dinucleotide-shuffle:2", "flank:0.5:300"]) == (
        Control("random-genomic"),
        Control("dinucleotide-shuffle", 2.0),
        Control("flank", 0.5, 300),
    )
    assert parse_controls([]) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("shuffle", "Did you mean dinucleotide-shuffle"),
        ("random", "Did you mean random-genomic"),
        ("", "unknown kind"),
        ("flank:many", "flank:RATIO:DISTANCE"),
        ("flank:1:-5", "how many"),
        ("segment-swap:0", "how many"),
        ("segment-swap:nan", "how many"),
        ("segment-swap:1:200", "segment-swap:RATIO"),
    ],
)
def test_other_kinds_and_ratios_are_errors(value, text):
    with pytest.raises(ConfigError, match=text):
        parse_controls([value])


def test_one_kind_twice_is_an_error():
    with pytest.raises(ConfigError, match=r"segment-swap:2\."):
        parse_controls(["segment-swap", "segment-swap"])


@given(st.integers(0, 50), st.floats(0.01, 4), st.integers(0, 9))
def test_ratios_are_kept(n, ratio, seed):
    parents = control_parents(n, Control("flank", ratio), seed)
    times = Counter(parents.tolist())
    assert len(parents) == int(ratio) * n + round((ratio - int(ratio)) * n)
    assert set(times.values()) <= {int(ratio), int(ratio) + 1} - {0}
    assert (np.diff(parents) >= 0).all()


def test_names_of_controls():
    assert [control_id("a", "flank", copy) for copy in range(3)] == ["a|flank", "a|flank|2", "a|flank|3"]


def test_sequence_controls():
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 4, 200).astype(np.uint8)
    shuffled = sequence_control(tokens, Control("dinucleotide-shuffle"), rng)
    assert Counter(pairwise(shuffled.tolist())) == Counter(pairwise(tokens.tolist()))
    [swapped] = sequence_controls([tokens], Control("segment-swap", segments=4, kept=2), rng)
    assert (swapped.reshape(4, 50) == tokens.reshape(4, 50)).all(1).sum() == 2
    with pytest.raises(ConfigError, match="need a genome"):
        sequence_control(tokens, Control("flank"), rng)


@given(st.integers(1, 300), st.data())
def test_counts_of_bases_are_exact(length, data):
    text = "".join(data.draw(st.lists(st.sampled_from("ACGTacgtNnR"), min_size=length, max_size=length)))
    counts = BaseCounts(ToyGenome(c=text), "c")
    start = np.array(data.draw(st.lists(st.integers(0, length), min_size=1, max_size=5)))
    end = np.minimum(start + data.draw(st.integers(0, 40)), length)
    for a, b, found in zip(start, end, counts(start, end).T, strict=True):
        piece = text[a:b]
        assert found.tolist() == [sum(c in letters for c in piece) for letters in ("GCgc", "acgt", "ACGTacgt")]


def test_bases_read_in_pieces_are_counted_once(monkeypatch):
    monkeypatch.setattr("mlx_gsa.data.matching.PIECE", 32)
    text = toy_chromosome(500, 3)
    whole = BaseCounts(ToyGenome(c=text), "c")(np.array([0]), np.array([500]))[:, 0]
    assert whole.tolist() == [sum(c in letters for c in text) for letters in ("GCgc", "acgt", "ACGTacgt")]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=12), st.integers(0, 8))
def test_taken_intervals_never_overlap(intervals, n_first):
    first, rest = intervals[:n_first], intervals[n_first:]
    taken, busy = Taken(), set()
    taken.add(*np.array([(a, a + n) for a, n in first], dtype=np.int64).reshape(-1, 2).T)
    for a, n in first:
        busy |= set(range(a, a + n))
    start, end = np.array([(a, a + n) for a, n in rest], dtype=np.int64).reshape(-1, 2).T
    assert taken.free(start, end).tolist() == [not busy & set(range(a, a + n)) for a, n in rest]
    free = taken.free(start, end)
    accepted = taken.take(start, end)
    for a, b in zip(start[accepted], end[accepted], strict=True):
        assert not busy & set(range(a, b))
        busy |= set(range(a, b))
    assert not taken.free(start, end).any()
    assert accepted.any() == free.any()


def test_random_windows_are_like_their_positives(genome, positives):
    counts = Counter()
    control = Control("random-genomic", 2)
    found = genomic_controls(genome, positives, control, counts=counts)
    assert len(found) + counts[UNMATCHED.format(kind="random-genomic")] == 200 and len(found) > 180
    assert [parent for _, parent in found] == sorted(parent for _, parent in found)
    for region, parent in found:
        positive = positives[parent]
        assert (region.chrom, region.strand) == (positive.chrom, positive.strand)
        assert region.end - region.start == 100
        gc, repeats = np.abs(np.subtract(shares(genome, region), shares(genome, positive)))
        assert gc <= 0.02 + 1e-9 and repeats <= 0.1 + 1e-9
        assert b"N" not in genome.letters(region.chrom, region.start, region.end).tobytes()
    assert not overlapping([region for region, _ in found] + positives)


def test_random_windows_of_many_lengths(genome):
    rng = np.random.default_rng(4)
    positives = [Region("chr1", i * 4000, i * 4000 + int(rng.integers(80, 2000))) for i in range(40)]
    found = genomic_controls(genome, positives, Control("random-genomic", gc_tolerance=0.05, repeat_tolerance=0.3))
    assert len(found) >= 30
    assert all(r.end - r.start == positives[p].end - positives[p].start for r, p in found)
    assert not overlapping([region for region, _ in found] + positives)


def test_excluded_intervals_stay_free(genome, positives):
    found = genomic_controls(genome, positives, Control("random-genomic"), exclude=Excluded(chr1=[(0, 150_000)]))
    assert found and all(region.chrom == "chr2" or region.start >= 150_000 for region, _ in found)


def test_the_same_seed_gives_the_same_windows(genome, positives):
    one, same, other = (genomic_controls(genome, positives, Control("random-genomic"), seed=seed) for seed in (0, 0, 1))
    assert one == same and one != other


def test_what_has_no_equal_is_counted():
    genome = ToyGenome(chr1="A" * 5000 + "GC" * 50 + "A" * 5000)
    counts = Counter()
    assert genomic_controls(genome, [Region("chr1", 5000, 5100)], Control("random-genomic"), counts=counts) == []
    assert counts == {UNMATCHED.format(kind="random-genomic"): 1}


def test_a_chromosome_with_no_room():
    genome = ToyGenome(chr1="ACGT" * 25)
    for kind in ("random-genomic", "flank"):
        counts = Counter()
        assert genomic_controls(genome, [Region("chr1", 0, 100)], Control(kind), counts=counts) == []
        assert counts.total() == 1


def test_flanks_lie_at_their_distance(genome, positives):
    found = genomic_controls(genome, positives, Control("flank", distance=300))
    assert len(found) > 90
    gaps = []
    for region, parent in found:
        positive = positives[parent]
        gaps.append((positive.start - region.end, region.start - positive.end))
        assert 300 in gaps[-1] and region.strand == positive.strand and region.chrom == positive.chrom
    assert {gap[0] == 300 for gap in gaps} == {True, False}  # on both sides
    assert not overlapping([region for region, _ in found] + positives)


def test_flanks_on_both_sides_then_further_out():
    genome, positive = ToyGenome(chr1="ACGT" * 1000), Region("chr1", 2000, 2100)
    found = genomic_controls(genome, [positive], Control("flank", 4, distance=50))
    assert sorted(region.start for region, _ in found) == [1750, 1850, 2150, 2250]


def test_a_flank_takes_the_side_that_is_free():
    genome, counts = ToyGenome(chr1="ACGT" * 1000), Counter()
    for seed in range(8):
        exclude = Excluded(chr1=[(1000, 2000)])
        options = {"exclude": exclude, "seed": seed, "counts": counts}
        [(region, _)] = genomic_controls(genome, [Region("chr1", 2000, 2100)], Control("flank", distance=0), **options)
        assert region.start == 2100
    [_] = genomic_controls(genome, [Region("chr1", 0, 100)], Control("flank", 2, 10), counts=counts)
    assert counts == {NO_FLANK.format(kind="flank"): 1}


def test_other_names_of_chromosomes_are_understood():
    genome = ToyGenome(chr1="ACGT" * 1000)
    regions = [Region("1", 1000, 1100), Region("chr1", 2000, 2100)]
    exclude = Excluded(chr1=[(0, 1000)])
    found = genomic_controls(genome, regions, Control("flank", distance=0), exclude=exclude)
    assert [region.chrom for region, _ in found] == ["1", "chr1"] and found[0][0].start == 1100


def test_progress_ends_with_all_positives(genome, positives):
    calls = []
    genomic_controls(genome, positives, Control("flank"), progress=lambda *numbers: calls.append(numbers))
    assert calls == [(60, 100), (100, 100)]


def test_windows_of_several_kinds_do_not_lie_on_each_other(tmp_path):
    (tmp_path / "genome.fa").write_text("".join(f">chr{i}\n{toy_chromosome(60_000, i)}\n" for i in range(1, 6)))
    starts = np.random.default_rng(0).choice(100, (5, 20)) * 600
    regions = [Region(f"chr{c + 1}", int(s), int(s) + 200, "+") for c in range(5) for s in sorted(set(starts[c]))]
    windows = [Window(region, str(region), 1.0) for region in regions]
    options = {"task": "binary", "source": {}, "plan": SplitPlan(), "limits": Limits()}
    controls = parse_controls(["random-genomic:2", "flank:2:100", "segment-swap"])
    with Genome.open(tmp_path / "genome.fa") as genome:
        made = write_windows(tmp_path / "out", genome, windows, controls=controls, **options)
    table = made.records
    placed = np.flatnonzero(table.start >= 0)
    found = [Region(table.chrom[i], int(table.start[i]), int(table.end[i])) for i in placed]
    assert Counter(table.extra["kind"][placed]).keys() == {"positive", "random-genomic", "flank"}
    assert not overlapping(found)
    splits = {chrom: set(table.split[table.chrom == chrom]) for chrom in set(table.chrom)}
    assert all(len(names) == 1 for names in splits.values())


def test_a_sequence_made_kind_is_no_window(genome):
    with pytest.raises(ConfigError, match="no window of a genome"):
        genomic_controls(genome, [], Control("segment-swap"))

"""From windows of a genome to a data set: what is kept, what is counted, and that a killed run goes on."""

import dataclasses
import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.data import partial
from mlx_gsa.data.choose import (
    BELOW_TOP,
    BEYOND,
    COPY,
    EXCLUDED,
    NEAR,
    OVERLAP,
    PAST_EDGE,
    RENAMED_CHROM,
    RENAMED_ID,
    UNKNOWN_CHROM,
    choose_windows,
    unique_ids,
)
from mlx_gsa.data.collect import Limits
from mlx_gsa.data.controls import parse_controls
from mlx_gsa.data.parts import TOKENS
from mlx_gsa.data.split_plan import SplitPlan
from mlx_gsa.data.windows import Window, write_windows
from mlx_gsa.dna.alphabet import decode, encode, reverse_complement
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.dna.genome import Genome
from mlx_gsa.dna.intervals import IntervalSet
from mlx_gsa.errors import ConfigError, DatasetError, RegionError, SplitError


def window(chrom, start, end, score=None, strand=".", **more):
    return Window(Region(chrom, start, end, strand), f"{chrom}_{start}", 1.0, score=score, **more)


def spread(step=400, length=100, chroms=6):
    """Windows all over the first chromosomes of the mock genome, away from its N."""
    starts = [s for s in range(100, 5700, step) if not 1800 < s < 2200]
    return [
        dataclasses.replace(window(f"chr{c + 1}", s, s + length, strand="+-"[i % 2]), label=float(i))
        for c in range(chroms)
        for i, s in enumerate(starts)
    ]


@pytest.fixture
def write(mock_genome, tmp_path):
    def run(windows, out="out", **options):
        options = {"task": "regression", "source": {"kind": "test"}, "plan": SplitPlan(), "limits": Limits()} | options
        with Genome.open(mock_genome) as genome:
            return write_windows(tmp_path / out, genome, windows, **options)

    return run


def test_records_are_the_windows_in_their_order_on_their_strands(write, mock_genome_text):
    windows = spread()
    made = write(windows)
    assert made.records.id.tolist() == [w.id for w in windows] and made.task == "regression"
    for i, one in enumerate(windows):
        tokens = encode(mock_genome_text[one.region.chrom][one.region.start : one.region.end])[0]
        expected = reverse_complement(tokens) if one.region.strand == "-" else tokens
        assert made.sequence(i).tolist() == expected.tolist()
    records = made.records
    place = (records.chrom[3], records.start[3], records.end[3], records.strand[3], records.label[3])
    assert place == (windows[3].region.chrom, windows[3].region.start, windows[3].region.end, "-", 3.0)


def test_edges_names_n_and_unknown_chromosomes_are_counted(write):
    odd = [
        window("chr1", -5, 95),
        window("chr1", 5950, 6050),
        window("chr2", 7000, 7100),
        window("chr9", 0, 100),
        window("chr3", 2010, 2110),
        window("6", 5800, 5900),
    ]
    made = write([*spread(), *odd])
    assert made.manifest.dropped == {PAST_EDGE: 2, BEYOND: 1, UNKNOWN_CHROM: 1, "more than 10% N": 1}
    assert made.manifest.normalised == {RENAMED_CHROM: 1}
    assert made.manifest.source["chromosome_names"] == {"6": "chr6"}
    assert made.records.chrom[-1] == "chr6" and made.manifest.source["genome"] == "mock.fa"


def test_windows_up_to_the_very_edges_are_kept(write):
    made = write([*spread(), window("chrX", 0, 100), window("chrX", 3900, 4000)])
    assert made.manifest.dropped == {} and made.records.end[-1] == 4000


def test_of_overlapping_windows_the_best_stays():
    dropped = Counter()
    windows = [window("chr1", 0, 100, 1), window("chr1", 50, 150, 9), window("chr1", 140, 240, 5), window("chr2", 0, 9)]
    kept = choose_windows(windows, dropped)
    assert kept == [windows[1], windows[3]] and dropped == {OVERLAP: 2}


@pytest.mark.parametrize(
    ("options", "kept", "reasons"),
    [
        ({}, [0, 1, 2, 3], {COPY: 1}),
        ({"min_distance": 100}, [1, 3], {NEAR.format(bp=100): 2, COPY: 1}),
        ({"min_distance": 50}, [0, 1, 2, 3], {COPY: 1}),
        ({"top": 2}, [1, 2], {BELOW_TOP.format(n=2): 3}),
        ({"exclude": IntervalSet.of([Region("chr1", 149, 160)])}, [0, 2, 3], {EXCLUDED: 1, COPY: 1}),
        ({"overlaps": "keep"}, [0, 1, 2, 3, 4], {}),
    ],
)
def test_choices(options, kept, reasons):
    places = [(0, 100, 1), (150, 250, 9), (300, 400, 5), (900, 999, None), (900, 999, None)]
    windows, dropped = [window("chr1", *place) for place in places], Counter()
    assert choose_windows(windows, dropped, **options) == [windows[i] for i in kept]
    assert dropped == reasons


PLACES = st.tuples(st.integers(0, 80), st.integers(1, 20), st.integers(0, 5))


@given(st.lists(PLACES, max_size=15), st.integers(0, 15))
def test_kept_windows_keep_their_distance_and_no_window_could_be_added(places, distance):
    windows = [window("chr1", start, start + length, score) for start, length, score in places]
    dropped = Counter()
    kept = [w.region for w in choose_windows(windows, dropped, min_distance=distance)]
    kept.sort(key=lambda region: region.start)
    gaps = [b.start - a.end for a, b in itertools.pairwise(kept)]
    assert all(gap >= distance for gap in gaps) and len(kept) + dropped.total() == len(windows)
    for one in windows:
        near = [r for r in kept if one.region.start < r.end + distance and r.start < one.region.end + distance]
        assert near, "a window was dropped though nothing is near it"


def test_names_that_are_not_unique_become_places():
    counts = Counter()
    same = [dataclasses.replace(w, id="x") for w in (window("chr1", 1, 9, strand="+"), window("chr2", 1, 9))]
    named = unique_ids([*same, window("chr3", 1, 9)], counts)
    assert [w.id for w in named] == ["chr1:1-9(+)", "chr2:1-9", "chr3_1"] and counts == {RENAMED_ID: 2}


def test_a_positive_keeps_the_name_that_a_negative_has_too():
    counts = Counter()
    negative = window("chr1", 5, 9, extra={"kind": "negative"})
    twins = [dataclasses.replace(w, id="x") for w in (window("chr1", 1, 9), negative, negative)]
    assert [w.id for w in unique_ids(twins, counts)] == ["x", "chr1:5-9", "chr1:5-9#2"] and counts == {RENAMED_ID: 2}


def test_controls_of_every_kind_lie_beside_their_parents(write, mock_genome_text):
    kinds = ("random-genomic", "flank", "dinucleotide-shuffle", "segment-swap:0.5")
    windows = [dataclasses.replace(w, label=1.0) for w in spread(step=800)]
    made = write(windows, task="binary", classes=["negative", "positive"], controls=parse_controls(kinds))
    records, n = made.records, len(windows)
    kind = records.extra["kind"]
    assert (kind == "positive").sum() == n and (kind == "segment-swap").sum() == round(n / 2)
    assert set(records.label[kind == "positive"]) == {1.0} and set(records.label[kind != "positive"]) == {0.0}
    positives = IntervalSet.of(w.region for w in windows)
    for i in np.flatnonzero(np.isin(kind, ("random-genomic", "flank"))):
        assert not positives.overlaps(records.chrom[i], records.start[i], records.end[i])
        letters = mock_genome_text[records.chrom[i]][records.start[i] : records.end[i]].upper()
        tokens = made.sequence(i) if records.strand[i] != "-" else reverse_complement(made.sequence(i))
        assert decode(tokens) == letters
    split = dict(zip(records.id.tolist(), records.split.tolist(), strict=True))
    for name in records.id[kind == "dinucleotide-shuffle"]:
        assert split[name] == split[name.partition("|")[0]]


def test_wrong_choices_and_nothing_left_leave_the_disk_alone(write, tmp_path):
    before = sorted(tmp_path.iterdir())
    cases = [
        (spread(), {"overlaps": "keep", "min_distance": 5}, ConfigError, "does not go with"),
        (spread(), {"overlaps": "maybe"}, ConfigError, "unknown way with overlaps"),
        ([window("chr77", 0, 100)], {}, RegionError, "no window lies in the genome.*another assembly|unknown"),
        ([], {}, RegionError, "no window at all"),
        (spread(), {"limits": Limits(min_length=500)}, DatasetError, "no usable record.*shorter than 500"),
        (spread(chroms=1)[:2], {}, SplitError, "too few"),
    ]
    for windows, options, kind, message in cases:
        with pytest.raises(kind, match=message):
            write(windows, out="new/deep/out", **options)
        assert sorted(tmp_path.iterdir()) == before


def test_what_is_in_the_way_is_not_overwritten(write, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("x")
    with pytest.raises(DatasetError, match="will not overwrite"):
        write(spread())
    assert not (tmp_path / ".out.partial").exists()


def stopping_after(number):
    """A progress that is interrupted."""
    calls = []

    def progress(done, total, note=None):
        calls.append((done, note))
        if note is None and done >= number:
            raise KeyboardInterrupt

    return progress, calls


@pytest.fixture
def small_steps(monkeypatch):
    monkeypatch.setattr(partial, "AT_ONCE", 3)
    monkeypatch.setattr("mlx_gsa.data.windows.STEP", 1)


CONTROLS = {"task": "binary", "classes": ["a", "b"], "controls": parse_controls(["flank", "dinucleotide-shuffle"])}


def same_bytes(one, other):
    parts = sorted(p.name for p in one.path.iterdir() if p.name != "manifest.json")
    assert parts == sorted(p.name for p in other.path.iterdir() if p.name != "manifest.json")
    assert one.data_hash == other.data_hash
    assert all((one.path / name).read_bytes() == (other.path / name).read_bytes() for name in parts)
    counts = [(d.manifest.dropped, d.manifest.normalised, d.manifest.duplicates) for d in (one, other)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("stop", [5, 40, 90, 125, 230])
def test_an_interrupted_run_goes_on_to_the_same_bytes(write, tmp_path, small_steps, stop):
    windows = [*spread(), window("chr3", 2010, 2110)]
    windows = [dataclasses.replace(w, label=1.0) for w in windows]
    whole = write(windows, "whole", **CONTROLS)
    progress, _ = stopping_after(stop)
    with pytest.raises(KeyboardInterrupt):
        write(windows, progress=progress, **CONTROLS)
    assert (tmp_path / ".out.partial").is_dir() and not (tmp_path / "out").exists()
    reported = []
    again = write(windows, progress=lambda *what: reported.append(what), **CONTROLS)
    assert any("going on from" in str(what[2:]) for what in reported)
    same_bytes(whole, again)
    assert not (tmp_path / ".out.partial").exists()


def test_what_was_there_is_not_read_again(write, small_steps, monkeypatch):
    progress, _ = stopping_after(50)
    with pytest.raises(KeyboardInterrupt):
        write(spread(), progress=progress)
    read, original = [], Genome.tokens
    monkeypatch.setattr(Genome, "tokens", lambda self, *place: read.append(place) or original(self, *place))
    made = write(spread())
    assert len(made) == len(spread()) and len(read) <= len(spread()) - 48


@pytest.mark.parametrize("change", ["genome", "windows", "controls", "damage"])
def test_a_changed_input_or_a_damaged_journal_starts_anew(write, tmp_path, mock_genome, small_steps, change):
    windows, options = [dataclasses.replace(w, label=1.0) for w in spread()], dict(CONTROLS)
    progress, _ = stopping_after(60)
    with pytest.raises(KeyboardInterrupt):
        write(windows, progress=progress, **options)
    folder = tmp_path / ".out.partial"
    if change == "genome":
        mock_genome.write_text(mock_genome.read_text().replace("ACG", "AGG"))
    elif change == "windows":
        windows = windows[1:]
    elif change == "controls":
        options["controls"] = parse_controls(["flank:2"])
    else:
        data = (folder / TOKENS).read_bytes()
        (folder / TOKENS).write_bytes(data[: len(data) // 2])
    again = write(windows, **options)
    same_bytes(write(windows, "whole", **options), again)
    assert not folder.exists()


def test_an_error_leaves_no_journal_and_a_second_process_does_without(write, tmp_path):
    out = tmp_path / "out"
    with partial.partial_folder(out, "key") as first, partial.partial_folder(out, "key") as second:
        assert first.folder is not None and second.folder is None
        assert second.tokens(lambda: (np.zeros(3, np.uint8), 0))[0].tolist() == [0, 0, 0]
    assert list(tmp_path.glob(".out*")) == []

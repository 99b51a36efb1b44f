"""Motifs from windows: found where they were planted, and nothing where nothing was."""

import numpy as np
from motif_toys import AP1, ETS, draw_site, motif_of
from toys import random_tokens

from mlx_gsa.motifs.alignment import agreement
from mlx_gsa.motifs.discover import FLANK, discover, trim_range

LONG = motif_of("GGTGCTGANNATGTCCGTGC")


def make_windows(motifs, n=500, seed=0, share=0.3, control_share=0.0):
    """Windows of which a share holds each motif, a few bp around the middle, and two controls."""
    rng = np.random.default_rng([seed, 1])
    sets = [np.stack(random_tokens([49] * n, 10 * seed + i)) for i in range(3)]
    for windows, part in zip(sets, (share, control_share, control_share), strict=True):
        row = 0
        for motif in motifs:
            for _ in range(round(part * n)):
                start = 24 - motif.width // 2 + rng.integers(-3, 4)
                windows[row, start : start + motif.width] = draw_site(motif, rng)
                row += 1
    return sets[0], np.ones(n), sets[1:]


def test_planted_motifs_are_found_whole():
    truths = (AP1, ETS, LONG)
    found = discover(*make_windows(truths, n=600, share=0.25), seed=0)
    best = [max((agreement(raw.trimmed, truth) for raw in found), key=lambda a: a.full) for truth in truths]
    assert all(each.full > 0.97 and each.found == 1 for each in best)
    assert len(found) == 3


def test_sites_are_where_they_were_planted():
    windows, weights, controls = make_windows([AP1], share=0.4)
    (raw,) = discover(windows, weights, controls)
    planted = np.arange(len(windows)) < 200
    assert (raw.chosen == planted).mean() > 0.93
    texts = [windows[row, raw.start[row] : raw.start[row] + raw.trimmed.width] for row in np.flatnonzero(raw.chosen)]
    flipped = [3 - t[::-1] if raw.reverse[row] else t for t, row in zip(texts, np.flatnonzero(raw.chosen), strict=True)]
    counts = (np.array(flipped)[:, :, None] == np.arange(4)).sum(axis=0)
    np.testing.assert_allclose(counts, raw.trimmed.counts, atol=0.01)


def test_nothing_is_found_where_nothing_was_planted():
    for seed in range(3):
        assert discover(*make_windows([AP1], seed=seed, share=0.0), seed=seed) == []


def test_what_the_controls_hold_as_often_is_not_found():
    assert discover(*make_windows([AP1], share=0.3, control_share=0.3)) == []


def test_the_same_seed_gives_the_same_motifs():
    given = make_windows([AP1, ETS])
    one, other = discover(*given, seed=3), discover(*given, seed=3)
    assert len(one) == 2
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.whole.counts, b.whole.counts)


def test_windows_are_left_as_they_are_and_progress_is_told():
    windows, weights, controls = make_windows([AP1])
    copies, seen = [windows.copy(), *(control.copy() for control in controls)], []
    discover(windows, weights, controls, progress=lambda *step: seen.append(step))
    for before, after in zip(copies, (windows, *controls), strict=True):
        np.testing.assert_array_equal(before, after)
    assert seen and seen[0][0] == 1 and all(done <= total for done, total, _ in seen)


def test_trimming_keeps_what_is_informative_and_what_lies_between():
    even = np.full(4, 0.25)
    ppm = np.stack([even, AP1.ppm()[0], even, AP1.ppm()[1], even, even])
    assert trim_range(ppm, even) == (1, 4)
    assert trim_range(np.tile(even, (5, 1)), even) == (0, 5)
    assert FLANK == 12

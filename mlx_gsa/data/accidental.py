"""Sites that nobody planted: matches the background makes by chance are found, and broken or recorded."""

import numpy as np

from mlx_gsa.dna import motifs

MAX_ROUNDS = 30


def find_accidental(tokens, offsets, owner, kinds):
    """Find all windows that count as a site and were not planted.

    Parameters
    ----------
    tokens : np.ndarray
        uint8, the sequences one after another.
    offsets : np.ndarray
        int64, shape (n + 1,).
    owner : np.ndarray
        int16, shape of `tokens`: number of the kind whose intact site covers a base, -1 elsewhere.
    kinds : list of ScoredKind
        In the order of those numbers.

    Returns
    -------
    list of (starts, strands)
        Per kind; int64 positions in `tokens`. A window that shares half or more with an intact site of its
        own kind is that site (the other strand of a palindrome, a repeat within it), not another.
    """
    striped, found = motifs.stripe(tokens), []
    for number, kind in enumerate(kinds):
        starts, strands = kind.hits(striped)
        whole = starts + kind.width <= offsets[np.searchsorted(offsets, starts, side="right")]
        starts, strands = starts[whole], strands[whole]
        own = (owner[starts[:, None] + np.arange(kind.width)] == number).sum(axis=1)
        other = 2 * own < kind.width
        found.append((starts[other], strands[other]))
    return found


def break_accidental(tokens, offsets, owner, kinds, found, rng):
    """Mutate one base of each accidental site, in place, and go on until no more can be broken.

    Bases of intact sites are never changed.

    Parameters
    ----------
    tokens, offsets, owner, kinds
        As in `find_accidental`.
    found : list of (starts, strands)
        What `find_accidental` returned.
    rng : np.random.Generator

    Returns
    -------
    list of (starts, strands)
        Those left, per kind: they lie on intact sites of other kinds so far that no base is free to change.
    """
    for _ in range(MAX_ROUNDS):
        changed = [_break(tokens, owner, kind, *hits, rng) for kind, hits in zip(kinds, found, strict=True)]
        if not any(changed):
            break
        found = find_accidental(tokens, offsets, owner, kinds)
    return found


def _break(tokens, owner, kind, starts, strands, rng):
    """Change one base in each window: any that takes it below the threshold, else the one that takes most."""
    changed = 0
    for strand, pwm in (("+", kind.pwm), ("-", kind.pwm[::-1, ::-1])):
        windows = starts[strands == strand][:, None] + np.arange(kind.width)
        now = tokens[windows]
        loss = pwm[np.arange(kind.width), now][:, :, None] - pwm
        excess = pwm[np.arange(kind.width), now].sum(axis=1) - kind.threshold
        loss[owner[windows] >= 0] = -np.inf
        enough = loss > excess[:, None, None] + 1e-3
        wish = np.where(enough, 1e6 + rng.random(loss.shape), loss).reshape(len(now), 4 * kind.width)
        column, base = np.divmod(wish.argmax(axis=1), 4)
        can = wish.max(axis=1, initial=-np.inf) > 0
        tokens[windows[can, column[can]]] = base[can]
        changed += int(can.sum())
    return changed

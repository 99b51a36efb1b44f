"""Where the sites of synthetic sequences lie: drawn for all sequences together, never overlapping."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.data.records import Sites
from mlx_gsa.errors import ConfigError


class _Member(NamedTuple):
    """One site of a block: its kind and, per sequence, its offset in the block (bp) and its strand."""

    kind: str
    offset: np.ndarray
    reverse: np.ndarray


class _Block(NamedTuple):
    """One or two sites that are placed together, for all n sequences; `present` says in which."""

    members: tuple
    length: np.ndarray
    present: np.ndarray
    role: str = "functional"


def lay_out(grammar, widths, lengths, rng):
    """Draw which sites each sequence has, and where.

    Parameters
    ----------
    grammar : Grammar
    widths : dict of str to int
        Site length of each kind in bp.
    lengths : np.ndarray of int, shape (n,)
        Sequence lengths in bp.
    rng : np.random.Generator

    Returns
    -------
    sites : Sites
        Role ``decoy_core`` for sites that are to be mutated, ``functional`` for the rest.
    left_out : int
        Decoys (mutated cores, wrong pairs) not planted because a short sequence had no room.

    Raises
    ------
    ConfigError
        If the shortest sequence cannot hold all that has an effect.
    """
    _check_room(grammar, widths)
    n = len(lengths)
    right, wrong, paired = _pair_blocks(grammar, widths, n, rng)
    needed = right + _single_blocks(grammar, widths, n, paired, rng)
    optional = wrong + _decoy_blocks(grammar, widths, n, rng)
    optional, left_out = _keep_what_fits(needed, optional, lengths, grammar.spacer)
    blocks = needed + optional
    starts = _place(blocks, lengths, grammar.spacer, rng)
    return _collect(blocks, starts, widths), left_out


def _check_room(grammar, widths):
    """Raise unless all that has an effect fits the shortest sequence, each site as often as it may come."""
    kinds = [(widths[name], len(kind.copies)) for name, kind in grammar.kinds.items() if kind.presence]
    pairs = [widths[pair.first] + pair.gap[1] + widths[pair.second] for pair in grammar.pairs.values()]
    parts = sum(copies for _, copies in kinds) + len(pairs)
    needed = sum(width * copies for width, copies in kinds) + sum(pairs) + (parts + 1) * grammar.spacer
    if needed > grammar.length[0]:
        raise ConfigError(
            "the sites do not fit the shortest sequence",
            where=f"grammar {grammar.name}",
            expected=f"length of at least {needed} bp",
            found=f"{grammar.length[0]} bp",
            mend="Raise length, or lower copies, gap or spacer.",
        )


def _single_blocks(grammar, widths, n, paired, rng):
    """Blocks of one intact site each; a kind that a pair plants in a sequence is not planted there again."""
    blocks = []
    for name, kind in grammar.kinds.items():
        most = len(kind.copies)
        count = rng.choice(most, n, p=np.array(kind.copies) / sum(kind.copies)) + 1
        count *= (rng.random(n) < kind.presence) & ~paired.get(name, False)
        blocks += [_single(name, kind, widths, count > copy, "functional", rng) for copy in range(most)]
    return blocks


def _decoy_blocks(grammar, widths, n, rng):
    """Blocks of one site with a mutated core each."""
    present = {name: rng.random(n) < kind.decoy_presence for name, kind in grammar.kinds.items()}
    return [_single(name, grammar.kinds[name], widths, p, "decoy_core", rng) for name, p in present.items()]


def _single(name, kind, widths, present, role, rng):
    n = len(present)
    member = _Member(name, np.zeros(n, np.int64), _strands(kind, n, rng))
    return _Block((member,), np.full(n, widths[name]), present, role)


def _strands(kind, n, rng):
    """True where a site lies on the reverse strand."""
    return rng.random(n) < (0.5 if kind.strands == "both" else 0.0)


def _pair_blocks(grammar, widths, n, rng):
    """Blocks of right pairs, blocks of wrong pairs, and per kind the sequences in which a pair plants it."""
    right, wrong, paired = [], [], {}
    for pair in grammar.pairs.values():
        draw = rng.random(n)
        is_right = draw < pair.presence
        is_wrong = ~is_right & (draw < pair.presence + pair.wrong_presence)
        right.append(_pair_block(grammar, pair, pair.gap, widths, is_right, rng))
        if pair.wrong_gap:
            wrong.append(_pair_block(grammar, pair, pair.wrong_gap, widths, is_wrong, rng))
        for member in (pair.first, pair.second):
            paired[member] = paired.get(member, np.zeros(n, bool)) | is_right | is_wrong
    return right, wrong, paired


def _pair_block(grammar, pair, span, widths, present, rng):
    """A block of two sites `span` bp apart; which of them comes first follows the rule's order."""
    n = len(present)
    gap = rng.integers(span[0], span[1], n, endpoint=True)
    reverse_first = _strands(grammar.kinds[pair.first], n, rng)
    reverse_second = _strands(grammar.kinds[pair.second], n, rng)
    leads = ~reverse_second if pair.order == "first_upstream" else rng.random(n) < 0.5
    first = _Member(pair.first, np.where(leads, 0, widths[pair.second] + gap), reverse_first)
    second = _Member(pair.second, np.where(leads, widths[pair.first] + gap, 0), reverse_second)
    return _Block((first, second), widths[pair.first] + gap + widths[pair.second], present)


def _keep_what_fits(needed, optional, lengths, spacer):
    """Leave out optional blocks, the last ones first, where a sequence is too short for all of them."""
    used = spacer + sum((block.length + spacer) * block.present for block in needed)
    kept, left_out = [], 0
    for block in optional:
        fits = block.present & (used + block.length + spacer <= lengths)
        left_out += len(block.members) * int((block.present & ~fits).sum())
        used = used + (block.length + spacer) * fits
        kept.append(block._replace(present=fits))
    return kept, left_out


def _place(blocks, lengths, spacer, rng):
    """Draw the start of each block in each sequence, shape (n, number of blocks), -1 where it is absent.

    The blocks come in random order; the bp that none of them covers are shared out before, between and after
    them so that every arrangement is equally likely.
    """
    present = np.stack([block.present for block in blocks], axis=1)
    sizes = np.stack([block.length for block in blocks], axis=1) + spacer
    order = np.argsort(np.where(present, rng.random(present.shape), 2.0), axis=1)
    sizes = np.take_along_axis(np.where(present, sizes, 0), order, axis=1)
    free = lengths - spacer - sizes.sum(axis=1)
    present_in_order = np.take_along_axis(present, order, axis=1)
    slack = np.sort(np.where(present_in_order, rng.random(present.shape), 1.0), axis=1)
    before = np.floor(slack * (free[:, None] + 1)).astype(np.int64)
    placed = spacer + before + np.cumsum(sizes, axis=1) - sizes
    starts = np.full(present.shape, -1, np.int64)
    np.put_along_axis(starts, order, placed, axis=1)
    return np.where(present, starts, -1)


def _collect(blocks, starts, widths):
    """The members of all blocks as one table of sites."""
    columns = {name: [] for name in Sites.DTYPES}
    for block, start in zip(blocks, starts.T, strict=True):
        rows = np.flatnonzero(block.present)
        for kind, offset, reverse in block.members:
            begin = start[rows] + offset[rows]
            columns["record"].append(rows)
            columns["start"].append(begin)
            columns["end"].append(begin + widths[kind])
            columns["strand"].append(np.where(reverse[rows], "-", "+"))
            columns["kind"].append(np.full(rows.size, kind, object))
            columns["role"].append(np.full(rows.size, block.role, object))
    return Sites(**{name: np.concatenate(parts) for name, parts in columns.items()})

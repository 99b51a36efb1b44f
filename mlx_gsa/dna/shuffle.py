"""Shuffled sequences: exact in their dinucleotides, by random Euler paths, or part by part."""

from itertools import product

import numpy as np

from mlx_gsa.dna.alphabet import N

EDGES_AT_ONCE = 1 << 21  # 8 bytes each, three times over
TRIES = 20
FEW = 40  # below this many sequences a plain loop walks faster than numpy steps
LEAST_SEGMENT = 10  # bp; a swap within fewer would change next to nothing
_LAST, _RANDOM = np.uint64(1 << 61), np.uint64(((1 << 59) - 1) << 2)


def _arborescences():
    """Return every tree that leads to a base; shape (4 ends, 16 trees, 4), the next base of each base."""
    tables = [[], [], [], []]
    for end, following in product(range(4), product(range(4), repeat=4)):
        if following[end] == end and all(_leads(following, base, end) for base in range(4)):
            tables[end].append(following)
    return np.array(tables)


def _leads(following, base, end):
    """Say whether following the arrows from `base` comes to `end`."""
    for _ in range(3):
        base = following[base]
    return base == end


_TREES = _arborescences()


def dinucleotide_shuffle(tokens, rng, different=True):
    """Shuffle one sequence, every dinucleotide as often as before; see `dinucleotide_shuffles`."""
    return dinucleotide_shuffles([tokens], rng, different)[0]


def dinucleotide_shuffles(sequences, rng, different=True):
    """Shuffle sequences so that each keeps the number of every dinucleotide, and its first and last base.

    N stay where they are and break a sequence: the stretches between them are shuffled one by one, each with its
    own first and last base, so that dinucleotides with N are kept too. Stretches of up to three bases have no
    other order.

    Parameters
    ----------
    sequences : sequence of np.ndarray, each shape (L,), uint8
        Lengths may differ. Thousands at once are fastest: they are walked in step, one base at a time.
    rng : np.random.Generator
    different : bool
        Draw again, up to 20 times, what came out as it was; a sequence that has no other order stays. False: every
        Euler path has the same chance, the input's own too.

    Returns
    -------
    list of np.ndarray, each shape (L,), uint8

    Source: Altschul & Erickson, Mol Biol Evol 1985: bases are nodes, dinucleotides edges, and an Euler path of
    the same end uses in its last steps out of each base a tree that leads to the end. Jiang et al., BMC
    Bioinformatics 2008 (uShuffle) draw that tree by Wilson's algorithm; here all 16 trees of four bases are
    weighed by their number of edges and one is drawn, which is exact and needs no rejection.
    """
    shuffled = [np.array(tokens, dtype=np.uint8) for tokens in sequences]
    places = [(i, a, b) for i, tokens in enumerate(shuffled) for a, b in _stretches(tokens) if b - a > 3]
    places.sort(key=lambda place: place[1] - place[2])  # longest first: whole batches end together
    for _ in range(TRIES if different else 1):
        places = [place for batch in _batches(places) for place in _shuffle_places(shuffled, batch, rng)]
    return shuffled


def _stretches(tokens):
    """Return start and end of each stretch without N."""
    if not (tokens >= N).any():
        return [(0, tokens.size)]
    edges = np.flatnonzero(np.diff(np.concatenate([[True], tokens >= N, [True]]).astype(np.int8)))
    return edges.reshape(-1, 2).tolist()


def _batches(places):
    """Cut the stretches into batches of a bounded number of bases, padding counted."""
    first = 0
    while first < len(places):
        _, start, end = places[first]
        last = first + max(EDGES_AT_ONCE // (end - start), 1)
        yield places[first:last]
        first = last


def _shuffle_places(shuffled, places, rng):
    """Shuffle the stretches of one batch in place; return those that came out as they were."""
    lengths = np.array([b - a for _, a, b in places])
    tokens = np.full((len(places), lengths.max()), N, dtype=np.uint8)
    for row, (i, a, b) in enumerate(places):
        tokens[row, : b - a] = shuffled[i][a:b]
    starts, order = _edge_order(tokens, lengths, rng)
    walk = _walk_in_step if len(places) >= FEW else _walk_singly
    walked = walk(tokens[:, 0], lengths, starts, order)
    same = (walked == tokens).all(1)
    for row, (i, a, b) in enumerate(places):
        shuffled[i][a:b] = walked[row, : b - a]
    return [place for place, unchanged in zip(places, same.tolist(), strict=True) if unchanged]


def _edge_order(tokens, lengths, rng):
    """Put the edges out of each base in random order, the last of them forming a tree to the last base.

    Parameters
    ----------
    tokens : np.ndarray, shape (n, L), uint8
        Padded with N.
    lengths : np.ndarray, shape (n,)
    rng : np.random.Generator

    Returns
    -------
    starts : np.ndarray, shape (n, 4)
        Where the edges out of each base begin within a row of `order`.
    order : np.ndarray, shape (n, L - 1), uint8
        The base each edge leads to.
    """
    rows = np.arange(len(tokens))
    source, target = tokens[:, :-1], tokens[:, 1:]
    code = np.where(target < N, 4 * source + target, 16).astype(np.uint8)
    counts = np.bincount((rows[:, None] * 17 + code).ravel(), minlength=17 * len(tokens)).reshape(-1, 17)[:, :16]
    counts = counts.reshape(-1, 4, 4)
    ends = tokens[rows, lengths - 1]
    following = _draw_trees(counts, ends, rng)
    # One sortable number an edge: source, whether last, chance, target; padding sorts behind everything.
    keys = np.frombuffer(rng.bytes(8 * code.size), dtype=np.uint64).reshape(code.shape) & _RANDOM
    keys |= target & np.uint64(3)
    keys |= (source & np.uint64(3)) << np.uint64(62)
    keys[code == 16] = np.uint64(2**64 - 1)
    for base in range(4):
        is_last = code == (4 * base + following[:, base]).astype(np.uint8)[:, None]
        first = is_last.argmax(1)
        chosen = (ends != base) & is_last[rows, first]
        keys[rows[chosen], first[chosen]] |= _LAST
    keys.sort(axis=1)
    starts = np.concatenate([np.zeros((len(tokens), 1), np.int64), counts.sum(2).cumsum(1)[:, :3]], axis=1)
    return starts, (keys & np.uint64(3)).astype(np.uint8)


def _draw_trees(counts, ends, rng):
    """Draw for each sequence a tree to its last base, in proportion to the number of ways to take its edges.

    Parameters
    ----------
    counts : np.ndarray, shape (n, 4, 4)
        Edges from base to base.
    ends : np.ndarray, shape (n,)
        The last base.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray, shape (n, 4)
        The base that the last edge out of each base leads to.
    """
    ways, rows = counts.astype(float), np.arange(len(counts))
    absent_row, absent_base = np.nonzero(counts.sum(2) == 0)
    ways[absent_row, absent_base, ends[absent_row]] = 1.0  # a base that is not there must not stop the tree
    ways[rows, ends] = 1.0  # nothing is asked of the last base itself
    trees = _TREES[ends]
    weights = ways[rows[:, None, None], np.arange(4), trees].prod(2).cumsum(1)
    drawn = (weights > rng.random(len(counts))[:, None] * weights[:, -1:]).argmax(1)
    return trees[rows, drawn]


def _walk_in_step(first, lengths, starts, order):
    """Walk all sequences together, each along its ordered edges; shape (n, L), padded with N."""
    n, width = order.shape
    nexts = (starts + np.arange(n)[:, None] * width).ravel()  # position in `order` of the next edge of each base
    edges, base_of = order.ravel(), 4 * np.arange(n)
    walked = np.full((width + 1, n), N, dtype=np.uint8)
    walked[0] = here = first
    active = np.searchsorted(-lengths, -np.arange(1, width + 1), side="left")  # rows longer than each position
    for i, number in enumerate(active, 1):
        slots = base_of[:number] + here[:number]
        places = nexts[slots]
        nexts[slots] = places + 1
        walked[i, :number] = here = edges[places]
    return np.ascontiguousarray(walked.T)


def _walk_singly(first, lengths, starts, order):
    """Do what `_walk_in_step` does, one sequence after the other."""
    walked = np.full((len(order), order.shape[1] + 1), N, dtype=np.uint8)
    for row, length in enumerate(lengths.tolist()):
        edges, nexts, here = order[row].tolist(), starts[row].tolist(), int(first[row])
        path = [here]
        for _ in range(length - 1):
            place = nexts[here]
            nexts[here] = place + 1
            here = edges[place]
            path.append(here)
        walked[row, :length] = path
    return walked


def segment_swap(tokens, rng, *, segments=20, kept=8, fill="shuffle"):
    """Replace most segments of a sequence, and leave the others where they are.

    Parameters
    ----------
    tokens : np.ndarray, shape (L,), uint8
    rng : np.random.Generator
    segments : int
        Parts of equal length, up to rounding. Shorter sequences have fewer, of at least 10 bp.
    kept : int
        Parts that stay, chosen at random; where there are fewer parts, the same share of them.
    fill : str
        ``shuffle``: each replaced part has its own bases in random order. ``random``: bases drawn evenly from
        A, C, G and T.

    Returns
    -------
    np.ndarray, shape (L,), uint8
        N stay where they are.

    Raises
    ------
    ValueError
        `kept` is not below `segments`, or `fill` is unknown.

    Source: Oubounyt et al., Front Genet 2019 (DeePromoter): of 20 parts 12 are substituted at random and 8
    conserved. There the new bases are random; here the default keeps the composition of each part, as otherwise
    GC alone would tell a promoter from its control.
    """
    if not 0 <= kept < segments:
        raise ValueError(f"kept must be 0 to {segments - 1}, got {kept}")
    if fill not in ("shuffle", "random"):
        raise ValueError(f"fill must be shuffle or random, got {fill!r}")
    tokens = np.asarray(tokens, dtype=np.uint8)
    parts = max(min(segments, tokens.size // LEAST_SEGMENT), 1)
    replaced = rng.permutation(parts) >= round(kept * parts / segments)
    part = np.arange(tokens.size) * parts // max(tokens.size, 1)
    places = np.flatnonzero(replaced[part] & (tokens < N))
    swapped = tokens.copy()
    if fill == "random":
        swapped[places] = rng.integers(0, 4, places.size, dtype=np.uint8)
    else:
        swapped[places] = tokens[places[np.argsort(part[places] + rng.random(places.size), kind="stable")]]
    return swapped

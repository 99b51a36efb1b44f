"""Leave out the few records that tie splits or folds together, so that nothing similar lies in two of them."""

import heapq
from dataclasses import asdict

import numpy as np

from mlx_gsa.data.pairs import similar_pairs
from mlx_gsa.data.records import UNKNOWN
from mlx_gsa.data.similarity import Threshold, chance_threshold
from mlx_gsa.dna.sketch import sketch

CROSSING = "similar to a record of another split or fold"
ROUNDS = 12


def crossing_records(sequences, places, kin, split, fold=None, share=None, seed=0):
    """Choose records to leave out, so that no copy, overlap or similar record is left in another split or fold.

    Parameters
    ----------
    sequences : TokenFile
    places : tuple of np.ndarray
        chrom, start and end of each record, each shape (n,).
    kin : np.ndarray of str, shape (n,)
        The same for exact copies.
    split : np.ndarray of str, shape (n,)
    fold : np.ndarray of int64, shape (n,), optional
    share : float, optional
        As for `Clusters`.
    seed : int
        Of the shuffles that set the threshold.

    Returns
    -------
    left_out : np.ndarray of bool, shape (n,)
    facts : dict
        For the manifest: the threshold, and how many records are left out.
    """
    threshold = Threshold(share) if share else chance_threshold(sequences, seed=seed)
    tokens, offsets = sequences.tokens, sequences.offsets
    lengths, seeds = np.diff(offsets), sketch(tokens, offsets)
    part = _parts(split, fold)
    out = _torn_copies(kin, part)
    out |= _cover(_overlaps(*places, part, ~out), part, out)
    for _ in range(ROUNDS):  # a search compares a record with a few others; once they are gone, with the next
        links = _similar(tokens, offsets, lengths, seeds.of(~out), split, fold, threshold)
        if not len(links[0]):
            break
        out |= _cover(links, part, out)
    return out, asdict(threshold) | {"left_out": int(out.sum())}


def _parts(split, fold):
    """Number the combinations of split and fold; shape (n,)."""
    number = np.unique(split, return_inverse=True)[1].astype(np.int64)
    return number if fold is None else number * (int(fold.max()) + 1) + fold


def _torn_copies(kin, part):
    """Leave the copies of one sequence in one part only: where most are, of equal ones in the smaller part."""
    number = np.unique(np.asarray(kin, dtype=object).astype(str), return_inverse=True)[1]
    pairs, where, counts = np.unique(
        np.stack([number, part], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    sizes = np.bincount(part)[pairs[:, 1]]
    order = np.lexsort((sizes, -counts, pairs[:, 0]))
    best = np.zeros(len(pairs), dtype=bool)
    best[order[np.flatnonzero(np.diff(pairs[order, 0], prepend=-1))]] = True
    return ~best[where.reshape(-1)]


def _overlaps(chrom, start, end, part, left):
    """Return the pairs of records left that overlap in the genome and are in different parts."""
    rows = np.flatnonzero((start >= 0) & (np.asarray(chrom, dtype=object) != UNKNOWN) & left)
    name = np.unique(np.asarray(chrom, dtype=object)[rows].astype(str), return_inverse=True)[1]
    order = np.lexsort((start[rows], name))
    rows, name = rows[order], name[order]
    found, distance = [(rows[:0], rows[:0])], 1
    while distance < len(rows):
        one, other = rows[:-distance], rows[distance:]
        near = (name[:-distance] == name[distance:]) & (start[other] < end[one])
        if not near.any():
            break
        near &= part[one] != part[other]
        found.append((one[near], other[near]))
        distance += 1
    return tuple(np.concatenate(side) for side in zip(*found, strict=True))


def _similar(tokens, offsets, lengths, seeds, split, fold, threshold):
    """Return the pairs of similar records found in different splits or folds."""
    of = {name: seeds.of(split == name) for name in ("train", "val", "test")}
    held_out = seeds.of(split != "train")
    beside = ((held_out, of["train"]), (of["test"], of["val"]))
    found = [similar_pairs(tokens, offsets, *pair) for pair in beside]
    found += [similar_pairs(tokens, offsets, seeds, part=fold)] if fold is not None else []
    links = [(pairs, pairs.scores >= threshold.needed(pairs.shorter(lengths))) for pairs in found]
    return tuple(np.concatenate([getattr(pairs, side)[kept] for pairs, kept in links]) for side in ("first", "second"))


def _cover(links, part, out):
    """Return a small set of records that is in every link: those in most links first, then of the larger part."""
    n, sizes = len(part), np.bincount(part[~out], minlength=int(part.max()) + 1)
    chosen, others = np.zeros(n, dtype=bool), {}
    for one, other in zip(*(side.tolist() for side in links), strict=True):
        others.setdefault(one, set()).add(other)
        others.setdefault(other, set()).add(one)
    heap = [(-len(near), -int(sizes[part[row]]), row) for row, near in others.items()]
    heapq.heapify(heap)
    while heap:
        degree, size, row = heapq.heappop(heap)
        if -degree != len(others[row]):  # links have gone since
            if others[row]:
                heapq.heappush(heap, (-len(others[row]), size, row))
        elif degree:
            chosen[row] = True
            for other in others[row]:
                others[other].discard(row)
            others[row] = set()
    return chosen

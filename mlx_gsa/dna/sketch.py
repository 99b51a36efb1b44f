"""Seeds of sequences: spaced words that two related sequences share, the same on either strand, sampled if many.

A seed is a word of 10-16 letters read through a spaced pattern. The patterns are palindromic, so a sequence and its
reverse complement have the same seeds. Longer words are for more DNA: chance repeats of a word stay rare.
"""

from dataclasses import dataclass

import numpy as np

PATTERNS = {
    10: "11011001010011011",
    12: "1011011100011101101",
    14: "11110101100110101111",
    16: "111110100110011001011111",
}
"""Palindromic patterns; at 85 % identity 80 bp share a seed of weight 10 in 99 % and 12 in 98 % (unspaced: 98, 89)."""

MAX_SEEDS = 1 << 23
LONG = 250  # bp
_BASES_AT_ONCE = 1 << 18  # fits a processor's cache
_LOW_BITS = np.uint32(0x55555555)


@dataclass(frozen=True, eq=False)
class Seeds:
    """The seeds of many sequences, in the order of the file.

    Attributes
    ----------
    weight, span : int
        Letters of a word, and bp it covers.
    word : np.ndarray of uint32, shape (m,)
        Hash of the word: two are the same if, and only if, the words are, on either strand.
    start : np.ndarray of int32
        First base within the sequence, in bp.
    record : np.ndarray of int32
        Number of the sequence.
    reverse : np.ndarray of bool
        The word was read on the reverse strand.
    """

    weight: int
    span: int
    word: np.ndarray
    start: np.ndarray
    record: np.ndarray
    reverse: np.ndarray

    def __len__(self):
        return len(self.word)

    def of(self, rows):
        """Return the seeds of some sequences, given as a boolean mask over all of them."""
        mine = rows[self.record]
        columns = (self.word, self.start, self.record, self.reverse)
        return Seeds(self.weight, self.span, *(column[mine] for column in columns))


def choose_weight(lengths):
    """Return the length of words for sequences of these lengths.

    The shortest that random DNA repeats less than about once; longer sequences have more words to share, so theirs
    may be rarer, which saves the time that chance repeats cost.

    Parameters
    ----------
    lengths : np.ndarray, shape (n,)
        bp.

    Returns
    -------
    int
    """
    bases, median = float(np.sum(lengths)), float(np.median(lengths)) if len(lengths) else 0.0
    bases *= max(1.0, median / LONG)
    return next((weight for weight in PATTERNS if 4**weight / 2 >= bases), max(PATTERNS))


def sketch(tokens, offsets, rows=None, weight=None, limit=MAX_SEEDS):
    """Return the seeds of sequences that lie end to end.

    Where there would be more than `limit`, long sequences keep the same share of their words, chosen by the hash of
    the word, so that two sequences keep the same ones; sequences with few words keep all.

    Parameters
    ----------
    tokens : np.ndarray, shape (bases,), uint8
        May be memory-mapped; read piece by piece.
    offsets : np.ndarray, shape (n + 1,), int64
    rows : np.ndarray, optional
        Numbers of the sequences wanted, ascending; all if left out.
    weight : int, optional
        10, 12, 14 or 16; by the number of bases if left out.
    limit : int

    Returns
    -------
    Seeds
        Words with N, and words of one or two kinds of letter (low complexity), are left out.

    Source: spaced seeds, Ma et al. 2002 (PatternHunter); sampling by hash, Broder 1997 and Irber et al. 2022
    (FracMinHash); low complexity as in soft masking, Camacho et al. 2009 (BLAST+).
    """
    rows = np.arange(len(offsets) - 1) if rows is None else np.asarray(rows, dtype=np.int64)
    lengths = offsets[rows + 1] - offsets[rows]
    weight = weight or choose_weight(lengths)
    pattern = [place for place, letter in enumerate(PATTERNS[weight]) if letter == "1"]
    cuts = _cuts(lengths, limit)
    none = [np.zeros(0, dtype=kind) for kind in (np.uint32, np.int32, np.int32, bool)]
    pieces = [_piece(tokens, offsets, rows[a:b], pattern, cuts[a:b]) for a, b in _blocks(lengths)]
    columns = (np.concatenate(column) for column in zip(none, *pieces, strict=True))
    return Seeds(weight, pattern[-1] + 1, *columns)


def _cuts(lengths, limit):
    """Return for each sequence the hash up to which words are kept; shape (n,), uint32."""
    share = np.ones(len(lengths))
    if lengths.sum() > limit:
        floor = limit / 2 / max(len(lengths), 1)  # half of the limit is spread evenly, half by length
        share = np.minimum(1, floor / np.maximum(lengths, 1) + limit / 2 / lengths.sum())
    return np.minimum(share * 2.0**32, 2.0**32 - 1).astype(np.uint32)


def _blocks(lengths):
    """Yield (first, last) of sequences that together have about the bases of one piece, at least one sequence."""
    ends, first = np.cumsum(lengths), 0
    while first < len(lengths):
        before = ends[first - 1] if first else 0
        last = max(int(np.searchsorted(ends, before + _BASES_AT_ONCE, side="right")), first + 1)
        yield first, last
        first = last


def _piece(tokens, offsets, rows, pattern, cuts):
    """Return word, start, record and strand of the seeds of a few sequences."""
    letters, ends = _gather(tokens, offsets, rows)
    span = pattern[-1] + 1
    usable = _usable(letters, ends, span)
    forward = _words(letters, pattern)
    backward = _other_strand(forward, len(pattern))
    word = np.minimum(forward, backward)
    place = np.flatnonzero(usable)
    word = word[place]
    mixed = _mix(word)
    number = np.searchsorted(ends, place, side="right")
    kept = (mixed <= cuts[number]) & _is_complex(word, len(pattern))
    place, number = place[kept], number[kept]
    starts = np.concatenate([[0], ends[:-1]])
    reverse = backward[place] < forward[place]
    return mixed[kept], (place - starts[number]).astype(np.int32), rows[number].astype(np.int32), reverse


def _gather(tokens, offsets, rows):
    """Return the tokens of some sequences end to end, and where each ends."""
    first, last = rows[0], rows[-1]
    ends = np.cumsum(offsets[rows + 1] - offsets[rows])
    if last - first + 1 == len(rows):
        return np.asarray(tokens[offsets[first] : offsets[last + 1]]), ends
    return np.concatenate([tokens[offsets[i] : offsets[i + 1]] for i in rows]), ends


def _usable(letters, ends, span):
    """Say where a word begins that lies within one sequence and has no N; shape (bases - span + 1,)."""
    n = max(len(letters) - span + 1, 0)
    usable = np.ones(len(letters), dtype=bool)
    for back in range(1, span):
        usable[np.maximum(ends - back, 0)] = False
    usable = usable[:n]
    unknown = letters > 3
    if n and unknown.any():
        before = np.concatenate([[0], np.cumsum(unknown)])
        usable &= before[span:] == before[:-span]
    return usable


def _words(letters, pattern):
    """Read words through the pattern, 2 bits a letter; shape (bases - span + 1,), uint32."""
    n = max(len(letters) - pattern[-1], 0)
    letters = (letters & 3).astype(np.uint32)
    words = np.zeros(n, dtype=np.uint32)
    for place in pattern:
        np.left_shift(words, np.uint32(2), out=words)
        np.bitwise_or(words, letters[place : place + n], out=words)
    return words


def _other_strand(words, weight):
    """Return the reverse complement of words: complement all bits, then reverse the 2-bit letters."""
    x = ~words
    for shift, mask in ((2, 0x33333333), (4, 0x0F0F0F0F)):
        shift, mask = np.uint32(shift), np.uint32(mask)
        x = ((x >> shift) & mask) | ((x & mask) << shift)
    return x.byteswap() >> np.uint32(32 - 2 * weight)


def _mix(words):
    """Hash words one to one, so that a share of them can be taken evenly.

    Source: the finaliser of MurmurHash3 (Appleby 2011), 32 bits.
    """
    x = words.copy()
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> np.uint32(shift)
        x *= np.uint32(factor)
    x ^= x >> np.uint32(16)
    return x


def _is_complex(words, weight):
    """Say which words hold at least three kinds of letter."""
    used = _LOW_BITS if weight == 16 else _LOW_BITS & np.uint32((1 << 2 * weight) - 1)
    low, high = words & used, (words >> np.uint32(1)) & used
    both = (low & high, low & ~high & used, high & ~low & used, ~(low | high) & used)
    kinds = np.zeros(len(words), dtype=np.uint8)
    for letter in both:
        kinds += letter != 0
    return kinds >= 3

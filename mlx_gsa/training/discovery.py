"""First filters from the training split itself: stagewise discovery of label-associated k-mers.

A filter that starts as random noise rarely finds an AT-rich motif in kilobases of background. So each filter starts
from the k-mer most associated with the label, or with what the filters before it leave unexplained, whichever is
stronger; is widened by the flanking bases that are associated too; is re-estimated as the log-odds of its matches, each
weighed by its record's label so that matches of the background cancel (as discriminative motif finders do); and gets
the threshold and gain at which its total occupancy follows the label best. Its matches are then erased, as MEME erases
them (Bailey and Elkan 1994), and the next is looked for. Only training records are read.
"""

from dataclasses import dataclass

import numpy as np

_BASES = 4
MARGIN = 6  # bp on either side into which a filter's window may move towards its motif
SATURATION = 8.0  # of the occupancy, as in the stem
_COMPLEMENT = 3  # complement of base b is 3 - b


@dataclass(frozen=True)
class DiscoveredFilter:
    """A filter and the k-mer it came from.

    Attributes
    ----------
    kmer : str
        The k-mer, on the strand on which it was counted.
    z : float
        Standard score of its association with the residual label.
    template : np.ndarray (W, 4)
        Weight of each base at each offset of the filter's window.
    threshold, gain : float
        Response, in standard deviations over the background, above which the filter binds, and how steeply: those at
        which its total occupancy follows the label best.
    """

    kmer: str
    z: float
    template: np.ndarray
    threshold: float
    gain: float


def discover_filters(
    sequences, targets, n_filters, width, k, strands="both", max_positions=20_000_000, seed=0, shortest=None
) -> list[DiscoveredFilter]:
    """Find filters one after the other, erasing the matches of those before.

    Parameters
    ----------
    sequences : list of np.ndarray uint8
        Tokens of the training records.
    targets : np.ndarray float (n, n_outputs)
        Standardised labels, one column per output.
    n_filters, width, k : int
        Number of filters, their width in bp, length of the k-mers.
    strands : {"both", "forward"}
        Whether a k-mer counts on either strand.
    max_positions : int
        At most about this many bp are read, in whole records drawn at random.
    seed : int
        Seed of that draw.
    shortest : int, optional
        When no k-mer is better than chance any more, go on with shorter ones, down to this length.

    Returns
    -------
    list of DiscoveredFilter
        Fewer than `n_filters` where the best k-mer left is no better than chance.
    """
    chosen = _subset(sequences, max_positions, seed)
    bases = _Positions([sequences[i] for i in chosen], width, k)
    residual = np.asarray(targets, dtype=np.float64)[chosen]
    residual = residual - residual.mean(axis=0)
    label, found, banned = residual, [], np.zeros(_BASES**k, dtype=bool)
    for _ in range(n_filters):
        sums, counts, z, output = _most_associated(bases, [label, residual], strands, banned)
        code = int(np.abs(z).argmax())
        while abs(z[code]) < chance_z(len(z)) and k > (shortest or k):
            k = k - 1
            bases.shorten(k)
            banned = np.zeros(_BASES**k, dtype=bool)
            sums, counts, z, output = _most_associated(bases, [label, residual], strands, banned)
            code = int(np.abs(z).argmax())
        if abs(z[code]) < chance_z(len(z)):
            break
        template = _template(bases, label[:, output], code, z[code], sums, counts, strands)
        template = _refined(bases, template, label[:, output] * np.sign(z[code]), strands)
        response = bases.responses(template, strands)
        threshold, gain = _best_response(bases, response, label[:, output])
        found.append(DiscoveredFilter(_spell(code, k), float(z[code]), template, threshold, gain))
        banned |= _near_copies(code, k, strands)
        feature = bases.total_occupancy(response, threshold, gain)
        residual = _without(residual, np.stack([np.ones_like(feature), feature], axis=1))
        bases.erase(response, template)
    return found


class _Positions:
    """All records laid end to end with gaps of N, so that windows never join two records."""

    def __init__(self, sequences, width, k):
        self.width, self.k, self.n = width, k, len(sequences)
        gap = np.full(width, _BASES, dtype=np.uint8)
        self.tokens = np.concatenate([gap] + [part for s in sequences for part in (np.minimum(s, _BASES), gap)])
        lengths = np.array([len(s) + width for s in sequences])
        self.first = np.concatenate([[0], np.cumsum(lengths)])[:-1] + width
        self.owner = np.repeat(np.arange(-1, self.n), np.concatenate([[width], lengths])).astype(np.int32)
        self.nearest = np.maximum(self.owner, 0)  # a window that begins in the first gap belongs to the first record
        self.codes, self.clean = self._kmers()
        counts = np.bincount(self.tokens, minlength=_BASES)[:_BASES]
        self.composition = (counts + counts[::-1]) / (2 * counts.sum())  # as if both strands counted

    def shorten(self, k):
        """Count shorter k-mers from now on; what was erased stays erased."""
        erased = self._kmers()[1] & ~self.clean
        self.k, size = k, len(self.codes)
        self.codes, self.clean = self._kmers()
        self.clean[:size] &= ~erased

    def _kmers(self):
        size = len(self.tokens) - self.k + 1
        codes, clean = np.zeros(size, dtype=np.int32), np.ones(size, dtype=bool)
        for offset in range(self.k):
            base = self.tokens[offset : offset + size]
            codes = codes * _BASES + np.minimum(base, _BASES - 1)
            clean &= base < _BASES
        return codes, clean

    def responses(self, template, strands):
        """Return a filter's response at every position, in standard deviations; the stronger strand."""
        response = self.one_strand(template)
        return np.maximum(response, self.one_strand(template[::-1, ::-1])) if strands == "both" else response

    def one_strand(self, template):
        """Return a filter's response at every position of the strand as it is."""
        return self._convolve(standardised(template, self.composition))

    def total_occupancy(self, response, threshold, gain):
        """Add up the occupancy of each record; shape (n,)."""
        bound = np.flatnonzero(response > threshold)
        squared = np.square((response[bound] - threshold) * gain)
        return np.bincount(self.nearest[bound], squared / (1 + squared / SATURATION), minlength=self.n)

    def unused(self, places):
        """Leave out window centres whose middle k-mer an earlier filter has taken."""
        return places[self.clean[places - self.k // 2]]

    def erase(self, response, template):
        """Take the matches of a filter out of what later k-mers are counted in."""
        limit = max(3.5, 0.6 * response.max())
        used = np.flatnonzero(template.max(axis=1) > 0)
        left = (self.width - 1) // 2
        reach = max(left - used[0], used[-1] - left)
        for place in np.flatnonzero(response > limit):
            self.clean[max(0, place - reach - self.k + 2) : place + reach] = False

    def _convolve(self, weights):
        padded = np.concatenate([weights, np.zeros((self.width, 1))], axis=1).astype(np.float32)
        size = len(self.tokens) - self.width + 1
        total = np.zeros(len(self.tokens), dtype=np.float32)
        left = (self.width - 1) // 2
        for start in range(0, self.width, 4):
            rows = padded[start : start + 4]
            table, code = rows[0], self.tokens[start : start + size].astype(np.int32)
            for offset in range(1, len(rows)):
                table = (table[:, None] + rows[offset][None]).reshape(-1)
                code = code * 5 + self.tokens[start + offset : start + offset + size]
            total[left : left + size] += table[code]
        return total


def _subset(sequences, max_positions, seed):
    order = np.random.default_rng(seed).permutation(len(sequences))
    total = np.cumsum([len(sequences[i]) for i in order])
    return np.sort(order[: max(1, int(np.searchsorted(total, max_positions, side="right")))])


def chance_z(n_kmers: int) -> float:
    """Return the standard score that the best of so many k-mers reaches by chance."""
    return float(np.sqrt(2 * np.log(n_kmers)))


def _most_associated(bases, targets, strands, banned):
    """Score every k-mer against the label and against its residual; return the stronger, for the best output."""
    best = None
    for target in targets:
        sums, counts = _associations(bases, target, strands)
        z = sums / (np.sqrt(np.maximum(counts, 1))[:, None] * (target.std(axis=0) + 1e-12))
        z[(counts < 8) | banned] = 0
        output = int(np.abs(z).max(axis=0).argmax())
        if best is None or np.abs(z[:, output]).max() > np.abs(best[2]).max():
            best = sums[:, output], counts, z[:, output], output
    return best


def _associations(bases, target, strands):
    codes, owner = bases.codes[bases.clean], bases.owner[: len(bases.codes)][bases.clean]
    size = _BASES**bases.k
    counts = np.bincount(codes, minlength=size).astype(np.float64)
    sums = np.stack([np.bincount(codes, target[owner, j], size) for j in range(target.shape[1])], axis=1)
    if strands == "both":
        mirror = _reverse_codes(np.arange(size), bases.k)
        palindrome = mirror == np.arange(size)
        counts = np.where(palindrome, counts, counts + counts[mirror])
        sums = np.where(palindrome[:, None], sums, sums + sums[mirror])
    return sums, counts


def _template(bases, residual, code, z, sums, counts, strands):
    """Core from the effects of the k-mer and its one-base changes, flanks from associated neighbouring bases."""
    k, width = bases.k, bases.width
    template = np.zeros((width, _BASES))
    start = (width - k) // 2
    digits = _digits(code, k)
    effect = np.sign(z) * sums / np.maximum(counts + 4, 1)
    for place, base in enumerate(digits):
        step = _BASES ** (k - 1 - place)
        changed = np.array([effect[code + (b - base) * step] for b in range(_BASES)])
        template[start + place] = np.clip(changed / effect[code], 0, 1)
    windows, weights = _occurrences(bases, residual * np.sign(z), code, start, strands)
    spread = np.sqrt(np.square(weights).sum() * 0.1875) + 1e-12
    for offset in [o for o in range(width) if not start <= o < start + k]:
        known = windows[:, offset] < _BASES
        share = np.bincount(windows[known, offset], weights[known], _BASES) - weights[known].sum() / _BASES
        flank_z = share / spread
        template[offset] = np.where(flank_z > 3, np.clip(flank_z / abs(z), 0, 1), 0)
    return template


def _occurrences(bases, residual, code, start, strands):
    offsets = np.arange(bases.width)
    places = np.flatnonzero((bases.codes == code) & bases.clean)
    windows = bases.tokens[places[:, None] - start + offsets]
    if strands == "both":
        other = np.flatnonzero((bases.codes == _reverse_codes(np.array([code]), bases.k)[0]) & bases.clean)
        last = other[:, None] + bases.k - 1 + start - offsets
        mirrored = bases.tokens[last]
        windows = np.concatenate([windows, np.where(mirrored < _BASES, _COMPLEMENT - mirrored, _BASES)])
        places = np.concatenate([places, other])
    return windows, residual[bases.owner[places]]


def _refined(bases, template, weight, strands, rounds=3):
    """Re-estimate a template as log-odds of the windows it matches, each counted by its record's label; centre it.

    Matches that the background makes by chance have labels of mean zero and cancel; what remains are the sites that
    act. The pseudocount is the noise of that cancellation.
    """
    for _ in range(rounds):
        windows, owners = _matched_windows(bases, template, strands)
        weights = weight[owners]
        total, noise = weights.sum(), np.sqrt(np.square(weights).sum())
        if total <= 3 * noise:
            break
        counts = np.stack([weights @ (windows == base) for base in range(_BASES)], axis=1)
        shares = np.maximum(counts + noise * bases.composition, 0.01 * total) / (total + noise)
        shares = shares / shares.sum(axis=1, keepdims=True)
        odds = np.log2(shares / bases.composition)
        information = (shares * odds).sum(axis=1)
        told = np.where(information > 0.1, information, 0)
        if not told.any():
            break
        first = int(np.convolve(told, np.ones(bases.width), mode="valid").argmax())
        centre = first + (np.flatnonzero(told[first : first + bases.width]).mean() - (bases.width - 1) / 2)
        first = int(np.clip(round(centre), 0, 2 * MARGIN))
        chosen = slice(first, first + bases.width)
        template = np.where(told[chosen, None] > 0, np.clip(odds[chosen], -4, 2), 0.0)
    return template


def _matched_windows(bases, template, strands, share=0.7):
    """Return the windows of all matches, MARGIN bp wider on either side, on the filter's strand, and their records."""
    best = standardised(template, bases.composition).max(axis=1).sum()
    limit, left = max(3.5, share * best), (bases.width - 1) // 2
    offsets = np.arange(-MARGIN, bases.width + MARGIN)
    places = bases.unused(np.flatnonzero(bases.one_strand(template) > limit))
    windows = bases.tokens[places[:, None] - left + offsets]
    if strands == "both":
        reverse = bases.unused(np.flatnonzero(bases.one_strand(template[::-1, ::-1]) > limit))
        mirrored = bases.tokens[reverse[:, None] - left + offsets][:, ::-1]
        windows = np.concatenate([windows, np.where(mirrored < _BASES, _COMPLEMENT - mirrored, _BASES)])
        places = np.concatenate([places, reverse])
    return windows, bases.owner[places]


def _best_response(bases, response, label):
    """Choose threshold and gain at which the total occupancy correlates most with the label."""
    grid = [(t, g) for t in np.arange(2.5, max(3.0, 0.75 * response.max()), 0.25) for g in (1.0, 1.5, 2.0, 3.0, 4.0)]
    best = max(grid, key=lambda tg: abs(_correlation(bases.total_occupancy(response, *tg), label)))
    return float(best[0]), float(best[1])


def _correlation(feature, label):
    return 0.0 if feature.std() == 0 else np.corrcoef(feature, label)[0, 1]


def standardised(template, composition):
    """Centre a template (W, 4) per offset and scale its response to unit deviation over independent bases."""
    centred = template - template @ composition[:, None]
    return centred / np.sqrt((np.square(centred) @ composition).sum() + 1e-12)


def _without(residual, basis):
    return residual - basis @ np.linalg.lstsq(basis, residual, rcond=None)[0]


def _near_copies(code, k, strands):
    """Mark k-mers that are `code` shifted by up to two bases or changed in one, on either strand."""
    codes = np.arange(_BASES**k)
    near = np.zeros(len(codes), dtype=bool)
    for own in {int(code), int(_reverse_codes(np.array([code]), k)[0])} if strands == "both" else {int(code)}:
        mismatches = sum((codes // _BASES**p % _BASES) != (own // _BASES**p % _BASES) for p in range(k))
        near |= mismatches <= 1
        for shift in (1, 2):
            size = _BASES ** (k - shift)
            near |= (codes // _BASES**shift == own % size) | (codes % size == own // _BASES**shift)
    return near


def _reverse_codes(codes, k):
    mirrored = np.zeros_like(codes)
    for _ in range(k):
        mirrored = mirrored * _BASES + (_COMPLEMENT - codes % _BASES)
        codes = codes // _BASES
    return mirrored


def _digits(code, k):
    return [int(code) // _BASES ** (k - 1 - place) % _BASES for place in range(k)]


def _spell(code, k):
    return "".join("ACGT"[digit] for digit in _digits(code, k))

"""The folded model's kernels on a CPU, in NumPy: each is one pass over arrays that stay in a core's cache.

On Linux (x86, MLX 0.32) MLX evaluates an exponential in 12 ns and a look-up in 14, NumPy in 0.5 and 4, so the folded
model runs here where there is no GPU. Arrays are laid out so that the innermost loop is long: a loop over 16 channels
costs more to begin than to do.
"""

from itertools import product

import numpy as np

from mlx_gsa.inference.folded import Folded
from mlx_gsa.inference.host_place import context_means, profile_factors
from mlx_gsa.inference.scratch import Scratch
from mlx_gsa.model.attention import SMALLEST_GATE
from mlx_gsa.model.band import FORBIDDEN
from mlx_gsa.model.embeddings import N_TOKENS
from mlx_gsa.model.stem import PAD, SATURATION, WORD

_BLOCK = 16_384  # positions: long enough that threads seldom wait for each other's Python
_SCORES = 400_000  # pairs at once
_TABLE = 8192  # bp whose waves are kept in a table
_LEAST = np.float32(1e-37)
_SAFE_SCORE = 60.0  # e^60 is far from the largest float32, e^-60 from the smallest: no maximum need be taken off


class HostKernels:
    """Features, relevance and what the kept positions contribute, of a folded model.

    Parameters
    ----------
    folded : Folded
    width : int
        bp seen by one filter.
    """

    def __init__(self, folded: Folded, width: int):
        self.folded, self.width = folded, width if folded.words is not None else 1
        self.left = (self.width - 1) // 2
        self._made, self._bands, self._scratch = {}, {}, Scratch()

    def codes(self, tokens: np.ndarray) -> np.ndarray:
        """Number the 4-mer that starts at each place: (B, L) uint8 -> (B, L + 4 n_words - 4) int64, PAD around."""
        n_rows, length = tokens.shape
        n_words = len(self.folded.words)
        padded = np.full((n_rows, length + n_words * WORD - 1), PAD, np.int64)
        padded[:, self.left : self.left + length] = tokens
        stop = padded.shape[1] - WORD + 1
        code = padded[:, :stop] * N_TOKENS
        for offset in range(1, WORD):
            code += padded[:, offset : offset + stop]
            if offset < WORD - 1:
                code *= N_TOKENS
        return code

    def filters(self, tokens: np.ndarray) -> np.ndarray:
        """Compute the features of every position from its letters alone: (B, L) uint8 -> (B, L, D)."""
        if self.folded.words is None:
            return np.take(self.folded.letters, tokens, axis=0)
        codes = self.codes(tokens)
        features = np.empty((*tokens.shape, len(self.folded.bias)), np.float32)
        for rows, start, stop in _blocks(*tokens.shape):
            self._filter_block(codes[rows], start, stop, features[rows, start:stop])
        return features

    def _filter_block(self, codes, start, stop, out):
        """Sum the look-ups of the words of each window, then what `model.stem.occupancy` does, in the same order."""
        tables, rows = self.folded.words, codes[:, start:stop].size
        response, part = (self._scratch(name, rows, tables.shape[2]) for name in ("response", "part"))
        for number, table in enumerate(tables):
            looked_up = codes[:, start + number * WORD : stop + number * WORD].ravel()
            np.take(table, looked_up, axis=0, mode="clip", out=part if number else response)
            if number:
                np.add(response, part, out=response)
        features = self._stronger(response)
        thresholds = self._repeated(rows)
        np.maximum(features, thresholds, out=features)
        np.subtract(features, thresholds, out=features)
        np.multiply(features, features, out=features)
        below = np.multiply(features, np.float32(1 / SATURATION), out=self._scratch("below", *features.shape))
        np.add(below, 1, out=below)
        np.divide(features.reshape(out.shape), below.reshape(out.shape), out=out)

    def _stronger(self, response):
        """Take the stronger strand (N, D) of responses (N, S * D); a strand's channels are moved as one item."""
        n_channels = len(self.folded.bias)
        if response.shape[1] == n_channels:
            return response
        strands = response.view(f"V{4 * n_channels}")
        parts = [self._scratch(name, len(response), n_channels) for name in ("forward", "reverse")]
        for strand, part in enumerate(parts):
            part.view(strands.dtype)[:, 0] = strands[:, strand]
        return np.maximum(*parts, out=parts[0])

    def features(self, tokens: np.ndarray, lengths=None) -> np.ndarray:
        """Compute all that is known of every position.

        Parameters
        ----------
        tokens : np.ndarray uint8 (B, L)
            PAD after the end of each sequence.
        lengths : np.ndarray int (B,), optional
            True lengths in bp, of which only a model with an anchor wants to know.

        Returns
        -------
        np.ndarray (B, L, F)
        """
        features = self.filters(tokens)
        if self.folded.profile is not None:
            features *= profile_factors(tokens.shape[1], lengths, *self.folded.profile)
        if self.folded.context is None:
            return features
        return np.concatenate([features, context_means(tokens, *self.folded.context)], axis=-1)

    def relevance(self, features: np.ndarray) -> np.ndarray:
        """Score features (..., F): relevance (...)."""
        first, bias, second, last = self.folded.selector
        flat = features.reshape(-1, features.shape[-1])
        hidden = np.matmul(first, flat.T, out=self._scratch("selector", len(first), len(flat)))
        np.add(hidden, bias, out=hidden)
        self._rectify(hidden)
        return ((second @ hidden)[0] + np.float32(last)).reshape(features.shape[:-1])

    def gates(self, relevance: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Open each kept position by its relevance (B, K); 0 where the mask is False."""
        scale, shift = self.folded.gate
        return mask / (1 + np.exp(-(np.float32(scale) * relevance + np.float32(shift))))

    def contributions(self, chosen, kept, mask, gates) -> np.ndarray:
        """Let the kept positions attend to each other.

        Parameters
        ----------
        chosen : np.ndarray (B, K, F)
        kept, mask, gates : np.ndarray (B, K)
            Positions in bp, which of them are in use, and their gates.

        Returns
        -------
        np.ndarray (B, n_outputs, K)
            Sums over K to the prediction less its bias.
        """
        folded, features = self.folded, chosen.swapaxes(1, 2)
        n_hidden = folded.heard.shape[0]
        heard = np.empty((len(kept), n_hidden + 1, kept.shape[1]), np.float32)
        np.matmul(folded.heard, features, out=heard[:, :-1])
        heard[:, -1] = 1
        heard *= (np.maximum(gates, np.float32(SMALLEST_GATE)) * mask)[:, None]
        mixed = self._mix(*self._queries_and_keys(chosen, kept), heard, mask)
        hidden = folded.own @ features
        hidden += mixed[:, :-1] / np.maximum(mixed[:, -1:], _LEAST)  # a place not in use may see none that is
        hidden += folded.hidden_bias
        self._rectify(hidden)
        weight, bias = folded.output
        return (weight @ hidden + bias) * gates[:, None]

    def _mix(self, queries, keys, heard, mask):
        """Return sum over keys of heard x exp(score) (B, H + 1, K), up to a factor for each query."""
        mixed = np.empty_like(heard)
        longest = [np.einsum("bkc,bkc->bk", x, x).max() for x in (queries, keys)]
        is_safe = longest[0] * longest[1] < _SAFE_SCORE**2
        for rows, asking, seen, band in self._pieces(*mask.shape):
            scores = self._scratch("scores", *mask[rows, seen].shape, asking.stop - asking.start)
            np.matmul(keys[rows, seen], queries[rows, asking].swapaxes(1, 2), out=scores)  # a row is a key
            if band is not None:
                np.add(scores, band, out=scores)
            if not is_safe:
                scores[~mask[rows, seen]] = FORBIDDEN
                np.subtract(scores, scores.max(axis=1, keepdims=True), out=scores)
            np.exp(scores, out=scores)
            mixed[rows, :, asking] = heard[rows, :, seen] @ scores
        return mixed

    def _pieces(self, n_rows, n_kept):
        """Cut the pairs of B lists of K into pieces: rows, places that ask, places seen, and what a band adds."""
        width = self.folded.neighbours
        if width is None or n_kept <= width + 1:
            at_once, n_asking = max(1, _SCORES // n_kept**2), max(64, _SCORES // n_kept)
            for row, first in product(range(0, n_rows, at_once), range(0, n_kept, n_asking)):
                yield slice(row, row + at_once), slice(first, min(first + n_asking, n_kept)), slice(0, n_kept), None
            return
        for first in range(0, n_kept, width):
            asking = slice(first, min(first + width, n_kept))
            seen = slice(max(0, first - width), min(first + 2 * width, n_kept))
            yield slice(0, n_rows), asking, seen, self._band(asking, seen, width)

    def _band(self, asking, seen, width):
        """What is added to the scores of pairs (seen, asking): nothing within `width` places, beyond what forbids."""
        shape = (seen.start - asking.start, seen.stop - asking.start, asking.stop - asking.start)
        if shape not in self._bands:
            apart = np.arange(*shape[:2])[:, None] - np.arange(shape[2])
            self._bands[shape] = np.where(np.abs(apart) <= width, 0, FORBIDDEN).astype(np.float32)
        return self._bands[shape]

    def _queries_and_keys(self, chosen, kept):
        """Project what was chosen, and give it its place: twice (B, K, C + 2 M)."""
        flat = chosen.reshape(-1, chosen.shape[-1])
        made = [flat @ weight + bias for weight, bias in (self.folded.queries, self.folded.keys)]
        if self.folded.waves is not None:
            made = self._placed(*made, kept.ravel())
        return [each.reshape(*kept.shape, -1) for each in made]

    def _placed(self, queries, keys, positions):
        """Give queries and keys (N, C) their place, as `SelectedAttention.project` does: (N, C + 2 M).

        The two halves of a vector lie side by side, so that its rotation is a complex product.
        """
        turn, of_queries, of_keys = self._places(positions, queries.shape[1] // 2)
        placed = []
        for vectors, waves in ((queries, of_queries), (keys, of_keys)):
            joined = np.empty((len(vectors), vectors.shape[1] + waves.shape[1]), np.float32)
            joined[:, : vectors.shape[1]] = (vectors.view(np.complex64) * turn).view(np.float32)
            joined[:, vectors.shape[1] :] = waves
            placed.append(joined)
        return placed

    def _places(self, positions, n_turns):
        """Look up what positions give (rotation, waves of a query, waves of a key), or compute it beyond the table."""
        if positions.max() >= _TABLE:
            return self._waves(positions, n_turns)
        if "places" not in self._made:
            self._made["places"] = self._waves(np.arange(_TABLE), n_turns)
        return [np.take(table, positions, axis=0) for table in self._made["places"]]

    def _waves(self, positions, n_turns):
        frequencies, weights = self.folded.waves
        waves = np.exp(2j * np.pi * (positions[:, None] * frequencies % 1)).astype(np.complex64)
        spread = np.arange(n_turns) * len(frequencies) // n_turns
        joined = np.concatenate([waves.real, waves.imag], axis=1)
        return waves[:, spread].copy(), joined * np.tile(weights, 2), joined

    def _repeated(self, count):
        """Return the thresholds (D,) in `count` rows, of an array that is made once: taking it off is one long loop."""
        known = self._made.get("thresholds")
        if known is None or len(known) < count:
            known = self._made["thresholds"] = np.tile(-self.folded.bias, (max(count, _BLOCK), 1))
        return known[:count]

    def _rectify(self, values):
        """Set what is negative to 0; NumPy takes the larger of two arrays four times as fast as of array and number."""
        known = self._made.get("zeros")
        if known is None or known.size < values.size:
            known = self._made["zeros"] = np.zeros(values.size, np.float32)
        return np.maximum(values, known[: values.size].reshape(values.shape), out=values)


def _blocks(n_rows, length):
    """Cut (B, L) into blocks of about 16,384 positions: (rows, start, stop)."""
    at_once = max(1, _BLOCK // max(length, 1))
    for row in range(0, n_rows, at_once):
        for start in range(0, length, _BLOCK):
            yield slice(row, row + at_once), start, min(start + _BLOCK, length)

"""Which records are alike: shared seeds, local scores on their diagonals, a threshold from shuffles, clusters."""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mlx_gsa.data.pairs import similar_pairs
from mlx_gsa.dna.shuffle import dinucleotide_shuffles
from mlx_gsa.dna.sketch import MAX_SEEDS, sketch

SHARE = 0.3  # of the shorter record; hashFrag takes a score of 60 for 200 bp
SHUFFLED, SHUFFLED_BASES = 4000, 2_000_000  # records shuffled for the threshold, and bp of them
CHANCE_RATE = 0.01
GIANT = 0.3


@dataclass(frozen=True)
class Threshold:
    """From which score two records are similar.

    Attributes
    ----------
    share : float
        Of the length of the shorter record: the score divided by that length has to reach it.
    chance : float
        Score in bp that dinucleotide shuffles of the records reach by chance, with any other of as many records, in
        1 % of them; a pair has to reach this as well.
    """

    share: float
    chance: float = 0.0

    def needed(self, shorter):
        """Return the score a pair needs, by the length of its shorter record (bp); at most its whole length."""
        return np.minimum(np.maximum(self.share * shorter, self.chance), shorter)


class Clusters:
    """Records that belong together, so that no two similar ones are in different clusters (single linkage).

    Parameters
    ----------
    sequences : TokenFile or Dataset
        With ``tokens`` and ``offsets``.
    together : iterable of np.ndarray, each shape (n,)
        Labels; records with the same label belong together in any case, such as copies, or overlapping places.
    share : float, optional
        As in `Threshold`, and alone; None: `SHARE`, or more where shuffles reach more.
    seed : int
        Of the shuffles.
    limit : int
        Most seeds held in memory.

    Attributes
    ----------
    number : np.ndarray of int64, shape (n,)
        Number of each record's cluster.
    threshold : Threshold

    Source: hashFrag (Rafi et al. 2025, bioRxiv 2025.01.22.634321): candidates by shared words, local alignment
    scores, a threshold above what dinucleotide-shuffled sequences reach, clusters as connected components.
    Differs: gapless scores on up to four diagonals, and a threshold of at least 0.3 of the shorter record, as in
    long windows a repeat of 300 bp would else chain most of a genome together.
    """

    def __init__(self, sequences, together=(), share=None, seed=0, limit=MAX_SEEDS):
        self.sequences, self.lengths = sequences, np.diff(sequences.offsets)
        self.seeds = sketch(sequences.tokens, sequences.offsets, limit=limit)
        self.threshold = Threshold(share) if share else chance_threshold(sequences, seed=seed)
        self.number = np.arange(len(self.lengths), dtype=np.int64)
        self._join([*map(_links_of_labels, together), self._similar()])

    def join_across(self, split=None, fold=None):
        """Join clusters of which similar records were found in different splits or folds.

        A seed is compared with a few of its holders only; across splits and folds these are others than at first.

        Parameters
        ----------
        split : np.ndarray of str, shape (n,), optional
        fold : np.ndarray of int64, shape (n,), optional

        Returns
        -------
        bool
            Whether there were such records.
        """
        links = []
        if split is not None:
            masks = {name: split == name for name in ("train", "val", "test")}
            links += [self._similar(masks["val"] | masks["test"], masks["train"])]
            links += [self._similar(masks["test"], masks["val"])]
        links += [self._similar(part=fold)] if fold is not None else []
        self._join(links)
        return any(len(first) for first, _ in links)

    def facts(self):
        """Return what the manifest says of the clusters."""
        counts = np.bincount(self.number)
        return {name: round(value, 3) for name, value in asdict(self.threshold).items()} | {
            "seed_weight": self.seeds.weight,
            "seeds": len(self.seeds),
            "clusters": len(counts),
            "records_with_kin": int(counts[counts > 1].sum()),
            "largest_cluster": int(counts.max()),
            "largest_cluster_share": round(float(counts.max() / counts.sum()), 4),
        }

    def _similar(self, asked=None, others=None, part=None):
        """Return the pairs of similar records."""
        seeds = self.seeds if asked is None else self.seeds.of(asked)
        others = None if others is None else self.seeds.of(others)
        pairs = similar_pairs(self.sequences.tokens, self.sequences.offsets, seeds, others, part)
        linked = pairs.scores >= self.threshold.needed(pairs.shorter(self.lengths))
        return pairs.first[linked], pairs.second[linked]

    def _join(self, links):
        """Join the clusters of linked records."""
        n = len(self.number)
        links = [*links, (np.arange(n), np.unique(self.number, return_index=True)[1][self.number])]
        first, second = (np.concatenate([pair[side] for pair in links]) for side in (0, 1))
        graph = coo_matrix((np.ones(len(first), dtype=bool), (first, second)), shape=(n, n))
        self.number = connected_components(graph, directed=False)[1].astype(np.int64)


def _links_of_labels(labels):
    """Return pairs that connect all records of one label."""
    _, first, number = np.unique(np.asarray(labels, dtype=object).astype(str), return_index=True, return_inverse=True)
    return first[number], np.arange(len(number))


def chance_threshold(sequences, share=SHARE, rate=CHANCE_RATE, seed=0, rows=None):
    """Return the threshold above what dinucleotide-shuffled records reach by chance.

    A sample of the records is shuffled and searched as the records are. The number of pairs that reach a score
    falls by a constant factor with every bp, so the score that one record in a hundred reaches with any of all the
    others follows from the sample's.

    Parameters
    ----------
    sequences : TokenFile or Dataset
    share : float
    rate : float
        Share of records that may reach it by chance.
    seed : int
    rows : np.ndarray, optional
        Records that stand for all; all by default.

    Returns
    -------
    Threshold

    Source: the advice of hashFrag (Rafi et al. 2025); the fall with the score is that of Karlin & Altschul 1990.
    """
    offsets, rng = sequences.offsets, np.random.default_rng([seed, len(sequences.offsets)])
    rows = np.arange(len(offsets) - 1) if rows is None else rows
    n = len(rows)
    rows = np.sort(rng.permutation(rows)[:SHUFFLED])
    fitting = np.cumsum(np.diff(offsets)[rows]) <= SHUFFLED_BASES
    rows = rows[: max(int(fitting.sum()), 1)]
    shuffled = dinucleotide_shuffles([np.array(sequences.tokens[offsets[i] : offsets[i + 1]]) for i in rows], rng)
    tokens, places = np.concatenate(shuffled), np.concatenate([[0], np.cumsum([len(one) for one in shuffled])])
    pairs = similar_pairs(tokens, places, sketch(tokens, places))
    return Threshold(share, _extrapolate(pairs.scores, len(rows), n, rate, tokens))


def _extrapolate(scores, sampled, n, rate, tokens, enough=10):
    """Return the score that a share `rate` of n records reaches, from the scores among the sampled."""
    scores = np.sort(scores)[::-1]
    if not len(scores):
        return 0.0
    seen = min(enough, len(scores))
    expected = 2 * seen / sampled * (n - 1) / max(sampled - 1, 1)
    counts = np.bincount(tokens, minlength=5)[:4]
    same = float(((counts / max(counts.sum(), 1)) ** 2).sum())
    fall = np.log(max((1 - same) / same, 1.5))
    return float(np.ceil(scores[seen - 1] + np.log(expected / rate) / fall)) if expected > 0 else 0.0

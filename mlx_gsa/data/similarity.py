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


@dataclass(frozen=True, eq=False)
class Clusters:
    """Records that belong together.

    Attributes
    ----------
    number : np.ndarray of int64, shape (n,)
        Number of each record's cluster.
    threshold : Threshold
    facts : dict
        Counts for the manifest.
    """

    number: np.ndarray
    threshold: Threshold
    facts: dict


def cluster_records(sequences, together=(), share=None, seed=0, limit=MAX_SEEDS):
    """Cluster records so that no two similar ones are in different clusters (single linkage).

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

    Returns
    -------
    Clusters

    Source: hashFrag (Rafi et al. 2025, bioRxiv 2025.01.22.634321): candidates by shared words, local alignment
    scores, a threshold above what dinucleotide-shuffled sequences reach, clusters as connected components.
    Differs: gapless scores on up to four diagonals, and a threshold of at least 0.3 of the shorter record,
    as in long windows a repeat of 300 bp would else chain most of a genome together.
    """
    n = len(sequences.offsets) - 1
    seeds = sketch(sequences.tokens, sequences.offsets, limit=limit)
    threshold = Threshold(share) if share else chance_threshold(sequences, seed=seed)
    pairs = similar_pairs(sequences.tokens, sequences.offsets, seeds)
    lengths = np.diff(sequences.offsets)
    linked = pairs.scores >= threshold.needed(pairs.shorter(lengths))
    links = [(pairs.first[linked], pairs.second[linked]), *map(_links_of_labels, together)]
    number = _components(n, links)
    facts = {
        **{name: round(value, 3) for name, value in asdict(threshold).items()},
        "seed_weight": seeds.weight, "seeds": len(seeds), "similar_pairs_seen": int(linked.sum()),
        **_sizes(number),
    }  # fmt: skip
    return Clusters(number, threshold, facts)


def _links_of_labels(labels):
    """Return pairs that connect all records of one label."""
    _, first, number = np.unique(np.asarray(labels, dtype=object).astype(str), return_index=True, return_inverse=True)
    return first[number], np.arange(len(number))


def _components(n, links):
    """Return the number of the connected component of each of n records."""
    first, second = (np.concatenate([pair[side] for pair in links]) for side in (0, 1))
    graph = coo_matrix((np.ones(len(first), dtype=bool), (first, second)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _sizes(number):
    """Return how many clusters there are, and how large the largest is."""
    counts = np.bincount(number)
    return {
        "clusters": len(counts),
        "records_with_kin": int(counts[counts > 1].sum()),
        "largest_cluster": int(counts.max()),
        "largest_cluster_share": round(float(counts.max() / counts.sum()), 4),
    }


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

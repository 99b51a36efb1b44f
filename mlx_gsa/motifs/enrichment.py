"""Enrichment of known motifs at the positions a model looks at, against three controls.

The statistic of a motif is the number of positions looked at that lie in one of its sites, record by record. Controls:

- **matched**: as many positions of the same record, drawn at random from those of like local GC and location;
- **shuffled**: the positions the same model looks at in dinucleotide-shuffled copies of the records;
- **untrained**: the positions that selectors of the same architecture with random filters look at in the same records.

Each gives an enrichment (observed / control) with a bootstrap interval over records, a p-value by flipping the signs
of whole records, and a q-value (Benjamini-Hochberg over all matrices and both cuts). The untrained control has several
seeds, and a motif must stand out among those, too: its p is the larger of the two. A motif counts as enriched only if
q < 0.01 against all three.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.motifs import MotifScanner
from mlx_gsa.errors import DatasetError, GsaError, MotifError
from mlx_gsa.evaluation.bootstrap import Interval, resampling_weights
from mlx_gsa.motifs.controls import Counter, Counts, by_group
from mlx_gsa.motifs.hits import HitTable, Look, Pool, find_hits, look
from mlx_gsa.motifs.labels import Association
from mlx_gsa.motifs.significance import among_seeds, q_values, sign_flip_test
from mlx_gsa.motifs.sites import count_in_sites, cover_of
from mlx_gsa.motifs.untrained import untrained_selectors

CONTROLS = ("matched", "shuffled", "untrained")
ALPHA = 0.01
FEWEST_RECORDS = 10  # with a site, below which a motif is not tested
LEAST = 0.5  # positions that a control of nothing counts as


class Against(NamedTuple):
    """One motif beside one control: expected number of positions, observed / expected, p-values and q.

    ``p_counted`` is that of counting permutations, ``p`` what q comes from (see `significance`).
    """

    expected: float
    enrichment: Interval
    p_counted: float
    p: float
    q: float


class MotifRow(NamedTuple):
    """One motif at one cut.

    ``observed`` of ``positions`` looked at lie in its sites; ``with_site`` of ``records`` have a site at all, and
    ``found`` of them one with a position looked at. ``family`` is the id of the row that stands for it, see `families`.
    ``label`` says how the motif goes with the label of held-out records, None where not tested, see `label_tests`.
    """

    motif_id: str
    name: str
    width: int
    cut: str
    records: int
    with_site: int
    found: int
    positions: int
    observed: int
    matched: Against
    shuffled: Against
    untrained: Against
    family: str = ""
    label: Association | None = None

    @property
    def against(self) -> dict:
        """The three controls by name."""
        return {name: getattr(self, name) for name in CONTROLS}

    @property
    def q(self) -> float:
        """The largest q of the three controls."""
        return max(each.q for each in self.against.values())

    @property
    def p(self) -> float:
        """The largest p of the three controls."""
        return max(each.p for each in self.against.values())

    @property
    def least(self) -> float:
        """The smallest enrichment of the three controls."""
        return min(each.enrichment.value for each in self.against.values())

    @property
    def enriched(self) -> bool:
        """Whether it is enriched: q < 0.01 against all three controls."""
        return self.q < ALPHA

    @property
    def associated(self) -> bool:
        """Whether it is enriched and goes with the label: q < 0.01 there too."""
        return self.enriched and self.label is not None and self.label.q < ALPHA

    @property
    def rank(self) -> tuple:
        """What rows are sorted by: enriched ones first, by the product of their three p-values; the rest by q."""
        evidence = sum(math.log(max(each.p, 1e-300)) for each in self.against.values())
        return (not self.enriched, evidence if self.enriched else self.q, self.p, -self.least, self.motif_id, self.cut)

    @property
    def rate(self) -> float:
        """Share of the records that have a site with a position looked at."""
        return self.found / self.records


class Study(NamedTuple):
    """What `study_motifs` found: rows, and what they came from for whoever looks further.

    ``rows`` are sorted by `MotifRow.rank`; ``matching`` says by cut how many positions could be matched; ``indices``
    are the records' numbers in the data set, ``groups`` their groups; ``hits`` are in positions of ``pool``;
    ``tested`` counts the matrices that had sites in enough records; ``background`` are the shares of A, C, G, T that
    p-values of hits are computed under.
    """

    rows: list
    motifs: tuple
    indices: np.ndarray
    groups: np.ndarray
    pool: Pool
    hits: HitTable
    look: Look
    matching: dict
    tested: int
    background: tuple


def enriched_motifs(predictor, dataset, indices, motifs, **options) -> list[MotifRow]:
    """Test every motif for enrichment; parameters as for `study_motifs`, of which these are the rows.

    Returns
    -------
    list of MotifRow
        One per motif and cut, the best first; ``row.enriched`` says whether all three controls agree.
    """
    return study_motifs(predictor, dataset, indices, motifs, **options).rows


def study_motifs(
    predictor, dataset, indices, motifs: Sequence, *, top: float | None = 0.01, p_value: float = 1e-4,
    permutations: int = 1000, shuffles: int = 3, untrained=40, resamples: int = 1000, seed: int = 0,
    batch_size: int = 32, progress: Callable | None = None,
) -> Study:  # fmt: skip
    """Count motif sites at the positions a model looks at, and hold them against the three controls.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
        Read here: ``sequence(index)`` and ``records.group``; records of one group are permuted together.
    indices : array_like of int
        Records to look at, such as the positives of the test split.
    motifs : sequence of Motif
        With different ids.
    top : float or None
        Share of each record's positions, by falling relevance, tested besides all kept.
    p_value : float
        Of a hit.
    permutations, resamples : int
        Sign flips of each test, and resamples of each interval (0: none).
    shuffles : int
        Dinucleotide-shuffled copies of each record.
    untrained : int or sequence of predictors
        How many untrained selectors, two at least, or the selectors themselves.
    seed, batch_size : int
    progress : callable, optional
        Called as ``progress(steps_done, steps, note)``.

    Returns
    -------
    Study

    Raises
    ------
    DatasetError
        No record, or all in one group.
    MotifError
        No motif, or two of one id.
    GsaError
        Fewer than two untrained selectors, or no shuffled copy.
    """
    indices, motifs = np.asarray(indices, np.int64), tuple(motifs)
    selectors = untrained_selectors(predictor, untrained, seed) if isinstance(untrained, int) else list(untrained)
    groups = np.asarray(dataset.records.group)[indices]
    _check(motifs, groups, shuffles, selectors)
    report = _reporter(progress, 3 + shuffles + len(selectors))
    report("model")
    pool = Pool.of(dataset.sequence(int(i)) for i in indices)
    looking = {"top": top, "seed": seed, "batch_size": batch_size}
    seen, scanner = look(predictor, pool, **looking), MotifScanner(motifs, p_value, pool.composition())
    report("sites")
    hits = find_hits(pool, scanner)
    cover = cover_of(hits, pool, len(motifs))
    counter = Counter(pool, cover, seen, looking)
    observed, matched = counter.observed(), counter.matched()
    shuffled = counter.shuffled(predictor, shuffles, scanner, report)
    means, sums = counter.untrained(selectors, report)
    report("statistics")
    counts = {cut: Counts(observed[cut], matched[cut], shuffled[cut], means[cut], sums[cut]) for cut in seen.focus}
    with_site = (count_in_sites(cover, np.ones(len(pool.tokens))) > 0).sum(0)
    usable = np.flatnonzero(with_site >= FEWEST_RECORDS)
    columns = _tests(counts, groups, usable, permutations, resamples, seed)
    rows = _rows(motifs, usable, seen, counts, with_site, columns)
    return Study(rows, motifs, indices, groups, pool, hits, seen, counter.matching(), len(usable), pool.composition())


def _check(motifs, groups, shuffles, selectors):
    if not len(groups):
        raise DatasetError("no record to look for motifs in", mend="Choose another split, class or --min-score.")
    if len(set(groups.tolist())) < 2:
        mend = "Choose more records, or prepare the data set with other groups."
        raise DatasetError("records cannot be permuted", expected="two groups or more", found="one", mend=mend)
    ids = [motif.id for motif in motifs]
    twice = sorted(id for id in set(ids) if ids.count(id) > 1) if len(set(ids)) < len(ids) else []
    if not ids or twice:
        found = f"twice: {', '.join(twice[:5])}" if twice else "none"
        raise MotifError("motifs cannot be told apart", expected="matrices with different ids", found=found)
    if shuffles < 1 or len(selectors) < 2:
        expected, found = "1 shuffled copy and 2 untrained selectors or more", f"{shuffles} and {len(selectors)}"
        raise GsaError("too few controls", expected=expected, found=found)


def _reporter(progress, total):
    """Return a function that reports one more step under a name."""
    steps = iter(range(total + 1))
    return lambda note: progress and progress(next(steps), total, note)


def _tests(counts, groups, usable, permutations, resamples, seed) -> dict:
    """Compute `Against` of each usable motif by (cut, control); q is over all cuts of a control."""
    columns = {}
    for control in CONTROLS:
        found = {}
        for cut, of_cut in counts.items():
            observed = by_group(of_cut.observed[:, usable], groups)
            other = by_group(getattr(of_cut, control)[:, usable], groups)
            test = sign_flip_test(observed - other, permutations, seed)
            p = test.p
            if control == "untrained":
                p = np.maximum(p, among_seeds(observed.sum(0), of_cut.by_seed[:, usable]))
            found[cut] = (other.sum(0).tolist(), _ratios(observed, other, resamples, seed), test.counted.tolist(), p)
        q = q_values(np.stack([part[3] for part in found.values()]))
        for i, (cut, part) in enumerate(found.items()):
            columns[cut, control] = [
                Against(*each) for each in zip(*part[:3], part[3].tolist(), q[i].tolist(), strict=True)
            ]
    return columns


def _ratios(observed, other, resamples, seed) -> list[Interval]:
    """Divide sums over groups, with percentile intervals over resampled groups."""
    values = observed.sum(0) / np.maximum(other.sum(0), LEAST)
    if not resamples:
        return [Interval(float(value), np.nan, np.nan) for value in values]
    drawn = [
        (weights @ observed) / np.maximum(weights @ other, LEAST)
        for weights in resampling_weights(len(observed), resamples, seed)
    ]
    low, high = np.quantile(np.concatenate(drawn), [0.025, 0.975], axis=0)
    return [Interval(*map(float, three)) for three in zip(values, low, high, strict=True)]


def _rows(motifs, usable, seen, counts, with_site, columns) -> list[MotifRow]:
    """Put rows together, by rank."""
    rows = []
    for cut, focus in seen.focus.items():
        observed = counts[cut].observed
        found, total = (observed > 0).sum(0), observed.sum(0)
        for column, i in enumerate(usable.tolist()):
            against = [columns[cut, control][column] for control in CONTROLS]
            facts = (len(observed), int(with_site[i]), int(found[i]), len(focus), round(float(total[i])))
            rows.append(MotifRow(motifs[i].id, motifs[i].name, motifs[i].width, cut, *facts, *against))
    return sorted(rows, key=lambda row: row.rank)

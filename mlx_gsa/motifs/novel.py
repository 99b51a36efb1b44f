"""Novel motifs: what lies at high-relevance kept positions and is like no matrix of a database.

Motifs are discovered on the records of one set (training and validation) and tested on another (test): against the
three controls of `enrichment`, and for going with the label (`labels`). A motif counts as found only if all hold.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.motifs import Motif
from mlx_gsa.dna.shuffle import dinucleotide_shuffles
from mlx_gsa.errors import DatasetError
from mlx_gsa.motifs.database import Closest, closest_motif, explained_windows
from mlx_gsa.motifs.discover import FLANK, Raw, discover
from mlx_gsa.motifs.enrichment import ALPHA, MotifRow, study_motifs
from mlx_gsa.motifs.focus import Peaks, find_peaks, random_places, windows_at
from mlx_gsa.motifs.hits import KEPT
from mlx_gsa.motifs.labels import Association, associate, covariates, label_columns
from mlx_gsa.motifs.meme import iupac
from mlx_gsa.motifs.sites import count_in_sites, cover_of, mark

HALF_WINDOW = 12  # bp on either side of a peak: the middle of a site lies there
MOST_WINDOWS = 40_000
AWAY = 2 * HALF_WINDOW + 1  # bp between a peak and a position it is compared with


class NovelMotif(NamedTuple):
    """A motif discovered at kept positions.

    Attributes
    ----------
    motif : Motif
        Counts of its sites, trimmed to informative columns; ``id`` is ``motif_1``, ..., ``name`` its consensus.
    z : float
        Over-representation of its best word in the discovery windows (sd).
    sites, records : int
        Windows of the discovery records that hold a site, and records they are in.
    unmatched : float
        Share of those windows that no matrix of the database matches.
    closest : Closest or None
        The most similar matrix of the database.
    enrichment : MotifRow or None
        On the test records against three controls, at the kept positions or at the top 1 % of the ranking, whichever
        has the smaller q (over both); None with sites in fewer than ten records.
    label : Association or None
        Whether it goes with the label of the test records; None where ``enrichment`` is.
    """

    motif: Motif
    z: float
    sites: int
    records: int
    unmatched: float
    closest: Closest | None
    enrichment: MotifRow | None = None
    label: Association | None = None

    @property
    def is_known(self) -> bool:
        """Whether the database holds a matrix like it."""
        return self.closest is not None and self.closest.alike

    @property
    def q(self) -> float:
        """The largest q on the test records: of the three controls, and of the label."""
        return 1.0 if self.enrichment is None else max(self.enrichment.q, self.label.q)

    @property
    def confirmed(self) -> bool:
        """Whether the test records confirm it: q < 0.01 against every control and for the label."""
        return self.q < ALPHA

    @property
    def is_novel(self) -> bool:
        """Whether the database does not hold it and the test records confirm it."""
        return self.confirmed and not self.is_known


class NovelStudy(NamedTuple):
    """What `find_novel` found.

    ``motifs`` holds every motif discovered, new or not, confirmed or not, the smallest q first; ``peaks`` and
    ``discovery_records`` count what they come from, ``test_records`` what they were tested on; ``composition`` are the
    shares of A, C, G, T around the peaks.
    """

    motifs: list
    peaks: int
    discovery_records: int
    test_records: int
    composition: tuple

    @property
    def novel(self) -> list[NovelMotif]:
        """Those that the database does not hold and the test records confirm."""
        return [each for each in self.motifs if each.is_novel]


def find_novel(
    predictor, dataset, discovery_indices, test_indices, motifs: Sequence[Motif], *, most: int = 20, k: int = 7,
    least_z: float = 6.0, spans: int | None = None, output: int = 0, permutations: int = 1000, untrained=20,
    p_value: float = 1e-4, seed: int = 0, batch_size: int = 32, progress: Callable | None = None,
) -> NovelStudy:  # fmt: skip
    """Discover motifs at the peaks of relevance, and test them on other records.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    discovery_indices, test_indices : array_like of int
        Numbers of the records to discover motifs in, and of those to test them on.
    motifs : sequence of Motif
        The database; see `alignment.leave_out` for taking out of it what is to be found again.
    most : int
        Motifs to report.
    k, least_z
        As for `discover`.
    spans : int, optional
        Spans of each record that are looked at, the most relevant; all that stand out otherwise.
    output : int
        Of several outputs, the one whose contributions weigh and whose label is tested.
    permutations, untrained, p_value
        Of the test, as for `study_motifs`.
    seed, batch_size : int
    progress : callable, optional
        ``progress(done, total, note)``.

    Returns
    -------
    NovelStudy

    Raises
    ------
    DatasetError
        A record is in both sets, or there is none to discover motifs in.
    """
    discovery_indices, test_indices = np.asarray(discovery_indices, int), np.asarray(test_indices, int)
    _check(discovery_indices, test_indices)
    rng = np.random.default_rng([seed, 23])
    peaks = find_peaks(predictor, dataset, discovery_indices, most=spans, batch_size=batch_size, output=output,
                       progress=progress)  # fmt: skip
    peaks = _some(peaks, rng)
    windows, controls = discovery_windows(dataset, peaks, rng)
    raws = discover(windows, peaks.weight, controls, k=k, least_z=least_z, most=most, seed=seed, progress=progress)
    composition = _composition(windows)
    explained = explained_windows(windows, HALF_WINDOW, motifs, composition, progress=progress)
    found = [_described(raw, number, peaks, explained, motifs) for number, raw in enumerate(raws, 1)]
    options = {"permutations": permutations, "untrained": untrained, "p_value": p_value, "seed": seed}
    found = _tested(found, predictor, dataset, test_indices, output, {**options, "batch_size": batch_size}, progress)
    found = sorted(found, key=lambda each: (each.q, -each.z))
    return NovelStudy(found, len(peaks.record), len(discovery_indices), len(test_indices), composition)


def _check(discovery, test):
    if not len(discovery):
        raise DatasetError("no record to discover motifs in", mend="Choose another split or class.")
    both = np.intersect1d(discovery, test)
    if len(both):
        raise DatasetError("a record is used for discovery and for the test", found=f"record {both[0]}")


def _some(peaks, rng):
    """Return at most 40,000 of the peaks, at random."""
    if len(peaks.record) <= MOST_WINDOWS:
        return peaks
    return peaks.select(np.sort(rng.permutation(len(peaks.record))[:MOST_WINDOWS]))


def discovery_windows(dataset, peaks: Peaks, rng) -> tuple[np.ndarray, list[np.ndarray]]:
    """Cut windows around peaks, and two sets to compare them with.

    Parameters
    ----------
    dataset : Dataset
    peaks : Peaks
    rng : np.random.Generator

    Returns
    -------
    windows : np.ndarray, shape (m, 49), uint8
        25 bp around each peak with 12 bp of flank on either side.
    controls : list of two np.ndarray, each shape (m, 49), uint8
        Windows at random positions of the same records away from the peaks; the windows themselves, shuffled with
        their dinucleotides kept.
    """
    reach = HALF_WINDOW + FLANK
    windows = windows_at(dataset, peaks.record, peaks.position, reach)
    elsewhere = windows_at(dataset, peaks.record, random_places(dataset, peaks, rng, AWAY), reach)
    shuffled = np.array(dinucleotide_shuffles(list(windows), rng), np.uint8).reshape(windows.shape)
    return windows, [elsewhere, shuffled]


def _composition(windows):
    """Return the shares of A, C, G, T, the same on both strands."""
    counts = np.bincount(windows.ravel(), minlength=5)[:4] + 1.0
    return tuple(((counts + counts[::-1]) / (2 * counts.sum())).tolist())


def _described(raw: Raw, number, peaks, explained, motifs) -> NovelMotif:
    """Name a motif and say what it rests on, and what it is like."""
    motif = Motif(f"motif_{number}", iupac(raw.trimmed), raw.trimmed.counts)
    records = len(np.unique(peaks.record[raw.chosen]))
    unmatched = float(1 - explained[raw.chosen].mean())
    return NovelMotif(motif, raw.z, int(raw.chosen.sum()), records, unmatched, closest_motif(motif, motifs))


def _tested(found, predictor, dataset, indices, output, options, progress) -> list[NovelMotif]:
    """Test motifs on the test records."""
    if not found or not len(indices):
        return found
    study = study_motifs(predictor, dataset, indices, [each.motif for each in found], resamples=0,
                         progress=progress, **options)  # fmt: skip
    rows = {row.motif_id: row for row in reversed(study.rows)}  # sorted by q: of the two cuts, the better one
    cover = cover_of(study.hits, study.pool, len(found))
    kept = count_in_sites(cover, mark(study.look.focus[KEPT], len(study.pool.tokens))) > 0
    tested = [number for number, each in enumerate(found) if each.motif.id in rows]
    labels, beside = label_columns(dataset, indices, output), covariates(study.pool.sequences())
    made = associate(kept[:, tested], labels, beside, study.groups, options["permutations"], options["seed"])
    by_number = dict(zip(tested, made, strict=True))
    return [each._replace(enrichment=rows.get(each.motif.id), label=by_number.get(i)) for i, each in enumerate(found)]

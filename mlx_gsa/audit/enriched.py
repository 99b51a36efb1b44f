"""Motifs enriched at what a model selects where there is nothing to select, and the sites that stability counts."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.motifs import MotifScanner
from mlx_gsa.errors import MotifError
from mlx_gsa.evaluation.selection import FUNCTIONAL_ROLES
from mlx_gsa.motifs.choose import choose_records, survey
from mlx_gsa.motifs.enrichment import CONTROLS, study_motifs
from mlx_gsa.motifs.label_tests import label_rows, label_tests
from mlx_gsa.motifs.sources import choose_motifs

RECORDS = 400


class Enriched(NamedTuple):
    """What a test of enrichment found.

    ``enriched`` motifs and cuts of those ``tested`` have a q-value below the limit against all three controls, and
    ``count`` of them go with the real label of held-out records, too; None where that could not be tested; ``names``
    are those of the latter.
    """

    words: str
    count: int | None
    tested: int
    names: tuple
    enriched: int = 0


def count_enriched(predictor, dataset, limit: float, seed=0, records=RECORDS, progress=None) -> Enriched:
    """Count the motifs enriched at a model's selection against all three controls of `gsa motifs`, and for the label.

    A model that learned noise keeps what its filters like, and its taste is enriched there: only a motif that also goes
    with the label says that something was found.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    limit : float
        Of the q-value.
    seed : int
    records : int
        At most so many test records.
    progress : callable, optional

    Returns
    -------
    Enriched
    """
    try:
        motifs = choose_motifs(dataset).motifs
    except MotifError as error:
        return Enriched(f"Motifs were not tested: {error.what}.", None, 0, ())
    chosen = choose_records(dataset, survey(predictor, dataset, seed=seed), limit=records)
    study = study_motifs(predictor, dataset, chosen.rows, motifs, seed=seed, resamples=0, progress=progress)
    rows = study.rows
    taste = [row for row in rows if row.q < limit]
    labels = label_tests(predictor, dataset, label_rows(dataset), taste, study.motifs, study.background, seed=seed)
    found = [f"{row.name} ({row.cut})" for row in taste if _goes_with(labels, row, limit)]
    alone = {name: sum(row.against[name].q < limit for row in rows) for name in CONTROLS}
    words = f"{len(taste)} of {len(rows):,} motifs and cuts enriched at q < {limit:g} against all three controls "
    words += f"(against one alone: {', '.join(f'{name} {count}' for name, count in alone.items())}), "
    words += f"{len(found)} of them associated with the label of held-out records."
    return Enriched(words, len(found), len(rows), tuple(found[:20]), len(taste))


def _goes_with(labels, row, limit):
    """Say whether a motif goes with the label at a cut."""
    found = labels.get((row.motif_id, row.cut))
    return found is not None and found.q < limit


def known_sites(dataset):
    """Return a function row -> (start, end, key) of the planted sites that change the label; None without sites."""
    if dataset.sites is None:
        return None

    def of(row):
        sites = dataset.sites.of(row)
        acting = np.flatnonzero(np.isin(sites.role, FUNCTIONAL_ROLES))
        return sites.start[acting], sites.end[acting], acting

    return of


def scanned_sites(dataset):
    """Return a function row -> (start, end, key) of the hits of the motifs that suit a data set, a key per motif.

    None where it is not known which motifs suit.
    """
    try:
        motifs = choose_motifs(dataset).motifs
    except MotifError:
        return None  # agreement is then judged by position, and the check says so
    scanner = MotifScanner(motifs)

    def of(row):
        hits = scanner.scan(dataset.sequence(row))
        edges = np.array([(hit.start, hit.end) for hit in hits], np.int64).reshape(-1, 2)
        return edges[:, 0], edges[:, 1], np.array([hit.motif.id for hit in hits], object)

    return of

"""Known sites, where the data set has them: what is found of each kind, and which decoys are kept by mistake."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.evaluation.bootstrap import Interval, sums_intervals
from mlx_gsa.evaluation.selection import FUNCTIONAL_ROLES, SelectionTally
from mlx_gsa.evaluation.selection_report import SelectionReport, make_report

DECOY_CORE, DECOY_SPACING = "decoy_core", "decoy_spacing"


class SiteRow(NamedTuple):
    """One kind of site at one cut.

    ``functional`` sites change the label, a ``decoy`` has a mutated core (an error to look at), ``misplaced`` ones are
    whole but stand where they do not act. ``recall`` is the share of functional sites with a position looked at;
    ``precision`` the share of functional ones among all sites of the kind that are looked at, both sorts of decoys
    counted as errors; the ``_chance`` fields are what as many random positions give.
    """

    cut: str
    kind: str
    functional: int
    found: int
    recall: Interval
    recall_chance: float
    decoys: int
    decoys_found: int
    decoy_rate: Interval
    decoy_chance: float
    misplaced: int
    misplaced_found: int
    precision: Interval
    precision_chance: float


class KnownSites(NamedTuple):
    """Rows by cut and kind (``"all"`` last), and the report that `gsa evaluate` gives."""

    rows: list
    report: SelectionReport


def compare_known(tally: SelectionTally, n_resamples=1000, seed=0) -> KnownSites:
    """Count what is found of the known sites of the sequences in a tally.

    Parameters
    ----------
    tally : SelectionTally
        At least one sequence.
    n_resamples, seed
        Of the bootstrap over sequences.

    Returns
    -------
    KnownSites
    """
    report, sites = make_report(tally, n_resamples, seed), tally.site_table()
    cuts = [row["cut"] for row in report.ranking]
    functional = np.isin(sites["role"], FUNCTIONAL_ROLES)
    kinds = sorted(set(sites["kind"][functional].tolist()))
    options = {"n": n_resamples, "seed": seed}
    rows = [
        _row(sites, number, cut, kind, functional, len(tally), options)
        for number, cut in enumerate(cuts)
        for kind in ([*kinds, "all"] if kinds else [])
    ]
    return KnownSites(rows, report)


def _row(sites, cut, name, kind, functional, n_sequences, options) -> SiteRow:
    """Count one kind at one cut."""
    of_kind = np.isin(sites["kind"], sites["kind"][functional]) if kind == "all" else sites["kind"] == kind
    masks = [
        of_kind & functional,
        of_kind & (sites["role"] == DECOY_CORE),
        of_kind & (sites["role"] == DECOY_SPACING),
    ]
    touched, chance = sites["touched"][:, cut], sites["touched_chance"][:, cut]
    sums = [mask * part for mask in masks for part in (np.ones(len(touched)), touched, chance)]
    columns = np.stack([np.bincount(sites["sequence"], each, n_sequences) for each in sums], axis=1)
    recall, decoy_rate, precision, by_chance = sums_intervals(columns, _shares, **options)
    n, hit, luck, n_decoy, decoy_hit, decoy_luck, n_off, off_hit, _ = columns.sum(0)
    return SiteRow(
        name, kind, int(n), int(hit), recall, _share(luck, n), int(n_decoy), int(decoy_hit), decoy_rate,
        _share(decoy_luck, n_decoy), int(n_off), int(off_hit), precision, by_chance.value,
    )  # fmt: skip


def _shares(sums):
    """Turn sums into recall, rate of decoys, precision and precision by chance; nan where there is nothing."""
    n, hit, luck, n_decoy, decoy_hit, decoy_luck, _, off_hit, off_luck = np.moveaxis(np.asarray(sums, float), -1, 0)
    pairs = [(hit, n), (decoy_hit, n_decoy), (hit, hit + decoy_hit + off_hit), (luck, luck + decoy_luck + off_luck)]
    return np.stack([_share(part, whole) for part, whole in pairs], axis=-1)


def _share(part, whole):
    """Divide, nan where there is nothing to divide by."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)[()]

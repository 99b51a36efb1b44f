"""Tables of what a selector finds, each number beside chance and with a bootstrap interval over sequences."""

from dataclasses import dataclass

import numpy as np

from mlx_gsa.errors import DatasetError
from mlx_gsa.evaluation.bootstrap import Interval, sums_intervals
from mlx_gsa.evaluation.selection import FUNCTIONAL_ROLES, INTACT_ROLES, SelectionTally

ROLE_ORDER = ("functional", "repressor", "decoy_spacing", "decoy_core", "accidental")
KEPT = "kept"


@dataclass(frozen=True)
class SelectionReport:
    """What was found, as rows ready to be printed, drawn or written.

    Attributes
    ----------
    n_sequences, n_sites : int
    near : int
        bp that count as near a site.
    kept_share : float
        Positions kept over all positions.
    recall : list of dict
        Per kind and role, and over all functional kinds (kind ``"all"``): ``n`` sites; ``any`` and ``half``,
        the shares touched and at least half covered by kept positions (Interval), ``any_chance`` and
        ``half_chance``.
    ranking : list of dict
        Per cut (``"kept"``, then the top shares): ``positions``; for functional sites and, with the prefix
        ``intact_``, for all whole planted sites: ``recall``, ``precision`` (share of positions near a site)
        and ``enrichment`` (precision over chance) as Interval, ``recall_chance``, ``precision_chance``.
    kinds : list of dict
        Per cut and functional kind: ``n``, ``recall`` (Interval) and ``recall_chance``.
    average_precision : dict
        Of relevance as a detector of functional positions, mean over the ``n`` sequences that have any:
        ``value`` (Interval) and ``prevalence``, which is what chance gives.
    decoys : list of dict
        Per cut and kind that has decoys with a mutated core, and for the mean over those kinds (kind
        ``"all"``): ``functional``, ``decoy`` and their ``difference`` (Interval); a lower bound above zero
        means that the decoys are touched less often.
    """

    n_sequences: int
    n_sites: int
    near: int
    kept_share: float
    recall: list
    ranking: list
    kinds: list
    average_precision: dict
    decoys: list

    def to_dict(self) -> dict:
        """Give everything as plain dictionaries, lists and numbers."""
        return {name: _plain(value) for name, value in vars(self).items()}


def make_report(tally: SelectionTally, n_resamples=1000, seed=0, level=0.95) -> SelectionReport:
    """Turn a tally into a report.

    Parameters
    ----------
    tally : SelectionTally
        At least one sequence.
    n_resamples, seed, level
        Of the bootstrap over sequences.

    Returns
    -------
    SelectionReport

    Raises
    ------
    DatasetError
        No sequence was counted.
    """
    if not len(tally):
        raise DatasetError("No sequence to report on", mend="Choose a split that has records.")
    sites, sequences, tables = (
        tally.site_table(),
        tally.sequence_table(),
        _Tables(tally, n_resamples, seed, level),
    )
    return SelectionReport(
        n_sequences=len(tally),
        n_sites=len(sites["sequence"]),
        near=tally.near,
        kept_share=float(sequences["budget"][:, 0].sum() / sequences["length"].sum()),
        recall=tables.recall(),
        ranking=tables.ranking(),
        kinds=tables.kinds(),
        average_precision=tables.average_precision(),
        decoys=tables.decoys(),
    )


class _Tables:
    def __init__(self, tally, n_resamples, seed, level):
        self.sites, self.sequences = tally.site_table(), tally.sequence_table()
        self.n = len(tally)
        self.cuts = list(enumerate([KEPT, *(f"top {100 * share:g} %" for share in tally.shares)]))
        self.functional = np.isin(self.sites["role"], FUNCTIONAL_ROLES)
        self._bootstrap = {"n": n_resamples, "seed": seed, "level": level}

    def recall(self):
        pairs = sorted(set(zip(self.sites["role"], self.sites["kind"], strict=True)), key=_row_order)
        groups = {pair: self._of(*pair) for pair in pairs}
        if self.functional.any():
            groups["functional", "all"] = self.functional
        touched, half = self.sites["touched"][:, 0], self.sites["half"]
        found = self._rates([(mask, values) for mask in groups.values() for values in (touched, half)])
        return [
            {
                "role": role,
                "kind": kind,
                "n": int(mask.sum()),
                "any": any_touched,
                "any_chance": float(self.sites["touched_chance"][mask, 0].mean()),
                "half": half_covered,
                "half_chance": float(self.sites["half_chance"][mask].mean()),
            }
            for ((role, kind), mask), any_touched, half_covered in zip(
                groups.items(), found[::2], found[1::2], strict=True
            )
        ]

    def ranking(self):
        rows = []
        for cut, name in self.cuts:
            row = {"cut": name, "positions": int(self.sequences["budget"][:, cut].sum())}
            row |= self._found_by(cut, "near_functional", self.functional, "")
            row |= self._found_by(cut, "near_intact", np.isin(self.sites["role"], INTACT_ROLES), "intact_")
            rows.append(row)
        return rows

    def kinds(self):
        rows = []
        for cut, name in self.cuts:
            kinds = sorted(set(self.sites["kind"][self.functional]))
            masks = [self.functional & (self.sites["kind"] == kind) for kind in kinds]
            rates = self._rates([(mask, self.sites["touched"][:, cut]) for mask in masks])
            chance = self.sites["touched_chance"][:, cut]
            rows += [
                {
                    "cut": name,
                    "kind": kind,
                    "n": int(mask.sum()),
                    "recall": rate,
                    "recall_chance": float(chance[mask].mean()),
                }
                for kind, mask, rate in zip(kinds, masks, rates, strict=True)
            ]
        return rows

    def average_precision(self):
        detector = self.sequences["detector"]
        has = np.isfinite(detector[:, 0])
        columns = np.stack([np.where(has, detector[:, 0], 0.0), has], axis=1)
        value = sums_intervals(columns, _share_of_halves, **self._bootstrap)[0]
        prevalence = float(detector[has, 1].mean()) if has.any() else np.nan
        return {"value": value, "prevalence": prevalence, "n": int(has.sum())}

    def decoys(self):
        decoy = self.sites["role"] == "decoy_core"
        kinds = sorted(set(self.sites["kind"][decoy]) & set(self.sites["kind"][self.functional]))
        cuts = self.cuts if kinds else []
        return [row for cut, name in cuts for row in self._against_decoys(cut, name, kinds, decoy)]

    def _against_decoys(self, cut, name, kinds, decoy):
        same = {kind: self.sites["kind"] == kind for kind in kinds}
        masks = [self.functional & same[kind] for kind in kinds] + [decoy & same[kind] for kind in kinds]
        touched = self.sites["touched"][:, cut]
        columns = np.hstack([self._sums(masks, touched), self._sums(masks, np.ones(len(touched)))])
        found = sums_intervals(columns, _rates_and_difference, **self._bootstrap)
        n_rows = len(kinds) + 1  # each of the three statistics ends with its mean over kinds
        parts = [found[first : first + n_rows] for first in range(0, 3 * n_rows, n_rows)]
        counts = [[int(mask.sum()) for mask in half] for half in (masks[: len(kinds)], masks[len(kinds) :])]
        numbers = zip([*kinds, "all"], *([*count, sum(count)] for count in counts), *parts, strict=True)
        names = ("kind", "n_functional", "n_decoy", "functional", "decoy", "difference")
        return [{"cut": name, **dict(zip(names, row, strict=True))} for row in numbers]

    def _found_by(self, cut, near, mask, prefix):
        hits, expected = self.sequences[near][:, cut].T
        budget = self.sequences["budget"][:, cut]
        columns = np.stack([hits, hits, budget, expected], axis=1)
        precision, enrichment = sums_intervals(columns, _share_of_halves, **self._bootstrap)
        chance = self.sites["touched_chance"][mask, cut]
        row = {
            "recall": self._rates([(mask, self.sites["touched"][:, cut])])[0],
            "recall_chance": float(chance.mean()) if len(chance) else np.nan,
            "precision": precision,
            "precision_chance": float(expected.sum() / budget.sum()) if budget.sum() else np.nan,
            "enrichment": enrichment,
        }
        return {prefix + name: value for name, value in row.items()}

    def _of(self, role, kind):
        return (self.sites["role"] == role) & (self.sites["kind"] == kind)

    def _rates(self, groups):
        """Give the share of each group's sites for which a value is true, resampled over sequences."""
        if not groups:
            return []
        found = [self._sums([mask], values) for mask, values in groups]
        total = [self._sums([mask], np.ones(len(mask))) for mask, _ in groups]
        return sums_intervals(np.hstack(found + total), _share_of_halves, **self._bootstrap)

    def _sums(self, masks, values):
        """Sum a value over each group's sites in each sequence: (n, groups)."""
        where = self.sites["sequence"]
        sums = [np.bincount(where[mask], weights=values[mask], minlength=self.n) for mask in masks]
        return np.stack(sums, axis=1)


def _share_of_halves(sums):
    """Divide the first half of the columns by the second, nan where that is zero."""
    top, bottom = np.split(sums, 2, axis=-1)
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


def _rates_and_difference(sums):
    """Give [functional, decoy, difference] rates, each followed by its mean over kinds."""
    functional, decoy = np.split(_share_of_halves(sums), 2, axis=-1)
    parts = (functional, decoy, functional - decoy)
    return np.concatenate([x for part in parts for x in (part, part.mean(-1, keepdims=True))], axis=-1)


def _row_order(pair):
    role, kind = pair
    return (ROLE_ORDER.index(role) if role in ROLE_ORDER else len(ROLE_ORDER), role, kind)


def _plain(value):
    if isinstance(value, Interval):
        return value.to_dict()
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value

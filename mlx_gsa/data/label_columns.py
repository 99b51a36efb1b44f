"""Which columns of a table hold labels, replicates, spreads and weights, and what a row says in them."""

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from mlx_gsa.data.labels import MISSING, Labels, Rejected, check_values, shown
from mlx_gsa.data.measurements import Measured
from mlx_gsa.errors import TableError

Duplicates = Literal["keep", "first", "mean"]


@dataclass(frozen=True)
class LabelPlan:
    """What is read as label, and how.

    Attributes
    ----------
    task : str
        ``regression``, ``binary`` or ``multiclass``.
    columns : tuple of str
        Label columns, one output each.
    replicates : tuple of str
        Columns whose mean is the label, instead of `columns`.
    spread : tuple of str
        Columns of standard deviations, one per label column.
    weight : str or None
        Column of weights.
    duplicates : str
        What becomes of rows with the sequence of an earlier row: ``keep``, ``first`` (they are left out) or ``mean``
        (their measurements join those of the first).
    positives, negatives, log2, pseudocount
        As in `Labels`, for every label column.
    """

    task: str
    columns: tuple[str, ...] = ("label",)
    replicates: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()
    weight: str | None = None
    duplicates: Duplicates = "keep"
    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    log2: bool = False
    pseudocount: float = 0.0

    def __post_init__(self):
        named = [*(self.replicates or self.columns), *self.spread, *([self.weight] if self.weight else [])]
        twice = [name for name, count in Counter(named).items() if count > 1]
        if twice:
            raise TableError("a column is named twice", found=", ".join(twice), mend="Name each column once.")
        if self.task != "regression":
            self._check_classes()
        if len(self.replicates) == 1:
            raise TableError(
                "one replicate has no spread",
                expected="at least two replicate columns",
                found=self.replicates[0],
                mend="Name it as the label column instead.",
            )
        if self.replicates and self.spread:
            raise TableError("replicates have a spread of their own", mend="Give replicates or a spread, not both.")
        if self.weight and (self.spread or self.replicates):
            raise TableError("weights are stated twice", mend="Give a weight column, or a spread or replicates.")
        if self.spread and len(self.spread) != len(self.columns):
            raise TableError(
                "spreads do not fit the labels",
                expected=f"one spread column for each of {', '.join(self.columns)}",
                found=", ".join(self.spread),
            )

    def _check_classes(self):
        """Raise if something is asked for that only a regression has."""
        asked = {
            "replicates need": self.replicates,
            "a spread needs": self.spread,
            "averaging copies needs": self.duplicates == "mean",
        }
        for what in [what for what, given in asked.items() if given]:
            raise TableError(f"{what} a regression task", found=f"task {self.task}")
        if self.task == "multiclass" and len(self.columns) > 1:
            raise TableError(
                "several labels need a regression or binary task",
                found=f"{', '.join(self.columns)}, task {self.task}",
            )

    @property
    def outputs(self):
        """Return the names of the labels where there are several, else None."""
        return list(self.columns) if len(self.columns) > 1 and not self.replicates else None


@dataclass
class _Numbers:
    """A column of numbers that are not negative."""

    at: int
    what: str
    where: str
    seen: Counter = field(default_factory=Counter)
    found: int = 0
    largest: float = 0.0

    def read(self, row, line):
        """Return the number in a row, NaN where it is missing."""
        text = row[self.at].strip()
        if text.lower() in MISSING:
            return math.nan
        try:
            value = float(text)
        except ValueError:
            self.seen[text] += 1
            raise Rejected(f"{self.what} is not a number") from None
        if value < 0:
            raise TableError(
                f"a {self.what} is negative", where=f"{self.where}, line {line}", expected="0 or more", found=text
            )
        if not math.isfinite(value):
            raise Rejected(f"{self.what} is not a finite number")
        self.found, self.largest = self.found + 1, max(self.largest, value)
        return value

    def finish(self):
        """Raise if the column holds no number at all, or only zeros."""
        if not self.found:
            found = shown(self.seen)
            raise TableError(f"the {self.what}s are not numbers", where=self.where, found=found)
        if not self.largest and self.what == "weight":
            raise TableError("all weights are 0", where=self.where, mend="Choose another column.")


class LabelReader:
    """Reads what each row says in the columns of a `LabelPlan`.

    Parameters
    ----------
    plan : LabelPlan
    table : TableFile
    normalised : Counter
        Gains the number of labels that a kept record lacks.
    """

    def __init__(self, plan, table, normalised):
        self.plan, self.table, self.normalised = plan, table, normalised
        self.names = plan.replicates or plan.columns
        what = "replicates" if plan.replicates else "labels"
        self.at = [table.column(name, what) for name in self.names]
        choices = (plan.task, plan.positives, plan.negatives, plan.log2, plan.pseudocount)
        self.labels = [Labels(*choices) for _ in self.names]
        self.measured = Counter()
        self.spread = [self._numbers(name, "spread") for name in plan.spread]
        self.weight = self._numbers(plan.weight, "weight") if plan.weight else None

    def _numbers(self, name, what):
        return _Numbers(self.table.column(name, f"{what}s"), what, f"{self.table.name}, column {name}")

    def read(self, row, line):
        """Return what a row says, as `Measured`; raise `Rejected` with the reason if that is nothing."""
        weight = None if self.weight is None else self.weight.read(row, line)
        if weight is not None and math.isnan(weight):
            raise Rejected("missing weight")
        values = [self._replicates(row)] if self.plan.replicates else self._labels(row)
        spreads = self._spreads(row, line, values) if self.spread else None
        return Measured(values, spreads, weight)

    def _replicates(self, row):
        """Return the values of all replicates that were measured."""
        values = []
        for name, at, labels in zip(self.names, self.at, self.labels, strict=True):
            try:
                values.append(labels.read(row[at]))
                self.measured[name] += 1
            except Rejected as reason:
                if str(reason) != "missing label":
                    raise Rejected(str(reason).replace("label", "a replicate")) from None
        if not values:
            raise Rejected("missing label")
        return values

    def _labels(self, row):
        """Return one value for each label column, or none; one of them must be there."""
        values, reasons = [], {}
        for name, at, labels in zip(self.names, self.at, self.labels, strict=True):
            try:
                values.append([labels.read(row[at])])
                self.measured[name] += 1
            except Rejected as reason:
                values.append([])
                reasons[name] = str(reason)
        if len(reasons) == len(values):
            raise Rejected(next(iter(reasons.values())))
        for name, reason in reasons.items():
            self.normalised[f"{name}: {reason}; kept for the other labels"] += 1
        return values

    def _spreads(self, row, line, values):
        """Return the stated spread of each label, on the scale of the label."""
        found = [column.read(row, line) for column in self.spread]
        unknown = sum(math.isnan(one) for one in found)
        if unknown:
            self.normalised["spread missing: taken as typical"] += unknown
        if not self.plan.log2:
            return found
        # first order: d log2(x + p) = dx / ((x + p) ln 2), and x + p is two to the power of the label
        return [one / (2 ** of[0] * math.log(2)) if of else one for one, of in zip(found, values, strict=True)]

    def all_labels(self):
        """Return one `Labels` that has seen the values of every column, for the names of classes."""
        if len(self.labels) == 1:
            return self.labels[0]
        seen = sum((labels.seen for labels in self.labels), Counter())
        return replace(self.labels[0], seen=seen)

    def finish(self, n_kept):
        """Check, after the last row, that the columns held what was asked for.

        Parameters
        ----------
        n_kept : int
            Records taken.

        Raises
        ------
        TableError
            A column holds no number, a class that was asked for never came, and the like.
        """
        several = len(self.names) > 1
        seen = sum((labels.seen for labels in self.labels), Counter())
        check_values(self.plan.positives + self.plan.negatives, seen, f"{self.table.name}, column {self.names[0]}")
        for name, labels in zip(self.names, self.labels, strict=True):
            where = f"{self.table.name}, column {name}"
            if self.plan.task == "regression":
                self._check_numbers(name, labels, where, n_kept, several)
            else:
                labels.check_classes(where)
        for column in [*self.spread, *([self.weight] if self.weight else [])]:
            if n_kept or column.seen:
                column.finish()

    def _check_numbers(self, name, labels, where, n_kept, several):
        """Raise if a column of values has none."""
        if self.measured[name] or not (labels.seen or (several and n_kept)):
            return
        what = "replicates are not numbers" if self.plan.replicates else "labels are not numbers"
        mend = "Choose another column, or a binary or multiclass task."
        raise TableError(what, where=where, found=shown(labels.seen), mend=mend)

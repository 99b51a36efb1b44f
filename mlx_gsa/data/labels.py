"""From the text in a label column to numbers: values, yes and no, or classes."""

import difflib
import math
from collections import Counter
from dataclasses import dataclass, field

from mlx_gsa.errors import TableError

MISSING = {"", "na", "nan", "n/a", "none", "null", ".", "-", "?"}
MISSING_CLASS = {"", "NA", "NaN", "nan", "N/A", ".", "?"}  # "na" or "none" may well be the name of a class
YES = {"1", "1.0", "true", "yes", "y", "positive", "pos"}
NO = {"0", "0.0", "false", "no", "n", "negative", "neg", "-1"}
MAX_CLASSES = 100


class Rejected(Exception):
    """A label that cannot be used; its text is the reason that is counted."""


@dataclass
class Labels:
    """Reads the labels of a column and, at the end, knows the classes.

    Attributes
    ----------
    task : str
        ``regression``, ``binary`` or ``multiclass``.
    positives, negatives : tuple of str
        Values that mean 1 and 0 (binary). With only one of them given, every other value means the
        opposite; with both, other values are left out; with neither, usual words such as 1 and 0,
        true and false, yes and no.
    log2 : bool
        Take ``log2(value + pseudocount)`` (regression).
    pseudocount : float
        In units of the label.
    seen : Counter
        The values met, for messages.
    """

    task: str
    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    log2: bool = False
    pseudocount: float = 0.0
    seen: Counter = field(default_factory=Counter)

    def __post_init__(self):
        both = set(self.positives) & set(self.negatives)
        if both:
            raise TableError("a value is both positive and negative", found=", ".join(sorted(both)))
        if self.task != "binary" and (self.positives or self.negatives):
            raise TableError("positive and negative values need a binary task", found=f"task {self.task}")
        if self.task != "regression" and self.log2:
            raise TableError("a logarithm needs a regression task", found=f"task {self.task}")

    def read(self, text):
        """Read one label.

        Parameters
        ----------
        text : str

        Returns
        -------
        float or str
            A value; 1.0 or 0.0; or the name of a class, which `number` turns into a number.

        Raises
        ------
        Rejected
            The label is missing or cannot be used.
        """
        text = text.strip()
        if self.task == "regression":
            return self._value(text)
        if text in MISSING_CLASS and text not in self.positives + self.negatives:
            raise Rejected("missing label")
        self.seen[text] += 1
        return self._yes_or_no(text) if self.task == "binary" else text

    def _value(self, text):
        """Read a number, on the scale asked for."""
        if text.lower() in MISSING:
            raise Rejected("missing label")
        try:
            value = float(text)
        except ValueError:
            self.seen[text] += 1
            raise Rejected("label is not a number") from None
        if self.log2:
            if value + self.pseudocount <= 0:
                raise Rejected("label is not positive, so it has no logarithm")
            value = math.log2(value + self.pseudocount)
        if not math.isfinite(value) or abs(value) > 3e38:  # the largest float32
            raise Rejected("label is not a finite number")
        return value

    def _yes_or_no(self, text):
        """Read a label of two classes."""
        if self.positives or self.negatives:
            if text in self.positives or (not self.positives and text not in self.negatives):
                return 1.0
            if text in self.negatives or not self.negatives:
                return 0.0
            raise Rejected("label is neither positive nor negative")
        if text.lower() in YES | NO:
            return float(text.lower() in YES)
        raise Rejected("label is not yes or no")

    def finish(self, where):
        """Check, after the last row, that the values asked for were there and that the classes make sense.

        Parameters
        ----------
        where : str
            File and column, for messages.

        Raises
        ------
        TableError
            A value asked for never came, no value was understood, or there are too few or too many classes.
        """
        check_values(self.positives + self.negatives, self.seen, where)
        self.check_classes(where)

    def check_classes(self, where):
        """Check that the values met are classes; `where` and Raises as for `finish`."""
        if self.task == "binary":
            values = {self._try(text) for text in self.seen}
            mapped = self.positives or self.negatives
            if len(values - {None}) < 2 or (None in values and not mapped):
                raise TableError(
                    "labels are not of two classes",
                    where=where,
                    found=shown(self.seen),
                    expected="both positives and negatives",
                    mend="Say which values are positive and which negative, or choose another task.",
                )
        elif self.task == "multiclass" and not 2 <= len(self.seen) <= MAX_CLASSES:
            raise TableError(
                "labels are not classes",
                where=where,
                expected=f"2 to {MAX_CLASSES} different values",
                found=f"{len(self.seen):,}: {shown(self.seen)}",
                mend="Choose another column, or a regression task.",
            )

    def _try(self, text):
        """Read a label of two classes; None if it cannot be used."""
        try:
            return self._yes_or_no(text)
        except Rejected:
            return None

    @property
    def classes(self):
        """Return the class names in the order of their numbers; None for a regression."""
        if self.task == "regression":
            return None
        if self.task == "multiclass":
            return sorted(self.seen, key=_natural)
        return [
            self._name_of(0.0, self.negatives, "negative"),
            self._name_of(1.0, self.positives, "positive"),
        ]

    def _name_of(self, number, asked_for, otherwise):
        """Name one of two classes after its values, if they are few."""
        values = asked_for or sorted(text for text in self.seen if self._try(text) == number)
        return "+".join(values) if len(values) <= 3 else otherwise

    def number(self, label):
        """Turn what `read` returned into the number of the label column."""
        return label if isinstance(label, float) else float(self._numbers()[label])

    def _numbers(self):
        """Return class name -> number; kept, as it is asked for every record."""
        if not hasattr(self, "_number_of"):
            self._number_of = {name: i for i, name in enumerate(self.classes)}
        return self._number_of


def check_values(asked, seen, where):
    """Raise if a value that was asked for never came.

    Parameters
    ----------
    asked : iterable of str
    seen : Counter
    where : str
        For the message.

    Raises
    ------
    TableError
        It lists the values that did come.
    """
    for value in asked:
        if value not in seen:
            raise TableError(
                "a label value does not occur",
                where=where,
                found=f"none is {value!r}",
                expected=f"one of {shown(seen)}",
                mend=nearest(value, seen),
            )


def shown(values, limit=8):
    """List the most frequent values for a message."""
    names = [repr(v) for v, _ in values.most_common(limit)]
    return ", ".join(names) + (", ..." if len(values) > limit else "") if names else "no value"


def nearest(name, known):
    """Suggest the known name nearest to a wrong one, or return None."""
    near = difflib.get_close_matches(name.lower(), {str(k).lower(): k for k in known}, n=1, cutoff=0.5)
    match = {str(k).lower(): k for k in known}.get(near[0]) if near else None
    return f"Did you mean {match!r}?" if match is not None else None


def _natural(text):
    """Sort key: numbers by value before words by letter."""
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)

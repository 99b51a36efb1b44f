"""How records come to their split and fold: what the user asked for, checked."""

from dataclasses import dataclass
from typing import Literal

from mlx_gsa.data.splits import FRACTIONS
from mlx_gsa.errors import SplitError

SplitBy = Literal["auto", "chromosome", "group", "similarity", "random"]
MIN_FOLDS = 2


@dataclass(frozen=True)
class SplitPlan:
    """How records come to their split.

    Attributes
    ----------
    by : str
        What goes to one split as a whole: ``chromosome``, ``group``, clusters of ``similarity``, or single records
        at ``random``. ``auto`` takes groups where stated, else chromosomes where every record has one and there are
        enough, else similarity. Stated splits go before all of these.
    fractions : tuple of 3 floats
        Shares of train, val and test.
    seed : int
    folds : int
        Number of folds for cross-validation, made by the same rule, as the column ``fold``; 0: none.
    val_chroms, test_chroms : tuple of str
        Chromosomes of the two splits, in place of a balanced choice; the others train.
    threshold : float, optional
        Similarity (0-1, see `mlx_gsa.data.similarity`) from which two records belong together; None: what shuffled
        sequences reach by chance with a small rate.
    crossing : str
        What becomes of records similar to one of another split or fold: ``keep`` them, or ``drop`` a few, counted, so
        that none is left.

    Raises
    ------
    SplitError
        One fold only, a chromosome in both splits, given chromosomes in a split by something else, or a threshold
        outside 0-1.
    """

    by: SplitBy = "auto"
    fractions: tuple[float, float, float] = FRACTIONS
    seed: int = 0
    folds: int = 0
    val_chroms: tuple[str, ...] = ()
    test_chroms: tuple[str, ...] = ()
    threshold: float | None = None
    crossing: Literal["keep", "drop"] = "keep"

    def __post_init__(self):
        if self.folds and self.folds < MIN_FOLDS:
            raise SplitError("too few folds", expected=f"at least {MIN_FOLDS}, or 0 for none", found=str(self.folds))
        both = sorted(set(self.val_chroms) & set(self.test_chroms))
        if both:
            raise SplitError("a chromosome is given for two splits", found=", ".join(both), mend="Give it for one.")
        if self.chroms and self.by not in ("auto", "chromosome"):
            raise SplitError(
                f"chromosomes are given, but the split is by {self.by}",
                found=", ".join(self.chroms),
                mend="Leave them out, or split by chromosome.",
            )
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise SplitError("bad similarity threshold", expected="above 0, at most 1", found=str(self.threshold))

    @property
    def chroms(self):
        """Return the chromosomes given for validation and test."""
        return (*self.val_chroms, *self.test_chroms)

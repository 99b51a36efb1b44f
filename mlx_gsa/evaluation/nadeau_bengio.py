"""The corrected t-test over folds: a difference between models, knowing that folds share training records."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.errors import GsaError


class CorrectedT(NamedTuple):
    """The mean difference over folds and its corrected test.

    Attributes
    ----------
    mean, low, high : float
        Mean difference and its interval.
    t, df, p : float
        Student's t, degrees of freedom, two-sided p; nan where the folds do not differ among themselves.
    folds : int
    """

    mean: float
    low: float
    high: float
    t: float
    df: int
    p: float
    folds: int

    def to_dict(self) -> dict[str, float]:
        """Give the numbers by name."""
        return self._asdict()


def corrected_t_test(differences, n_train, n_test, level=0.95) -> CorrectedT:
    """Test a mean difference over folds with the variance that shared training records call for.

    The plain t-test divides the variance between folds by their number J, as if they were independent. Folds train on
    nearly the same records, so their results agree more than new training sets would; here the variance is multiplied
    by 1/J + n_test/n_train instead.

    Parameters
    ----------
    differences : array_like, shape (J,) or (J, seeds)
        First model less second in each fold. Several seeds of a fold are averaged: they share all their records, and
        counting them as folds would be too sure.
    n_train, n_test : float or array_like, shape (J,)
        Records of each fold; their means enter.
    level : float

    Returns
    -------
    CorrectedT
        Covers, roughly, the choice of training and of test records for models of this size of training set. No unbiased
        estimate of the variance of a cross-validation exists (Bengio & Grandvalet 2004), so it is a rule of thumb that
        errs on the careful side; it says nothing of other sources of data.

    Raises
    ------
    GsaError
        Fewer than two folds, a difference that is not a number, or no training records.

    Source: Nadeau & Bengio 2003, Machine Learning 52, 239-281, the corrected resampled t-test; Bouckaert & Frank 2004
    use it for cross-validation.
    """
    from scipy.special import stdtr, stdtrit

    per_fold = np.asarray(differences, float)
    per_fold = per_fold.mean(axis=1) if per_fold.ndim == 2 else per_fold
    n = len(per_fold)
    if n < 2 or not np.isfinite(per_fold).all():
        raise GsaError("The corrected t-test needs a difference in each of two folds or more", found=f"{per_fold}")
    trained, tested = float(np.mean(n_train)), float(np.mean(n_test))
    if trained <= 0 or tested <= 0:
        raise GsaError("A fold has no records", found=f"{trained:g} for training, {tested:g} for testing")
    mean = float(per_fold.mean())
    error = float(np.sqrt((1 / n + tested / trained) * per_fold.var(ddof=1)))
    t = mean / error if error > 0 else np.nan
    reach = float(stdtrit(n - 1, (1 + level) / 2)) * error
    return CorrectedT(mean, mean - reach, mean + reach, t, n - 1, float(2 * stdtr(n - 1, -abs(t))), n)

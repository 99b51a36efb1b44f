"""How a cost grows with length: the exponent of a power law."""

import numpy as np
from scipy.stats import linregress, t

LEVEL = 0.95


def exponent(lengths, values, level=LEVEL):
    """Fit b of value = a length^b, by least squares on logarithms.

    Parameters
    ----------
    lengths, values : sequence of float
        At least three, positive.
    level : float
        Of the interval, from Student's t on n - 2 degrees of freedom.

    Returns
    -------
    dict
        ``value``, ``low``, ``high``. 1 is linear growth, 2 quadratic.
    """
    fit = linregress(np.log(lengths), np.log(values))
    half = float(t.ppf((1 + level) / 2, len(lengths) - 2) * fit.stderr)
    return {"value": float(fit.slope), "low": float(fit.slope) - half, "high": float(fit.slope) + half}

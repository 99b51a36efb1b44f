"""Random weights: what a model finds relevant must be learned, and not a trait of its build.

Source: the model parameter randomisation test of Adebayo et al. 2018 (Sanity checks for saliency maps).
"""

import numpy as np
from scipy.stats import spearmanr

from mlx_gsa.audit.outcome import FAIL, LEVEL, NOT_TESTED, PASS, Check, between, units
from mlx_gsa.audit.rankings import unselective
from mlx_gsa.evaluation.bootstrap import Interval, percentile_interval, resampling_weights
from mlx_gsa.motifs.untrained import untrained_selectors

QUESTION = "Does relevance differ from that of the same model with random weights?"
LITTLE = 0.3
"""Rank correlations below 0.3 are called negligible: Hinkle, Wiersma & Jurs 2003."""
RECORDS, MODELS = 200, 5


def random_weights(predictor, dataset, *, seed=0, bootstrap=1000) -> Check:
    """Correlate relevance with that of untrained models, position by position.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    seed, bootstrap : int

    Returns
    -------
    Check
        Fails if the mean rank correlation is, with its whole interval, not below 0.3.
    """
    if reason := unselective(predictor):
        return Check("random weights", QUESTION, NOT_TESTED, reason)
    rng = np.random.default_rng([seed, 5])
    rows = np.sort(rng.permutation(dataset.indices("test"))[:RECORDS])
    sequences = [dataset.sequence(int(i)) for i in rows]
    trained = [one.relevance for one in predictor.predict(sequences, 64)]
    values = np.zeros((len(rows), MODELS))
    for number, model in enumerate(untrained_selectors(predictor, MODELS, seed)):
        for record, (mine, other) in enumerate(zip(trained, model.predict(sequences), strict=True)):
            values[record, number] = _correlation(mine, other.relevance)
    each = values.mean(axis=1)
    drawn = [w @ each / w.sum(1) for w in resampling_weights(len(each), bootstrap, seed, units(dataset, rows))]
    found = percentile_interval(float(each.mean()), drawn, LEVEL)
    why = f"Rank correlation of relevance with that of {MODELS} untrained models {between(found)}, limit {LITTLE:g}."
    numbers = {"correlation": found, "by_model": values.mean(axis=0), "limit": LITTLE, "records": len(rows)}
    return Check("random weights", QUESTION, PASS if _below(found) else FAIL, why, numbers)


def _below(found: Interval) -> bool:
    return abs(found.value) < LITTLE and max(abs(found.low), abs(found.high)) < LITTLE


def _correlation(first, second):
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first, second).statistic)

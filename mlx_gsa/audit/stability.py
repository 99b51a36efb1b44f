"""Stability: is the same chosen when the sequence is turned or shifted, or the training repeated?

Looked at are the positions kept by choice. Where few filters bind, most of a budget goes to positions that all have the
same relevance, and which of those are kept is a matter of their number and not of the model; they are left out here,
and their share is stated.
"""

import numpy as np

from mlx_gsa.audit.agreement import Pair, agreement
from mlx_gsa.audit.outcome import FAIL, LEVEL, NOT_TESTED, PASS, Check, between, units
from mlx_gsa.audit.rankings import reading_window, unselective
from mlx_gsa.dna.alphabet import reverse_complement

QUESTION = "Is the same chosen on the other strand, after a shift, and by models trained anew?"
STABLE = 0.4
"""Agreement beyond chance below 0.4 is poor, above 0.75 excellent: Nogueira et al. 2018, after Fleiss et al. 2004."""
SHIFTS = (1, 5, 10, 20)  # bp
RECORDS = 300


def stability(
    predictor, dataset, others=None, *, sites=None, planted=True, seed=0, records=RECORDS, bootstrap=1000, progress=None
) -> Check:
    """Compare what a model chooses with what it chooses in altered sequences, and with what other models choose.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    others : dict of str to Predictor, optional
        The same variant with other seeds, or trained on other folds: those have seen some of these records.
    sites : callable, optional
        ``sites(row) -> (start, end, key)`` of the motif sites of a record; without it agreement is by position alone.
    planted : bool
        Whether these are known sites. Hits of a motif scan are mostly sites of nothing: their agreement is reported,
        and no verdict hangs on it.
    seed : int
    records : int
        At most so many test records.
    bootstrap : int
    progress : callable, optional
        ``progress(done, total, note)``.

    Returns
    -------
    Check
        The other strand and shifts are judged by position, as the same filters look; other models by the sites they
        touch, where they are known, else by positions within 5 bp, as their filters sit elsewhere in the same window.
    """
    if reason := unselective(predictor):
        return Check("stability", QUESTION, NOT_TESTED, reason)
    others = others or {}
    rng = np.random.default_rng([seed, 4])
    rows = np.sort(rng.permutation(dataset.indices("test"))[:records])
    sequences = [np.array(dataset.sequence(int(row))) for row in rows]
    known = [sites(int(row)) for row in rows] if sites else [None] * len(rows)
    first, chosen_share = _chosen(predictor, sequences)
    found, names = {}, _names(predictor.config, others)
    for number, name in enumerate(names):
        pairs = _pairs(name, predictor, others, sequences, first, known)
        found[name] = agreement(pairs, seed, bootstrap, units(dataset, rows), LEVEL)
        if progress:
            progress(number + 1, len(names), name)
    numbers = {"agreement": found, "kept_by_choice": chosen_share, "records": len(rows), "stable": STABLE}
    numbers["judged_by"] = {name: _judged_by(name, found[name], others, planted) for name in names}
    return Check("stability", QUESTION, *_judged(numbers, predictor.config, others), numbers)


def _names(config, others):
    turned = ["reverse complement"] if config.strands == "both" and config.anchor == "none" else []
    return [*turned, *(f"shift {shift} bp" for shift in SHIFTS), *others]


def _pairs(name, predictor, others, sequences, first, sites):
    """Return what was chosen before and after, for every sequence, in the coordinates of the sequence as it is."""
    if name in others:
        second, low = _chosen(others[name], sequences)[0], 0
    elif name == "reverse complement":
        turned, _ = _chosen(predictor, [reverse_complement(s) for s in sequences])
        left, right = reading_window(predictor.config)
        # the window of position i reaches `left` bp back; turned, those are in front
        second = [_turned(mask, right - left) for mask in turned]
        low = 0
    else:
        low = int(name.split()[1])
        from_start = predictor.config.anchor != "start"
        shifted, _ = _chosen(predictor, [s[low:] if from_start else s[:-low] for s in sequences])
        second, low = shifted, low if from_start else 0
    pairs = []
    for one, other, where in zip(first, second, sites, strict=True):
        places = None if where is None else (where[0] - low, where[1] - low, where[2])
        pairs.append(Pair(one[low : low + len(other)], other, places))
    return pairs


def _turned(mask, excess):
    """Turn a mask round; position j of the turned sequence reads the window of position L - 1 - j - excess."""
    turned = np.zeros_like(mask)
    turned[: len(mask) - excess] = mask[::-1][excess:]
    return turned


def _chosen(predictor, sequences):
    """Return for every sequence a mask of the positions kept by choice, and their share of those kept."""
    masks, n_kept = [], 0
    for found in predictor.predict(sequences, 64):
        masks.append(by_choice(found.relevance, found.kept))
        n_kept += len(found.kept)
    return masks, float(sum(mask.sum() for mask in masks) / n_kept)


def by_choice(relevance, kept) -> np.ndarray:
    """Mark the kept positions, bool (L,), but for those of a relevance that positions not kept have, too."""
    mask = np.zeros(len(relevance), bool)
    mask[kept] = True
    if mask.all():
        return mask
    return mask & (relevance > relevance[~mask].max())


def _judged_by(name, found, others, planted):
    if name not in others:
        return "overlap_corrected"
    return "motifs_corrected" if planted and "motifs_corrected" in found else "near_corrected"


def _not_judged(numbers, others):
    """Say how far other models touch the same hits of a motif scan, where these are known and do not decide."""
    found = [
        numbers["agreement"][name]["motifs_corrected"]
        for name in others
        if numbers["judged_by"][name] != "motifs_corrected" and "motifs_corrected" in numbers["agreement"][name]
    ]
    if not found:
        return ""
    values = [one.value for one in found]
    poor = sum(value < STABLE for value in values)
    span = f"{min(values):.2f} to {max(values):.2f}, {poor} of {len(found)} below {STABLE:g}"
    return f" Not judged, as most hits of a scan are no sites: other models touch the same hits {span}."


def _judged(numbers, config, others):
    """Return verdict and reason."""
    values = {name: numbers["agreement"][name].get(by) for name, by in numbers["judged_by"].items()}
    if not any(values.values()):
        return NOT_TESTED, "Nothing is kept by choice: all positions have the same relevance."
    lines = [f"{name} {between(value, '{:.2f}')}" for name, value in values.items() if value]
    why = f"Agreement beyond chance: {', '.join(lines)}. "
    why += f"{numbers['kept_by_choice']:.0%} of the budget is kept by choice."
    why += _not_judged(numbers, others)
    if config.strands != "both" or config.anchor != "none":
        why += " The other strand is not asked: the model reads one strand, or counts from an end."
    if not others:
        why += " There is no other run to compare with."
    stable = all(value is not None and value.value >= STABLE and value.low > 0 for value in values.values())
    return (PASS if stable else FAIL), why

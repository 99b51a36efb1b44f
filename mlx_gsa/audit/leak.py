"""Label leak: does a fresh predictor, shown only the kept positions, find there what the model says it found?

A selector reads the whole sequence. It could tell the label through *which* positions it keeps, and what follows would
only have to read the places. A predictor trained on masks that say nothing of the label cannot read places, so if it
predicts as well from the selection as from everything, the letters there carry the label.

What a kept position shows is what the model itself reads there: its filters' responses, each from a window of the
filter's width, and the context, if the model has one. It is those that are hidden, and not letters: windows of 20 bp
around a tenth of the positions, scattered, already hold nearly all letters (the numbers say how many), so that hiding
the other letters would hide nothing; hiding single letters would break every motif.

Source: EVAL-X of Jethani et al. 2021 (AISTATS), with two changes: masks are also borrowed from other records, and
performance is the share of variance explained, which small differences between two encodings cannot raise.
"""

from typing import NamedTuple

import numpy as np

from mlx_gsa.audit.explained import Yardstick, straightened
from mlx_gsa.audit.masks import MaskSource, marked, scattered, window_share
from mlx_gsa.audit.outcome import FAIL, LEVEL, NOT_TESTED, PASS, Check, between, units
from mlx_gsa.audit.places import explained_by_places
from mlx_gsa.audit.rankings import reading_window, unselective
from mlx_gsa.audit.revealed import BASES, affordable, train_judge
from mlx_gsa.evaluation.bootstrap import sums_intervals

QUESTION = "Do the letters at the kept positions carry the prediction, or does the choice of positions give it away?"
CARRIED = 0.5
"""Least share that must be carried by letters: with half or less, most of what the model gains is unaccounted for."""
ABLE = 0.5
"""A judge that, shown everything, explains less than this share of what the model explains, cannot judge it."""
ROOM = 0.1
"""Where random positions leave less than this share of the gain, there is nothing a selection could smuggle."""
DRAWS = 2
SAMPLE = {"train": 1_000_000, "val": 1_000_000, "test": 4_000_000}
"""At most so many bp of each split are read: what lends its masks, what levels are put right on, what is judged."""
_SHOWN = ("selection", "random", "borrowed", "everything")


class _Shown(NamedTuple):
    """Sequences of some records, what the model predicts of them, and the positions it keeps."""

    rows: np.ndarray
    sequences: list
    predictions: np.ndarray
    kept: list


def label_leak(predictor, dataset, config, *, seed=0, bases=BASES, bootstrap=1000, judge=None, progress=None) -> Check:
    """Judge the selection of a model by what a fresh predictor makes of it.

    Parameters
    ----------
    predictor : Predictor
        The model; anything with its ``predict``, ``config`` and ``model``.
    dataset : Dataset
        With training, validation and test records.
    config : RunConfig
        What the fresh predictor is built and trained by.
    seed : int
    bases : int
        bp the fresh predictor is trained on.
    bootstrap : int
        Resamples of test records.
    judge : callable, optional
        ``judge(masks) -> Judge``, instead of training one here (the audit keeps them on disk).
    progress : callable, optional
        ``progress(done, total, note)``.

    Returns
    -------
    Check
        Fails if the share carried by letters is, with its whole interval, below a half; passes if it is above. Not
        tested where random positions tell the judge as much as all do (many models with context): there it cannot
        tell a selection from any other, and a leak would not be seen either.
    """
    if reason := unselective(predictor):
        return Check("label leak", QUESTION, NOT_TESTED, reason)
    rng = np.random.default_rng([seed, 1])
    parts = (affordable(dataset, dataset.indices(split), most, [seed, 1]) for split, most in SAMPLE.items())
    train, val, test = (_read(predictor, dataset, rows) for rows in parts)
    masks = MaskSource(predictor.config.sparsity, dataset.lengths[train.rows], train.kept)
    settings = config.model_copy(update={"training": config.training.model_copy(update={"seed": seed})})
    made = judge(masks) if judge else train_judge(settings, dataset, masks, bases, progress)
    yardstick = Yardstick(dataset, train.predictions.shape[1])
    errors, shares = _errors(made, yardstick, (val, test), masks, sum(reading_window(predictor.config)) + 1, rng)
    found = sums_intervals(errors, _statistics, bootstrap, seed, units(dataset, test.rows), LEVEL)
    numbers = dict(zip(("model", *_SHOWN, "room", "carried", "carried_of_all"), found, strict=True))
    numbers |= {
        "places_alone": explained_by_places(dataset, yardstick, (train.rows, train.kept), (test.rows, test.kept)),
        "bases_in_windows": shares, "least_carried": CARRIED, "records": len(test.rows),
        "context": list(predictor.config.context),
    }  # fmt: skip
    verdict, why = _judged(numbers)
    return Check("label leak", QUESTION, verdict, why + _context_note(predictor.config), numbers)


def _read(predictor, dataset, rows):
    sequences = [dataset.sequence(int(i)) for i in rows]
    found = list(predictor.predict(sequences, 64))
    predictions = np.array([one.prediction for one in found], np.float64).reshape(len(rows), -1)
    if dataset.outputs:
        predictions = predictions[:, [predictor.outputs.index(name) for name in dataset.outputs]]
    return _Shown(rows, sequences, predictions, [one.kept for one in found])


def _errors(judge, yardstick, parts, masks, width, rng):
    """Return errors of every record under the model, the four ways of showing, and chance, (n, 6); and bases shown.

    Levels are put right on the validation records: a judge expects of what it is not shown what is there on average,
    and a selection leaves out what matters less. It is not allowed to enlarge differences.
    """
    val, test = parts
    line = straightened(val.predictions, yardstick.targets(val.rows))
    columns, shares = [yardstick.errors(test.rows, line(test.predictions))], {}
    for way in _SHOWN:
        drawn = []
        for _ in range(DRAWS if way in ("random", "borrowed") else 1):
            seen = [_masks(way, part, masks, rng) for part in parts]
            known, found = (judge.predict(part.sequences, shown) for part, shown in zip(parts, seen, strict=True))
            line = straightened(known, yardstick.targets(val.rows), steepest=1.0)
            drawn.append(yardstick.errors(test.rows, line(found)))
            shares[way] = float(np.mean([window_share(mask, width) for mask in seen[1]]))
        columns.append(np.mean(drawn, axis=0))
    return np.stack([*columns, yardstick.chance(test.rows)], axis=1), shares


def _masks(way, shown, masks, rng):
    """Return what is shown of each sequence."""
    lengths = [len(s) for s in shown.sequences]
    if way == "everything":
        return [np.ones(length, bool) for length in lengths]
    if way == "borrowed":
        return [masks.borrow(length, rng) for length in lengths]
    if way == "random":
        return [scattered(n, len(kept), rng) for n, kept in zip(lengths, shown.kept, strict=True)]
    return [marked(n, kept) for n, kept in zip(lengths, shown.kept, strict=True)]


def _statistics(sums):
    """Turn summed errors (..., 6) into shares explained, room between random and all, shares carried (..., 8)."""
    explained = 1 - sums[..., :5] / sums[..., 5:]
    model, selection, random, _, everything = np.moveaxis(explained, -1, 0)
    reference = np.minimum(model, everything)
    with np.errstate(invalid="ignore", divide="ignore"):
        beyond, of_all = (selection - random) / (reference - random), selection / reference
    carried = np.where((reference > random)[..., None], np.stack([beyond, of_all], axis=-1), np.nan)
    return np.concatenate([explained, (reference - random)[..., None], carried], axis=-1)


def _judged(numbers):
    """Return verdict and reason."""
    names = ("model", "selection", "random", "everything", "room", "carried")
    model, selection, random, everything, room, carried = (numbers[name] for name in names)
    shown = f"A fresh predictor explains {between(selection)} of the variance from the kept positions, "
    shown += f"{random.value:.3f} from as many random ones, {everything.value:.3f} from all; "
    shown += f"the model explains {model.value:.3f}."
    if not model.low > 0:
        return NOT_TESTED, f"The model explains nothing that could be leaked: {between(model)} of the variance."
    if not everything.value >= ABLE * model.value:
        return NOT_TESTED, f"The fresh predictor is too weak to judge. {shown}"
    if random.value >= (1 - ROOM) * model.value:
        return PASS, f"Random positions tell as much: nothing to be smuggled. {shown}"
    if not room.low > 0:
        found = f"the room between the two is {between(room)}"
        return NOT_TESTED, f"Random positions tell this judge about as much as all do: {found}. {shown}"
    if carried.low >= CARRIED:
        return PASS, f"The letters carry it: {between(carried)} of what the choice of positions adds. {shown}"
    if carried.high < CARRIED:
        return FAIL, f"The letters kept do not carry it: {between(carried)} of what the model gains. {shown}"
    return NOT_TESTED, f"Too few records to tell: {between(carried)} is carried by letters. {shown}"


def _context_note(config):
    if not config.context:
        return ""
    return f" The model has context: a kept position also shows averages over {max(config.context):,} bp each way."

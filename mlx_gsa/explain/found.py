"""What an explanation of one record holds, and how it is put into words."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlx_gsa.explain.compare import SiteResult, count_found
from mlx_gsa.explain.motif_matches import MotifMatch
from mlx_gsa.explain.place import Place
from mlx_gsa.explain.spans import Span


class Explanation(NamedTuple):
    """What was found in one record; small, so that thousands may be held.

    ``prediction`` is the value, the probability, or the probability of the predicted class, which ``text``
    writes in words; ``spans`` are the best ``top`` of the ``n_outstanding`` that stand out of
    all ``n_spans`` (the rest fills the budget); ``matches`` the motifs each looks like,
    by span rank; ``sites`` what became of known sites. ``files`` are where they will be when the last record
    is done: until then the folder does not have its name. ``by_output`` are prediction and label of each of
    several outputs by column name.
    """

    id: str
    place: Place
    length: int
    prediction: float
    text: str
    label: float | None
    n_kept: int
    n_spans: int
    n_outstanding: int
    spans: tuple[Span, ...]
    matches: dict[int, list[MotifMatch]]
    sites: tuple[SiteResult, ...]
    files: dict[str, Path]
    note: str = ""
    by_output: dict | None = None


def subtitle(found: Explanation) -> str:
    """Write the line below a picture's title: prediction, share kept, known sites touched."""
    label = f" (label {found.label:.3g})" if found.label is not None else ""
    share = 100 * found.n_kept / found.length
    parts = [
        f"predicted {found.text}{label}",
        f"{found.n_kept:,} of {found.length:,} bp kept ({share:.2g} %)",
    ]
    n_found, n_active, chance = count_found(found.sites)
    if n_active:
        parts.append(f"{n_found} of {n_active} active sites touched (chance {chance:.1f})")
    return "  ·  ".join(parts)


def describe_prediction(prediction: np.ndarray, task: str, classes: list | None, outputs: list | None = None) -> str:
    """Write a prediction in words.

    Parameters
    ----------
    prediction : ndarray
        Shape (n_outputs,): value, probability of class 1, or class probabilities.
    task : {'regression', 'binary', 'multiclass'}
        What it is.
    classes : list of str or None
        Names of the classes.
    outputs : list of str, optional
        Names of several outputs; each is written.

    Returns
    -------
    str
        Such as ``strength 3.42``, ``probability 0.93 of active`` or ``promoter (probability 0.81)``.
    """
    if outputs:
        return ", ".join(f"{name} {value:.3g}" for name, value in zip(outputs, prediction, strict=True))
    if task == "regression":
        return f"strength {prediction[0]:.3g}"
    if task == "binary":
        return f"probability {prediction[0]:.3g} of {classes[1] if classes else 'class 1'}"
    best = int(np.argmax(prediction))
    return f"{classes[best] if classes else f'class {best}'} (probability {prediction[best]:.3g})"


def summary_row(found: Explanation) -> dict:
    """Return the record's row of ``summary.tsv``; None where a value does not exist."""
    place, best = found.place, found.spans[0] if found.spans else None
    match = next(iter(found.matches.get(best.rank, [])), None) if best else None
    start, end = place.interval(best.start, best.end) if best else (None, None)
    n_found, n_active, chance = count_found(found.sites)
    return {
        "id": found.id,
        "chrom": place.chrom,
        "start": place.start,
        "end": place.end,
        "strand": place.strand,
        "length": found.length,
        "prediction": found.prediction,
        "predicted": found.text,
        "label": found.label,
        **(found.by_output or {}),
        "n_kept": found.n_kept,
        "n_spans": found.n_spans,
        "top_span_start": start,
        "top_span_end": end,
        "top_span_relevance": best and best.max_relevance,
        "top_span_motif": match and match.name,
        "top_span_motif_q": match and match.q_value,
        "active_sites": n_active if found.sites else None,
        "active_sites_touched": n_found if found.sites else None,
        "touched_by_chance": chance if found.sites else None,
        "note": found.note or None,
    }

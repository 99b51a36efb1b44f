"""One record with its attention, small enough to commit: from it the heatmap of the results page is drawn."""

import numpy as np

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.folds import split_as_trained
from mlx_gsa.dna.alphabet import decode, encode
from mlx_gsa.errors import ResultsError
from mlx_gsa.explain.figures.heatmap import HeatmapInput
from mlx_gsa.explain.figures.tracks import TrackSite, as_track_sites
from mlx_gsa.explain.place import Place
from mlx_gsa.explain.records import dataset_records, known_sites
from mlx_gsa.inference.predictor import Prediction, Predictor
from mlx_gsa.training.run import find_run

FORMAT, FORMAT_VERSION = "mlx_gsa.example", 1
MOST_LOOKED_AT, MOST_KEPT = 200, 150
_DIGITS = {"relevance": 4, "gates": 4, "contribution": 5, "weights": 5}


def make_example(folder):
    """Predict test records of a run and keep the one with the most functional sites, or else the highest prediction.

    Parameters
    ----------
    folder : Path
        A finished run.

    Returns
    -------
    dict
        For JSON: the record, its sites, and its prediction, arrays as lines of numbers.

    Raises
    ------
    ResultsError
        If every test record keeps more positions than a small file can hold the pairs of.
    """
    run = find_run(folder)
    dataset = split_as_trained(run, Dataset.open(run.dataset_path))
    rows = dataset.indices("test")[:MOST_LOOKED_AT]
    predictor = Predictor.from_folder(run.model_folder)
    records, sites = list(dataset_records(dataset, rows)), known_sites(dataset, rows)
    plain = list(predictor.predict(record.tokens for record in records))
    places = [i for i, prediction in enumerate(plain) if len(prediction.kept) <= MOST_KEPT]
    if not places:
        raise ResultsError("no record for a heatmap", where=str(folder), expected=f"at most {MOST_KEPT} positions kept")
    known = [as_track_sites(sites.get(record.id)) for record in records]
    active = [sum(site.role == "functional" for site in each) for each in known]
    best = max(places, key=lambda i: (active[i], float(plain[i].raw[0]), -i))
    record, prediction = records[best], next(iter(predictor.predict([records[best].tokens], attention=True)))
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "data_hash": dataset.data_hash,
        "id": record.id,
        "label": record.label,
        "sequence": decode(record.tokens),
        "sites": [list(site) for site in known[best] if site.role != "accidental"],
        "prediction": [float(value) for value in prediction.prediction],
        "raw": [float(value) for value in prediction.raw],
        "kept": _line(prediction.kept, 0),
        **{name: _lines(getattr(prediction, name), digits) for name, digits in _DIGITS.items()},
    }


def example_input(found) -> HeatmapInput:
    """Turn the file back into what the heatmap is drawn from; the inverse of `make_example`."""
    arrays = {name: np.array([[float(x) for x in line.split()] for line in found[name]]) for name in _DIGITS}
    arrays |= {name: arrays[name][0] for name in ("relevance", "gates")}
    kept = np.array([int(x) for x in found["kept"].split()], dtype=np.int32)
    arrays["contribution"] = arrays["contribution"].reshape(len(kept), -1)
    prediction = Prediction(np.array(found["prediction"]), np.array(found["raw"]), kept=kept, **arrays)
    length, sites = len(found["sequence"]), [TrackSite(*site) for site in found["sites"]]
    tokens = encode(found["sequence"])[0]
    return HeatmapInput(prediction, length, Place.of_record(found["id"], length), tokens, sites=sites)


def _line(values, digits):
    return " ".join(f"{value:.{digits}f}" for value in values)


def _lines(values, digits):
    return [_line(row, digits) for row in np.atleast_2d(values)]

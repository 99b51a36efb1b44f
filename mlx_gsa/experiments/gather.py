"""Copy what the page needs out of run folders into small files that outlive them: docs/results/SCALE."""

import tomllib
from pathlib import Path

import numpy as np

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.errors import ResultsError
from mlx_gsa.experiments.further import read_explained, read_further
from mlx_gsa.experiments.json_files import read_lines, write_json
from mlx_gsa.experiments.record import read_json

SWEEP_FORMAT, DATA_FORMAT = "mlx_gsa.results.sweep", "mlx_gsa.results.data"
EPOCH_FIELDS = ("epoch", "sparsity", "train_loss", "val_loss", "metric_name", "val_metric", "seconds")
EVALUATION_FIELDS = (
    "split", "n", "metrics", "reachable", "kept_share", "cost", "verdict", "calibration", "strata", "by_output",
)  # fmt: skip
CUTS = ("kept", "top 1 %")
DATA_FIELDS = ("task", "classes", "n_records", "n_bases", "splits", "seed", "dropped", "normalised", "duplicates")
EXTRAS = {"motifs": "motifs/motifs.json", "novel": "motifs/novel.json", "spacing": "motifs/spacing.json"}
EXTRAS |= {"left_out": "leave-out/novel.json", "audit": "audit/audit.json"}
MOST_ROWS, MOST_FAMILIES, MOST_PAIRS = 40, 12, 4  # kept of any table; of families and of pairs of motifs


def gather_sweep(sweep, folder, places):
    """Copy sweep.json, comparison.json and the facts of every finished run of one sweep.

    Parameters
    ----------
    sweep : Path
        Folder of the sweep: sweep.json and DATA/CELL.
    folder : Path
        To write SWEEP/sweep.json, SWEEP/comparison.json and SWEEP/DATA.json into.
    places : sequence of Path
        Folders that no text may name.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    ResultsError
        If there is no sweep there.
    """
    found = read_json(sweep / "sweep.json")
    if found is None:
        raise ResultsError("no sweep", where=str(sweep), mend=f"`gsa sweep {sweep.name}` runs it.")
    target = folder / sweep.name
    cells = [{key: cell.get(key) for key in _CELL} for cell in found["cells"]]
    facts = {"format": SWEEP_FORMAT, "format_version": 1, "name": sweep.name, "spec": found["spec"], "cells": cells}
    written = [write_json(target / "sweep.json", facts, places)]
    comparison = read_json(sweep / "comparison.json")
    if comparison is not None:
        written.append(write_json(target / "comparison.json", comparison, places))
    for data in dict.fromkeys(cell["data"] for cell in found["cells"]):
        cells = {cell_folder(sweep, cell): cell for cell in found["cells"] if cell["data"] == data}
        runs = {folder: _run(folder, cell) for folder, cell in cells.items()}
        runs = {folder: run for folder, run in runs.items() if run is not None}
        if runs:
            facts = _data_file(data, list(runs.values())) | {"further": _further(found["spec"], data, list(runs))}
            written.append(write_json(target / f"{data}.json", facts, places))
    return written


def _further(spec, data, folders):
    """Read what further steps of the runs found."""
    steps = [step for step in spec.get("steps", ()) if step.get("kind") and data in (step.get("data") or [data])]
    found = {step["name"]: read_further(step, folders) for step in steps}
    return {name: each for name, each in found.items() if each}


def _opened(folder):
    """Open a data set; None where it is not here any more."""
    return Dataset.open(folder, verify=False) if (Path(folder) / "manifest.json").is_file() else None


_CELL = ("data", "variant", "label", "seed", "fold", "state")


def cell_folder(sweep, cell):
    """Find the run folder of a cell: as it is named, from the sweep's folder or from here."""
    folder = Path(cell["folder"])
    return folder if folder.is_absolute() or not (sweep / folder).is_dir() else sweep / folder


def _data_file(name, runs):
    """Put the runs of one data set together; what is the same in all of them is said once."""
    folder = Path(runs[0]["dataset"])
    seen = set()
    for run in runs:
        if run["variant"] in seen:
            _lighten(run["evaluation"])
        seen.add(run["variant"])
    shared = {key: runs[0][key] for key in ("versions", "machine", "data_hash")}
    for run in runs:
        for key, value in shared.items():
            if run[key] == value:
                del run[key]
    manifest = read_json(folder / "manifest.json") or {}
    facts = {key: manifest.get(key) for key in DATA_FIELDS}
    source = manifest.get("source") or {}
    facts |= {"split_by": source.get("split_by"), "leakage": read_json(folder / "leakage.json"), **_shape(folder)}
    return {"format": DATA_FORMAT, "format_version": 1, "name": name, **shared, "data": facts, "runs": runs}


def _lighten(evaluation):
    """Leave out of a variant's further seeds and folds what the page shows of one run only."""
    for name in ("calibration", "verdict"):
        evaluation.pop(name, None)
    if evaluation.get("selection"):
        decoys = evaluation["selection"]["decoys"]
        evaluation["selection"]["decoys"] = [row for row in decoys if row["kind"] == "all"]


def _shape(folder):
    """Return lengths (shortest, median, longest) and how many records there are of each kind."""
    dataset = _opened(folder)
    if dataset is None:
        return {"lengths": None, "kinds": None}
    lengths, kinds = dataset.lengths, dataset.records.extra.get("kind")
    counts = None if kinds is None else {str(k): int((kinds == k).sum()) for k in sorted(set(kinds.tolist()))}
    return {"lengths": [int(lengths.min()), int(np.median(lengths)), int(lengths.max())], "kinds": counts}


def _run(folder, cell):
    """Collect what is known of one finished and evaluated run; None of any other."""
    manifest, evaluation = read_json(folder / "manifest.json"), read_json(folder / "evaluation.json")
    if manifest is None or not manifest["finished"] or evaluation is None:
        return None
    epochs = [row for row in read_lines(folder / "metrics.jsonl") if row["kind"] == "epoch"]
    extras = {name: read_json(folder / path) for name, path in EXTRAS.items()} | {"explained": read_explained(folder)}
    return {
        **{key: cell.get(key) for key in ("variant", "label", "seed", "fold")},
        "dataset": manifest["dataset"],
        "data_hash": manifest["data_hash"],
        "n_parameters": manifest["n_parameters"],
        "best_epoch": manifest["result"]["best"]["epoch"],
        "finished_at": manifest.get("finished_at"),
        "made_by": read_json(folder.with_name(f"{folder.name}.json")),
        "config": tomllib.loads((folder / "config.toml").read_text(encoding="utf-8")),
        "epochs": [{key: row.get(key) for key in EPOCH_FIELDS} for row in epochs],
        "evaluation": _evaluation(evaluation),
        **{name: _SHORTER.get(name, shortened)(found) for name, found in extras.items() if found is not None},
        "versions": manifest["versions"],
        "machine": manifest["machine"],
    }


def _evaluation(found):
    """Keep what the page shows of an evaluation."""
    kept = {key: found[key] for key in EVALUATION_FIELDS if found.get(key) is not None}
    kept["level"] = found["manifest"]["level"]
    kept["baselines"] = [{**each, "metrics": each["metrics"]} for each in found.get("baselines") or ()]
    selection = found.get("selection")
    if selection and selection.get("ranking"):
        kept["selection"] = {key: selection.get(key) for key in ("near", "n_sites", "ranking", "average_precision")}
        for name in ("kinds", "decoys"):
            kept["selection"][name] = [row for row in selection.get(name) or () if row["cut"] in CUTS]
    return kept


def _motifs(found):
    """Keep the best families of motifs, each with its best row and matrix."""
    names = ("name", "motif_id", "enriched", "associated", "others", "best", "matrix")
    families = [{name: each[name] for name in names if name in each} for each in found["families"][:MOST_FAMILIES]]
    enriched = sum(each["enriched"] for each in found["families"])
    return {name: found.get(name) for name in ("manifest", "alpha", "cuts")} | {
        "families": families,
        "enriched_families": enriched,
    }


def _spacing(found):
    """Keep the first pairs of motifs, which are those of the best ones."""
    return found | {"pairs": found["pairs"][:MOST_PAIRS]}


_SHORTER = {"motifs": _motifs, "spacing": _spacing}


def shortened(value):
    """Cut long tables of rows; other values stay.

    Parameters
    ----------
    value : object
        What a JSON file holds.

    Returns
    -------
    object
        At most `MOST_ROWS` entries in every list of dictionaries.
    """
    if isinstance(value, dict):
        return {key: shortened(part) for key, part in value.items()}
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        return [shortened(part) for part in value[:MOST_ROWS]]
    return value

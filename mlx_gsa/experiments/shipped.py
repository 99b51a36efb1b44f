"""The model that ships in assets/model, from a finished and evaluated run, with its card.

    python -m mlx_gsa.experiments.shipped RUN [FOLDER]
"""

import shlex
import shutil
import sys
from pathlib import Path

from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.errors import ResultsError
from mlx_gsa.experiments.page.text import percent, plain, ranked
from mlx_gsa.experiments.record import read_json

CUT = "top 1 %"
TARGET = Path("assets/model")
CARD = """# The model that ships

`gsa explain` uses this model where no run is found. It was trained on **synthetic** promoters only: it shows how the
program works and says nothing about real regulation.

| | |
|---|---|
| parameters | {n_parameters:,} |
| weights | `model.safetensors`, {size:,.0f} kB; `model.json` is a readable copy of its header |
| data | `{prepare}` (seed {data_seed}; data hash `{data_hash}`) |
| training | `{train}` |
| code | commit `{commit}` |
| test Pearson r | {r}; best reachable {reachable:.3f} |
| planted functional sites touched by the top 1 % of the relevance ranking | {recall} (chance {chance}) |
| versions | {versions} |
| machine | {machine} |

Licence: MIT, as the program. Written by `python -m mlx_gsa.experiments.shipped`; no number here is typed.
"""


def ship(run, target=TARGET):
    """Copy the best weights of a run and write their card.

    Parameters
    ----------
    run : Path
        Run folder of a sweep, evaluated on synthetic data, with the record of its commands beside it (RUN.json).
    target : Path
        Folder of the model that ships.

    Returns
    -------
    Path
        The card.

    Raises
    ------
    ResultsError
        If the run is not finished, was not evaluated on synthetic data, or has no record beside it.
    """
    run, target = Path(run), Path(target)
    names = {"manifest": run / "manifest.json", "evaluation": run / "evaluation.json"}
    found = {name: read_json(path) for name, path in names.items()}
    found["made_by"] = read_json(run.with_name(f"{run.name}.json"))
    for name, value in found.items():
        if value is None:
            raise ResultsError(f"the run has no {name.replace('_', ' ')}", where=str(run))
    if not found["manifest"]["finished"] or not found["evaluation"].get("reachable"):
        raise ResultsError("only a finished run on synthetic data ships", where=str(run))
    data = read_json(Path(found["manifest"]["dataset"]) / "manifest.json") or {"seed": "?"}
    target.mkdir(parents=True, exist_ok=True)
    for part in ("model.safetensors", "model.json"):
        shutil.copy(run / "best" / part, target / part)
    card = target / "MODEL_CARD.md"
    size = (target / "model.safetensors").stat().st_size / 1000
    atomic_write_text(card, CARD.format(size=size, data_seed=data["seed"], **_facts(found)))
    return card


def _facts(found):
    manifest, evaluation, made = found["manifest"], found["evaluation"], found["made_by"]
    best = ranked(found, CUT)
    return {
        "n_parameters": manifest["n_parameters"],
        "prepare": made.get("prepare", {}).get("command") or shlex.join(["gsa", "prepare", "synthetic"]),
        "data_hash": manifest["data_hash"][:12],
        "train": made["train"]["command"],
        "commit": made["train"]["commit"],
        "r": plain(evaluation["metrics"]["pearson"]),
        "reachable": evaluation["reachable"]["best_r"]["value"],
        "recall": percent(best["recall"]),
        "chance": f"{100 * best['recall_chance']:.0f} %",
        "versions": ", ".join(f"{k} {v}" for k, v in manifest["versions"].items()),
        "machine": f"{manifest['machine']['processor']}, {manifest['machine']['blas']}",
    }


if __name__ == "__main__":
    sys.stdout.write(f"{ship(*sys.argv[1:3])}\n")

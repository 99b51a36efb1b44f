"""What else is generated from a run: the model that ships in assets/model with its card, and the README's table."""

import shlex
import shutil
from pathlib import Path

from results_bars import bars_table
from results_files import read_json
from results_text import percent, plain, ranked

CUT = "top 1 %"
BEGIN, END = "<!-- bars: python docs/experiments.py render -->", "<!-- end of bars -->"

CARD = """# The model that ships

`gsa explain` uses this model where no run is found. It was trained on **synthetic** promoters only: it shows how the
program works and says nothing about real regulation.

| | |
|---|---|
| parameters | {n_parameters:,} |
| weights | `model.safetensors`, {size:,.0f} kB; `model.json` is a readable copy of its header |
| data | `{prepare}` (grammar `promoter`, seed {seed}; data hash `{data_hash}`) |
| training | `{train}` |
| configuration | the committed [configs/experiments/{experiment}.toml](../../configs/experiments/{experiment}.toml) |
| code | commit `{commit}` |
| test Pearson r | {r}; best reachable {reachable:.3f} |
| planted functional sites touched by the top 1 % of the relevance ranking | {recall} (chance {chance}) |
| versions | {versions} |
| machine | {machine} |

Licence: MIT, as the program. Written by `python docs/experiments.py ship`; no number here is typed.
"""


def ship(run, results, root):
    """Copy the model of a collected run into assets/model and write its card.

    Parameters
    ----------
    run : Path
        Run folder, runs/EXPERIMENT/RUN.
    results : Path
        docs/results, where that run was collected.
    root : Path
        Top of the checkout.

    Returns
    -------
    Path
        The card.
    """
    experiment, name = read_json(results / run.parent.name / "experiment.json"), run.name
    target = root / "assets/model"
    target.mkdir(exist_ok=True)
    for part in ("model.safetensors", "model.json"):
        shutil.copy(run / "best" / part, target / part)
    found = read_json(results / run.parent.name / f"{name}.json")
    card = target / "MODEL_CARD.md"
    card.write_text(CARD.format(**_facts(found, experiment, target)), encoding="utf-8")
    return card


def fill_readme(readme, experiments):
    """Write the table of bars between its two markers in the README."""
    text = Path(readme).read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    Path(readme).write_text(f"{before}{BEGIN}\n{bars_table(experiments)}\n{END}{after}", encoding="utf-8")


def _facts(run, experiment, target):
    manifest, evaluation, made = run["manifest"], run["evaluation"], run["made_by"]
    best = ranked(run, CUT)
    return {
        "n_parameters": manifest["n_parameters"],
        "size": (target / "model.safetensors").stat().st_size / 1000,
        "prepare": shlex.join(["gsa", "prepare", *experiment["data"]["prepare"]]),
        "seed": manifest["seed"],
        "data_hash": manifest["data_hash"][:12],
        "train": made["train"]["command"],
        "experiment": experiment["name"],
        "commit": made["train"]["commit"],
        "r": plain(evaluation["metrics"]["pearson"]),
        "reachable": evaluation["reachable"]["best_r"]["value"],
        "recall": percent(best["recall"]),
        "chance": f"{100 * best['recall_chance']:.0f} %",
        "versions": ", ".join(f"{k} {v}" for k, v in manifest["versions"].items()),
        "machine": f"{manifest['machine']['processor']}, {manifest['machine']['blas']}",
    }

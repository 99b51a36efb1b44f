"""sweep.json: the experiment, every run of it, and how far each is."""

import json
from pathlib import Path

from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.experiments import state as states
from mlx_gsa.experiments.record import commit
from mlx_gsa.runtime import machine, versions

FILE, FORMAT, FORMAT_VERSION = "sweep.json", "mlx_gsa.sweep", 1


def write_report(spec, cells, out: Path, result, running=()) -> None:
    """Write sweep.json, whole or not at all.

    Parameters
    ----------
    spec : SweepSpec
    cells : list of Cell
        All of the experiment, also those that are not wanted now.
    out : Path
    result : SweepResult
    running : collection of Cell
    """
    report = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": spec.name,
        "command": f"gsa sweep {spec.name}",
        "commit": commit(),
        "spec": spec.model_dump(mode="json", exclude_none=True),
        "cells": [_row(cell, out, result, running) for cell in cells],
        "versions": versions(),
        "machine": machine(),
    }
    atomic_write_text(out / FILE, json.dumps(report, indent=1, allow_nan=False) + "\n")


def _row(cell, out, result, running):
    row = {
        "data": cell.data.name,
        "variant": cell.variant.name,
        "family": cell.family,
        "label": cell.variant.label or cell.variant.name,
        "seed": cell.seed,
        "fold": cell.fold,
        "folder": str(cell.folder.relative_to(out)),
        "state": "running" if cell in running else states.cell_state(cell),
    }
    for name in ("skipped", "failed"):
        why = getattr(result, name).get(cell)
        if why:
            row[name] = why
    return row

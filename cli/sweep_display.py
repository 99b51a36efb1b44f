"""What `gsa sweep` shows: the plan, one display of progress, and what became of the runs."""

import time

from mlx_gsa.cli.console import console, err_console, progress, table
from mlx_gsa.experiments.estimate import TimeLeft
from mlx_gsa.training.metrics_log import read_metrics

_SECONDS_BETWEEN_LOOKS = 1.0


def duration(seconds):
    """Write seconds as people say them: "40 s", "12 min", "3 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def plan_tables(spec, found, jobs):
    """Lay out data sets x variants with how many runs are finished and to do, and the time expected.

    Parameters
    ----------
    spec : SweepSpec
    found : Survey
    jobs : int
        Runs at a time.

    Yields
    ------
    Rich table or str
    """
    groups, todo = {}, set(found.todo())
    for cell in found.cells:
        groups.setdefault((cell.data.name, cell.variant.name), []).append(cell)
    groups = dict(sorted(groups.items(), key=lambda each: [key[0] for key in groups].index(each[0][0])))
    rows = [_plan_row(found, todo, *key, cells) for key, cells in groups.items()]
    rows = [(None if i and rows[i - 1][0] == row[0] else row[0], *row[1:]) for i, row in enumerate(rows)]
    columns = ["data", "variant", "seeds", "folds", "finished", "to do", "time", ""]
    used = [i for i in range(len(columns)) if any(row[i] is not None for row in rows)]
    rows = [[row[i] for i in used] for row in rows]
    yield table(f"{spec.title} ({spec.name})", [columns[i] for i in used], rows, _expected(found, jobs))
    yield from sorted({state for state in found.states.values() if ":" in state})


def _plan_row(found, todo, data, variant, cells):
    left = [cell for cell in cells if cell in todo]
    known = [found.estimate.seconds[cell] for cell in left if found.estimate.seconds.get(cell) is not None]
    words = sorted({found.states[cell].partition(":")[0] for cell in cells} - {"new", "finished"})
    return (
        data,
        variant,
        spans({cell.seed for cell in cells}),
        spans({cell.fold for cell in cells} - {None}) or None,
        sum(found.states[cell] == "finished" for cell in cells),
        len(left),
        duration(sum(known)) if known else None,
        ", ".join(words) or None,
    )


def spans(numbers):
    """Write whole numbers with runs of them as spans: "0-4, 7"."""
    parts = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in parts)


def _expected(found, jobs):
    estimate, n_todo = found.estimate, len(found.todo())
    if not n_todo:
        return "Nothing is left to do."
    at_once = f", {jobs} at a time" if jobs > 1 else ""
    total = f"about {duration(estimate.total() / jobs)}{at_once}" if estimate.total() else "time not known"
    return f"{n_todo} of {len(found.cells)} runs to do, {total}: {'; '.join(estimate.sources())}".rstrip(": ")


class SweepDisplay:
    """One Rich display: a bar over all runs, one for each that is running, time left, and the best so far.

    Without a terminal it is a plain line for each step and result.

    Parameters
    ----------
    found : Survey
    jobs : int
    """

    def __init__(self, found, jobs):
        self.found = found
        self.left = TimeLeft({cell: found.estimate.seconds.get(cell) for cell in found.todo()}, jobs)
        self.bar, self.tasks, self.best, self._looked = progress(remaining=False), {}, {}, 0.0

    def __enter__(self):
        self.bar.__enter__()
        self.total = self.bar.add_task("All runs", total=len(self.found.todo()), note="")
        for cell in self.found.cells:
            if self.found.states[cell] == "finished":
                self._remember(cell)
        return self

    def __exit__(self, *problem):
        return self.bar.__exit__(*problem)

    def observe(self, kind, cell, **facts):
        """Take notice of what `run_sweep` reports."""
        if kind == "tick":
            return self._tick(facts["running"])
        if kind == "begin":
            self.left.begin(cell)
            self._say(cell, facts["step"])
        elif kind == "waiting":
            self.bar.update(self.total, note=f"waiting: {cell.name} is in the hands of process {facts['holder']}")
        elif kind in ("done", "failed", "skipped"):
            self._over(kind, cell, facts.get("why"))

    def _say(self, cell, step):
        if cell not in self.tasks:
            epochs = cell.config().training.epochs
            self.tasks[cell] = self.bar.add_task(cell.name, total=epochs, unit=None, note=step)
        self.bar.update(self.tasks[cell], note=step)
        if not err_console.is_terminal:
            err_console.print(f"{time.strftime('%H:%M:%S')} {cell.name}: {step}", markup=False, soft_wrap=True)

    def _tick(self, running):
        if time.monotonic() - self._looked < _SECONDS_BETWEEN_LOOKS:
            return
        self._looked = time.monotonic()
        for cell, step in running:
            rows = read_metrics(cell.folder) if step == "train" else None
            if rows:
                self.bar.update(self.tasks[cell], completed=len(rows), note=f"{step}{_metric(rows[-1])}")
        self._note()

    def _over(self, kind, cell, why):
        if cell in self.tasks:
            self.bar.remove_task(self.tasks.pop(cell))
        if self.left.end(cell, done=kind == "done"):
            self.bar.advance(self.total)
        if kind == "done":
            self._remember(cell)
        if kind != "done" or not err_console.is_terminal:
            best = self._said_of(cell) if kind == "done" else why
            self.bar.console.print(f"{cell.name}: {kind}{f', {best}' if best else ''}", markup=False, soft_wrap=True)
        self._note()

    def _remember(self, cell):
        """Keep the best validation metric of each data set."""
        rows = [row for row in read_metrics(cell.folder) if row.get("val_metric") is not None]
        best = max(rows, key=lambda row: row["val_metric"], default=None)
        if best and best["val_metric"] > self.best.get(cell.data.name, (float("-inf"),))[0]:
            self.best[cell.data.name] = (best["val_metric"], best["metric_name"], cell.variant.name)

    def _said_of(self, cell):
        rows = read_metrics(cell.folder)
        return _metric(rows[-1]).strip() if rows else ""

    def _note(self):
        seconds = self.left.seconds()
        parts = [f"about {duration(seconds)} left"] if seconds else []
        parts += [f"best on {data}: {variant}, {name} {value:.3f}" for data, (value, name, variant) in
                  list(self.best.items())[-1:]]  # fmt: skip
        self.bar.update(self.total, note="; ".join(parts))


def _metric(row):
    return f" val {row['metric_name']} {row['val_metric']:.3f}" if row.get("val_metric") is not None else ""


def show_result(result, out):
    """Say what became of the runs.

    Parameters
    ----------
    result : SweepResult
    out : Path

    Returns
    -------
    int
        Exit code: 1 if a run failed.
    """
    rows = [(cell.name, word, why) for word, each in (("skipped", result.skipped), ("failed", result.failed))
            for cell, why in each.items()]  # fmt: skip
    if rows:
        console.print(table("Not done", ["run", "", "why"], rows))
    console.print(f"{len(result.finished)} runs are finished: {out}/sweep.json", markup=False, soft_wrap=True)
    return 1 if result.failed else 0

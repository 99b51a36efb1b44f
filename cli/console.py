"""What every command prints with: two consoles, progress bars, tables and the panel of an error."""

import time
from contextlib import contextmanager

from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

console = Console(highlight=False)
err_console = Console(stderr=True, highlight=False)

_SECONDS_BETWEEN_LINES = 20.0


def joined():
    """Return this process's `Ranks` (one, without `mlx.launch`); all but the first print errors only."""
    from mlx_gsa.ranks import current

    ranks = current()
    if not ranks.is_first:
        console.quiet = err_console.quiet = True
    return ranks


class _RateColumn(ProgressColumn):
    """Steps a second, with the unit that the task names; nothing where it names none."""

    def render(self, task):
        unit, speed = task.fields.get("unit"), task.finished_speed or task.speed
        digits = 2 if speed and speed < 10 else 0
        return Text(f"{speed:,.{digits}f} {unit}/s" if unit and speed else "", style="progress.data.speed")


class _NoteColumn(ProgressColumn):
    """Free text beside a bar, such as the loss: ``advance(task, note="loss 0.31")``."""

    def render(self, task):
        return Text(str(task.fields.get("note", "")), style="cyan")


class LoggedProgress(Progress):
    """A Rich progress bar that becomes a plain line now and then where there is no terminal.

    In a log file or under CI a live bar is either silent until its end or a flood of control codes;
    here each task prints at most one line in 20 s, without any code.
    """

    _last_line = float("-inf")

    def update(self, task_id, **changes):
        """Change a task as Rich does, and log a line if there is no terminal."""
        super().update(task_id, **changes)
        self._log(task_id)

    def advance(self, task_id, advance=1):
        """Advance a task as Rich does, and log a line if there is no terminal."""
        super().advance(task_id, advance)
        self._log(task_id)

    def _log(self, task_id):
        if self.disable or self.console.is_terminal:
            return
        now = time.monotonic()
        if now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            self.console.print(_plain_line(self._tasks[task_id]), markup=False, soft_wrap=True)


def _plain_line(task):
    total = f"/{task.total:g}" if task.total is not None else ""
    note = task.fields.get("note", "")
    return f"{task.description}: {task.completed:g}{total}" + (f" {note}" if note else "")


def progress(transient=False, remaining=True):
    """Make a progress display on stderr, to be used in a ``with`` statement.

    Parameters
    ----------
    transient : bool
        Remove the bars when done.
    remaining : bool
        Show the time left as Rich reckons it, from the steps done so far.

    Returns
    -------
    LoggedProgress
        A `rich.progress.Progress`. ``add_task(name, total=n, unit="sequences", note="")`` also shows a
        rate and free text; both may be left out.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        _NoteColumn(),
        TimeElapsedColumn(),
        *([TimeRemainingColumn(compact=True)] if remaining else []),
    )
    return LoggedProgress(*columns, console=err_console, transient=transient, disable=err_console.quiet)


@contextmanager
def reporting(description, total=None, unit=None):
    """Show the progress of one library call that reports through a plain callable.

    Parameters
    ----------
    description : str
        What is being done.
    total : int, optional
        Number of steps, where known before the call.
    unit : str, optional
        What a step is, such as ``"sequences"``; shows the rate.

    Yields
    ------
    callable
        ``report(done, total=None, note=None)`` with the absolute number of steps done.
    """
    with progress() as bar:
        task = bar.add_task(description, total=total, unit=unit)

        def report(done, total=None, note=None):
            changes = {"completed": done, "total": total, "note": note}
            bar.update(task, **{key: value for key, value in changes.items() if value is not None})

        yield report


def table(title, columns, rows, caption=None):
    """Lay out rows as a Rich table; columns whose cells are all numbers are right-aligned.

    Parameters
    ----------
    title : str or None
        Line above the table.
    columns : sequence of str
        Headings.
    rows : iterable of sequence
        Cells: text, Rich renderables, integers (thousands separated), floats (four significant
        digits) or None (empty). Text is shown as it is, never read as Rich markup.
    caption : str, optional
        Line below the table.

    Returns
    -------
    rich.table.Table
        To be printed with ``console.print``.
    """
    rows = [list(row) for row in rows]
    left = {"title_justify": "left", "caption_justify": "left"}
    result = Table(title=title, title_style="bold", caption=caption, **left)
    for number, heading in enumerate(columns):
        cells = [row[number] for row in rows if row[number] is not None]
        numeric = bool(cells) and all(_is_number(cell) for cell in cells)
        result.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        result.add_row(*(_cell(cell) for cell in row))
    return result


def facts(title, rows):
    """Lay out names and values as a two-column table without headings.

    Parameters
    ----------
    title : str or None
        Line above the table.
    rows : iterable of (str, object)
        Names and values; None leaves the row out.

    Returns
    -------
    rich.table.Table
        To be printed with ``console.print``.
    """
    result = Table(title=title, title_justify="left", title_style="bold", show_header=False)
    result.add_column(style="bold", no_wrap=True)
    result.add_column(overflow="fold")
    for name, value in rows:
        if value is not None:
            result.add_row(name, _cell(value))
    return result


def error_panel(error):
    """Draw a `GsaError`: what is wrong, where, what was expected and found, and how to mend it.

    Parameters
    ----------
    error : GsaError
        The error to show.

    Returns
    -------
    rich.panel.Panel
        To be printed on stderr.
    """
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name in ("where", "expected", "found", "mend"):
        text = getattr(error, name)
        if text:
            grid.add_row(name, Text(str(text)))
    lines = Group(Text(str(error.what), style="bold red"), grid)
    return Panel(lines, title="Error", title_align="left", border_style="red", expand=False)


def _is_number(cell):
    # bool is an int, but "True" reads as a word; NumPy scalars have no common base, their `dtype` tells.
    kind = getattr(getattr(cell, "dtype", None), "kind", None)
    return kind in ("i", "u", "f") if kind else isinstance(cell, int | float) and not isinstance(cell, bool)


def _cell(value):
    if value is None:
        return ""
    if _is_number(value):
        return _number(value)
    return value if hasattr(value, "__rich_console__") or hasattr(value, "__rich__") else Text(str(value))


def _number(value):
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, int) or abs(value) >= 1e4:
        return f"{value:,.0f}"
    return f"{value:.4g}"

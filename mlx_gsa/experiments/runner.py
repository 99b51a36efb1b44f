"""Runs the cells of a sweep, each step a `gsa` command in its own process, and keeps sweep.json up to date."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mlx_gsa.data.locks import RunLock
from mlx_gsa.errors import GsaError, RunError
from mlx_gsa.experiments import state as states
from mlx_gsa.experiments.plan import (
    choose,
    evaluate_command,
    missing_files,
    plan_cells,
    prepare_command,
    step_commands,
    train_command,
)
from mlx_gsa.experiments.process import Step, threads_of
from mlx_gsa.experiments.record import Record
from mlx_gsa.experiments.report import write_report
from mlx_gsa.experiments.seat import ONLY, Seat
from mlx_gsa.experiments.spec import SweepSpec

_PAUSE = 0.1  # seconds between two looks at the processes


@dataclass(frozen=True)
class SweepOptions:
    """What is run of a sweep, and how.

    Attributes
    ----------
    only, data : tuple of str
        Variants (by name or family) and data sets; empty: all of them.
    folds, seeds : tuple of int
    data_root : str
        Folder of real data sets, ``{data_root}`` in the file.
    jobs : int
        Processes at a time.
    overwrite : bool
        Train runs again whose settings, defaults or data have changed.
    seat : Seat
        Which of the processes of `mlx.launch` this one is.
    """

    only: tuple = ()
    data: tuple = ()
    folds: tuple = ()
    seeds: tuple = ()
    data_root: str = "../shared/data"
    jobs: int = 1
    overwrite: bool = False
    seat: Seat = ONLY


@dataclass
class SweepResult:
    """What became of a sweep.

    Attributes
    ----------
    finished : list of Cell
    skipped : dict of Cell to str
        Runs that could not be begun, and why: files of the data set that are not there.
    failed : dict of Cell to str
        What went wrong, with the path of the log.
    """

    finished: list = field(default_factory=list)
    skipped: dict = field(default_factory=dict)
    failed: dict = field(default_factory=dict)


def run_sweep(
    spec: SweepSpec, out: Path, options: SweepOptions | None = None, observe: Callable | None = None
) -> SweepResult:
    """Bring every run of a sweep that is wanted to its end.

    Parameters
    ----------
    spec : SweepSpec
    out : Path
        Folder of the sweep.
    options : SweepOptions, optional
    observe : callable, optional
        Called as ``observe(kind, cell, **facts)`` with kind "begin" (``step``, ``command``), "end" (``step``,
        ``seconds``, ``code``), "done", "failed" or "skipped" (``why``), "waiting" (``holder``), and with "tick" and no
        cell (``running``: list of (Cell, step)) about ten times a second.

    Returns
    -------
    SweepResult

    Raises
    ------
    ConfigError
        Before anything is run, if a cell's configuration is not valid.
    KeyboardInterrupt
        After the processes have saved and ended.
    """
    return _Sweep(spec, Path(out), options or SweepOptions(), observe or (lambda *_, **__: None)).run()


class _Job:
    """One cell that is worked on: what is to be done next, the process that does it, the lock, the record."""

    def __init__(self, sweep, cell, lock):
        self.cell, self.lock = cell, lock
        self.record = Record(cell.beside(".json"))
        self.todo = sweep.todo(cell, self.record)
        self.step, self.next, self.writes, self.begun = None, None, self.record, 0.0
        self.making = None  # lock of the data set that it makes

    def locks(self):
        """Return what is locked now."""
        return [lock for lock in (self.lock, self.making) if lock is not None]

    def free(self):
        """Let go of everything."""
        for lock in self.locks():
            lock.free()

    def made(self):
        """Let go of the data set."""
        if self.making is not None:
            self.making.free()
            self.making = None


class _Sweep:
    def __init__(self, spec, out, options, observe):
        self.spec, self.out, self.options, self.observe = spec, out, options, observe
        self.cells = plan_cells(spec, out)
        self.wanted = choose(self.cells, options.only, options.data, options.folds, options.seeds)
        for cell in self.wanted:
            cell.config()
            step_commands(spec, cell, options.data_root)
        self.result, self.running = SweepResult(), []
        self.threads = threads_of(options.jobs * options.seat.beside)
        self.bad_data = {}

    def run(self):
        """Start jobs while there is room, look after those that run, and stop all of them if interrupted."""
        self.out.mkdir(parents=True, exist_ok=True)
        self._report()
        waiting = self._share()
        try:
            while waiting or self.running:
                self._start(waiting)
                for job in list(self.running):
                    self._look_after(job)
                running = [(job.cell, job.step.command.name) for job in self.running if job.step]
                self.observe("tick", None, running=running)
                time.sleep(_PAUSE)
        finally:
            self._stop()
            self._report()
        return self.result

    def _share(self):
        """List the runs of this rank: its share of what is to be done; of the first rank then all others, too."""
        seat = self.options.seat
        if seat.size == 1:
            return list(self.wanted)
        own = seat.share([cell for cell in self.wanted if self._unfinished(cell)])
        return own + [cell for cell in self.wanted if cell not in own] if seat.is_first else own

    def _unfinished(self, cell):
        left = states.steps_left(self.spec, cell, self.options.data_root)
        return states.cell_state(cell) != states.FINISHED or bool(left)

    def _start(self, waiting):
        """Begin cells, in order, that no other sweep has in hand; those that it has are asked for again later."""
        for cell in list(waiting):
            if len(self.running) >= self.options.jobs:
                return
            lock = RunLock(cell.beside(".lock"))
            if not lock.take():
                if not self.options.seat.is_first:
                    waiting.remove(cell)  # the first rank sees to it
                elif not self.running:
                    self.observe("waiting", cell, holder=lock.holder())
                continue
            waiting.remove(cell)
            self.running.append(_Job(self, cell, lock))

    def todo(self, cell, record):
        """Yield the commands that are still to be done for a cell; each is looked for when the one before is done."""
        yield from self._data(cell)
        state = states.run_state(cell)
        if state.startswith(states.CHANGED):
            if not self.options.overwrite:
                raise RunError(f"the run has {state}", where=str(cell.folder), mend="--overwrite trains it again.")
            record.forget()
        train = train_command(cell)
        if state == states.INTERRUPTED:
            yield train._replace(arguments=("train", "--resume", str(cell.folder)))
        elif state != states.FINISHED:
            again = ("--overwrite",) if cell.folder.is_dir() else ()
            yield train._replace(arguments=(*train.arguments, *again))
        record.settle("train")
        if states.must_evaluate(cell, record):
            yield evaluate_command(cell)
        for command in step_commands(self.spec, cell, self.options.data_root):
            if not (record.has(command) if command.makes is None else states.is_prepared(command.makes)):
                yield command

    def _data(self, cell):
        """Yield what makes the data set, if it is not there or, with `overwrite`, was made by another command."""
        data_root = self.options.data_root
        command, absent = prepare_command(cell, data_root), missing_files(cell.data, data_root)
        if states.is_prepared(cell.data.path):
            if command is None or not Record(self._beside_data(cell, command)).differs(command):
                return
            if not self.options.overwrite:
                mend = "--overwrite makes it again."
                raise RunError("the data set was made by another command", where=cell.data.path, mend=mend)
            command = command._replace(again=True)
        if absent or command is None:
            raise _Skipped(f"{absent[0] if absent else cell.data.path} is not there")
        yield command

    def _to_make_again(self, cell, command):
        return command.again and Record(self._beside_data(cell, command)).differs(command)

    def _beside_data(self, cell, command):
        return self.out / cell.data.name / f"{command.name}.json"

    def _look_after(self, job):
        """Take one job as far as it goes without waiting."""
        if job.step is not None:
            code, name = job.step.poll(), job.step.command.name
            if code is None:
                job.writes.tick(name)
                return
            self._ended(job, name, code)
            if code:
                return
        try:
            job.next = job.next or next(job.todo)
        except StopIteration:
            return self._finish(job, "done")
        except _Skipped as reason:
            return self._finish(job, "skipped", str(reason))
        except GsaError as error:
            return self._finish(job, "failed", str(error))
        self._begin(job)

    def _begin(self, job):
        """Begin the next command of a job, unless its data set is there, is being made, or could not be made."""
        command = job.next
        if command.makes and not self._may_make(job, command):
            return
        job.next = None
        if command.makes and states.is_prepared(command.makes) and not self._to_make_again(job.cell, command):
            return job.made()
        if command.makes in self.bad_data:
            return self._finish(job, "failed", self.bad_data[command.makes])
        job.cell.folder.parent.mkdir(parents=True, exist_ok=True)
        job.writes = Record(self._beside_data(job.cell, command)) if command.makes else job.record
        job.writes.begin(command)
        handles = [lock.handle for lock in job.locks()]
        job.step = Step(command, job.writes.path.with_suffix(".log"), self.threads, handles)
        job.begun = time.monotonic()
        self.observe("begin", job.cell, step=command.name, command=command)

    def _may_make(self, job, command):
        """Take a data set in hand; False while another job, of this sweep or of another one, makes it."""
        job.making = RunLock(self.out / f"{str(command.makes).replace(os.sep, '-').strip('-')}.lock")
        if job.making.take():
            return True
        job.making = None
        return False

    def _ended(self, job, name, code):
        command, log, job.step = job.step.command, job.step.log, None
        job.writes.end(name, finished=not code)
        job.made()
        self.observe("end", job.cell, step=name, seconds=time.monotonic() - job.begun, code=code)
        if code:
            why = f"{name} failed with exit code {code}, see {log}"
            if command.makes:
                self.bad_data[command.makes] = why
            self._finish(job, "failed", why)

    def _finish(self, job, how, why=None):
        self.running.remove(job)
        job.todo.close()
        job.free()
        if how == "done":
            self.result.finished.append(job.cell)
        else:
            {"skipped": self.result.skipped, "failed": self.result.failed}[how][job.cell] = why
        self.observe(how, job.cell, **({"why": why} if why else {}))
        self._report()

    def _stop(self):
        """Let what is running save and end; a second interruption ends it at once."""
        steps = [job.step for job in self.running if job.step]
        try:
            for step in steps:
                step.interrupt()
            for step in steps:
                step.end()
        except KeyboardInterrupt:
            for step in steps:
                step.kill()
            raise
        finally:
            for job in self.running:
                if job.step:
                    job.writes.end(job.step.command.name, finished=False)
                job.free()
            self.running = []

    def _report(self):
        if not self.options.seat.is_first:
            return  # the first rank sees every run, those of the others when they are done with them
        write_report(self.spec, self.cells, self.out, self.result, {job.cell for job in self.running})


class _Skipped(Exception):
    """A cell that cannot be begun, which is no failure."""

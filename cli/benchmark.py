"""`gsa benchmark`: what the program costs on this machine, beside strong rivals."""

import shlex
from pathlib import Path

import click

from mlx_gsa.benchmark.contenders import SECTIONS
from mlx_gsa.cli.console import console, facts, reporting

FOLDER = click.Path(file_okay=False, path_type=Path)


class Several(click.ParamType):
    """Values separated by commas, each turned by a function."""

    def __init__(self, name, convert, check=lambda value: True):
        self.name, self._convert, self._check = name, convert, check

    def convert(self, value, param, ctx):
        """Return a tuple; anything else is wrong usage."""
        if isinstance(value, tuple):
            return value
        try:
            values = tuple(self._convert(part.strip()) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not like {self.name}", param, ctx)
        wrong = [str(each) for each in values if not self._check(each)]
        if wrong:
            self.fail(f"{', '.join(wrong)} cannot be measured", param, ctx)
        return values


@click.command()
@click.option("--sections", type=Several("forward,step", str, SECTIONS.__contains__),
              help=f"Of {', '.join(SECTIONS)}.  [default: all]")  # fmt: skip
@click.option("--lengths", type=Several("2000,5000", int, lambda n: n >= 50), help="bp.  [default: 500 to 200,000]")
@click.option("--sparsities", type=Several("0.05,0.1", float, lambda x: 0 < x <= 1),
              help="Shares kept.  [default: 0.01 to 1]")  # fmt: skip
@click.option("--quick", is_flag=True, help="Less than a minute, short sequences: a test of the machinery.")
@click.option("--out", type=FOLDER, default=Path("runs/benchmark"), show_default=True, help="Where it is measured to.")
@click.option("--docs", type=FOLDER, help="Also write performance.md, its pictures and its figures below this folder.")
@click.option("--torch-python", type=click.Path(dir_okay=False, path_type=Path), metavar="PYTHON",
              help="An interpreter with PyTorch and NumPy.  [default: this one, if it has PyTorch]")  # fmt: skip
@click.option("--render-only", is_flag=True, help="Measure nothing: write page and pictures from what is saved.")
def command(sections, lengths, sparsities, quick, out, docs, torch_python, render_only):
    """Measure time, operations and memory beside strong rivals, each in a process of its own.

    A benchmark that was stopped goes on where it was. Run it on a machine that does nothing else.
    """
    from mlx_gsa.benchmark.write import FILE, PAGE, PUBLISHED, save, write_page
    from mlx_gsa.cli.benchmark_tables import show

    if not render_only:
        found = _measure(sections, lengths, sparsities, quick, out, torch_python)
        show(found)
        save(found, out / FILE)
        if docs:
            save(found, docs / PUBLISHED)
    page = (docs or out) / PAGE
    written = write_page(docs / PUBLISHED if docs else out / FILE, page)
    console.print(facts("Written", [(path.suffix[1:].upper(), str(path)) for path in written]))


def _measure(sections, lengths, sparsities, quick, out, torch_python):
    from mlx_gsa.benchmark.grid import Plan
    from mlx_gsa.benchmark.run import Benchmark
    from mlx_gsa.runtime import machine

    threads = sorted({1, machine()["cores"]})
    plan = Plan.make(sections or SECTIONS, quick, lengths, sparsities, threads)
    torch_python = str(torch_python.absolute()) if torch_python else None
    command = _typed(sections, lengths, sparsities, quick, torch_python)
    with reporting("Measuring", unit="cells") as report:
        return Benchmark(plan, out, torch_python, report).run(command)


def _typed(sections, lengths, sparsities, quick, torch_python):
    """Write the command that repeats this, without places of this machine."""
    parts = ["gsa", "benchmark"]
    for name, values in (("--sections", sections), ("--lengths", lengths), ("--sparsities", sparsities)):
        parts += [name, ",".join(str(value) for value in values)] if values else []
    parts += ["--quick"] if quick else []
    parts += ["--torch-python", "PYTHON"] if torch_python else []
    return shlex.join(parts)

"""The `gsa` command: finds a command by name, so that `gsa --help` imports neither MLX nor matplotlib."""

import difflib
import os
import sys
from importlib import import_module

import click

from mlx_gsa import __version__
from mlx_gsa.errors import GsaError

COMMANDS = {
    "prepare": "Make a data set from a synthetic recipe, a table or FASTA files.",
    "datasets": "List known sources of data, their terms and the commands that prepare them.",
    "data": "Look at a prepared data set; merge, subset or export it.",
    "train": "Train a model on a prepared data set.",
    "evaluate": "Measure how well a trained model predicts and what it selects.",
    "sweep": "Run an experiment: many trainings, resumable, with their evaluations.",
    "compare": "Compare runs over seeds and folds, with intervals and tests.",
    "tune": "Look for better settings of the training, judged on the validation split.",
    "explain": "Show which positions of a sequence matter, as heatmaps and tracks.",
    "scan": "Score a whole genome, or regions of it: bigWig tracks and peaks.",
    "motifs": "Test which known motifs are enriched at the positions that a model keeps.",
    "variants": "Score the variants of a VCF: what they change, and which motif they make or break.",
    "audit": "Check whether a result could be an illusion: leaks, faithfulness, stability, chance.",
    "benchmark": "Measure time, operations and memory beside strong rivals on this machine.",
    "reproduce": "Make the results page again, from nothing or from what is finished.",
    "info": "Show device, BLAS, memory and versions, and what would make them faster.",
}
EXIT_ERROR, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


class GsaGroup(click.Group):
    """A group that imports a command's module only when that command is run.

    Errors are shown here, in one place: a `GsaError` as a panel on stderr (exit 1), wrong usage by Click
    (exit 2), Ctrl-C as one line (exit 130), anything else as one line; a traceback only with ``--debug``.
    """

    def list_commands(self, ctx):
        """Name the commands in the order of a session, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx, name):
        """Import ``mlx_gsa.cli.NAME`` and return its ``command``, None for an unknown name."""
        if name not in COMMANDS:
            return None
        return _with_shared_options(import_module(f"mlx_gsa.cli.{name}").command)

    def resolve_command(self, ctx, args):
        """Find the command of the first argument; an unknown name gets the nearest known one."""
        near = difflib.get_close_matches(args[0], COMMANDS, n=1)
        if args[0] not in COMMANDS and near:
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {near[0]!r}?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx, formatter):
        """List the commands from the table above, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, args=None, prog_name="gsa", standalone_mode=True, **extra):
        """Run the command line; in standalone mode every outcome leaves through an exit code."""
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        settings.clear()
        run = super().main
        sys.exit(_exit_code(lambda: run(args, prog_name, standalone_mode=False, **extra)))


settings = set()  # of "debug" and "quiet": read by the error handler after Click's context is gone


def _set(ctx, parameter, value):
    if value:
        settings.add(parameter.name)
    if parameter.name == "quiet":
        from mlx_gsa.cli.console import console, err_console

        console.quiet = "quiet" in settings
        err_console.quiet = "quiet" in settings


def _shared_options(hidden):
    common = {"is_flag": True, "is_eager": True, "expose_value": False, "callback": _set, "hidden": hidden}
    debug = click.Option(["--debug"], help="Show a Python traceback when something fails.", **common)
    return [debug, click.Option(["--quiet"], help="Print errors only.", **common)]


def _with_shared_options(command):
    """Accept --debug and --quiet after the command's name too: that is where people append them."""
    taken = {option for parameter in command.params for option in parameter.opts}
    command.params += [option for option in _shared_options(hidden=True) if option.opts[0] not in taken]
    for child in getattr(command, "commands", {}).values():
        _with_shared_options(child)
    return command


def _exit_code(run):
    try:
        result = run()
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has left; keep the interpreter from flushing into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    except Exception as error:
        return _show_failure(error)


def _show_failure(error):
    from mlx_gsa.cli.console import err_console, error_panel

    err_console.quiet = False
    if "debug" in settings:
        err_console.print_exception()
    if isinstance(error, GsaError):
        err_console.print(error_panel(error))
    elif "debug" not in settings:
        line = " ".join(f"{type(error).__name__}: {error}".split())
        click.echo(f"Unexpected {line}\nRun the same command with --debug to see where.", err=True)
    return EXIT_ERROR


@click.group(
    cls=GsaGroup,
    params=_shared_options(hidden=False),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with `gsa prepare`, then `gsa train`, `gsa evaluate` and `gsa explain`.",
)
@click.version_option(__version__, prog_name="gsa")
def main():
    """Find the few positions of regulatory DNA that make it active."""

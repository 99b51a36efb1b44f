"""Options that sources share: limits on sequences, how to split, seed and output folder."""

import functools
from pathlib import Path

import click

FOLDER = click.Path(file_okay=False, path_type=Path)
SPLITS = ("auto", "chromosome", "group", "similarity", "random")
ENDINGS = (".gz", ".tsv", ".csv", ".txt", ".fasta", ".fa", ".fna")


class Values(click.ParamType):
    """Values separated by commas."""

    name = "value,..."

    def convert(self, value, param, ctx):
        """Split the text; a tuple is what Click passes for a default."""
        return value if isinstance(value, tuple) else tuple(v.strip() for v in value.split(",") if v.strip())


def add_options(options, function):
    """Decorate a command with options so that `--help` lists them in order."""
    for option in reversed(options):
        function = option(function)
    return function


def seed_option():
    """Return the option of a seed."""
    number = {"type": click.IntRange(0), "default": 0, "show_default": True}
    return click.option("--seed", **number, help="Same seed, same data set.")


def out_option(default):
    """Return the option of the output folder; `default` says in words where it is otherwise."""
    return click.option("--out", type=FOLDER, help=f"Folder to make. Default: {default}.")


def negatives_option(*kinds):
    """Return the repeatable option of negatives to make, of the kinds a source can; the command gets ``controls``."""

    def parse(_, option, values):
        from mlx_gsa.data.controls import parse_controls
        from mlx_gsa.errors import ConfigError

        try:
            controls = parse_controls(values)
        except ConfigError as problem:
            raise click.BadParameter(str(problem), param=option) from problem
        wrong = [control.kind for control in controls if control.kind not in kinds]
        if wrong:
            raise click.BadParameter(f"{wrong[0]} is not possible here; possible: {', '.join(kinds)}.", param=option)
        return controls

    text = f"Negatives to make: {', '.join(kinds)}. RATIO per positive, 1 if left out; repeatable."
    return click.option("--negatives", "controls", multiple=True, metavar="KIND[:RATIO]", callback=parse, help=text)


def split_options():
    """Return the options that say how records come to their split."""
    split_help = "What goes to one split as a whole; auto: groups, else chromosomes, else similar sequences."
    chroms = {"type": Values(), "default": (), "metavar": "CHROM,..."}
    threshold = {"type": click.FloatRange(0, 1, min_open=True), "help": "Similar from here; default: from shuffles."}
    crossing = {"type": click.Choice(["keep", "drop"]), "default": "keep", "show_default": True}
    crossing["help"] = "Records similar to one of another split or fold: keep and report, or leave out and count."
    return [
        click.option("--split", type=click.Choice(SPLITS), default="auto", show_default=True, help=split_help),
        click.option("--val-chroms", **chroms, help="Chromosomes to validate on; the others train."),
        click.option("--test-chroms", **chroms, help="Chromosomes to test on."),
        click.option("--folds", type=click.IntRange(0), default=0, help="Make folds for cross-validation, as well."),
        click.option("--similarity-threshold", "threshold", **threshold),
        click.option("--crossing", **crossing),
        seed_option(),
    ]


def limits_and_plan(function):
    """Add the options of every source of real sequences; the command receives ``limits`` and ``plan``."""
    base_pairs = {"type": click.IntRange(1), "show_default": True, "help": "In bp."}
    n_help = "Leave out sequences with a larger share of N."
    options = [
        click.option("--min-length", default=20, **base_pairs),
        click.option("--max-length", default=100_000, **base_pairs),
        click.option("--max-n-fraction", type=click.FloatRange(0, 1), default=0.1, show_default=True, help=n_help),
        *split_options(),
    ]

    @functools.wraps(function)
    def with_objects(min_length, max_length, max_n_fraction, split, **others):
        from mlx_gsa.data.collect import Limits
        from mlx_gsa.data.split_plan import SplitPlan

        limits = Limits(min_length, max_length, max_n_fraction)
        names = ("seed", "folds", "val_chroms", "test_chroms", "threshold", "crossing")
        plan = SplitPlan(split, **{name: others.pop(name) for name in names})
        return function(limits=limits, plan=plan, **others)

    return add_options(options, with_objects)


def default_out(file):
    """Name the folder after the file, without its extensions."""
    name = Path(file).name
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return Path("data") / (name if name not in ("", "-") else "stdin")

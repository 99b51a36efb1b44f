"""`gsa prepare`: make a data set. One sub-command per source; each ends with the same summary."""

from pathlib import Path

import click

from mlx_gsa.cli.console import console, facts, reporting, table

FOLDER = click.Path(file_okay=False, path_type=Path)
DEMO = "demo"
ROLES = ("functional", "repressor", "decoy_core", "decoy_spacing", "accidental")
COLUMN_HELP = {
    "id": "Names of the sequences",
    "chrom": "Chromosomes: whole ones go to one split",
    "start": "First base, 0- or 1-based: the length decides",
    "end": "End of the region",
    "strand": "Strand, + or -",
    "group": "Groups that go to one split, such as clusters of similar sequences",
    "split": "Splits: train, val, test",
}


class Values(click.ParamType):
    """Values separated by commas."""

    name = "value,..."

    def convert(self, value, param, ctx):
        """Split the text; a tuple is what Click passes for a default."""
        return value if isinstance(value, tuple) else tuple(v.strip() for v in value.split(",") if v.strip())


def _apply(options, function):
    """Decorate a command with options so that `--help` lists them in order."""
    for option in reversed(options):
        function = option(function)
    return function


def _output_options(default):
    """Return a decorator that adds the options of every source: seed and output folder."""
    seed_help = "Same seed, same data set."
    options = [
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help=seed_help),
        click.option("--out", type=FOLDER, help=f"Folder to make. Default: {default}."),
    ]
    return lambda function: _apply(options, function)


def _limit_options(function):
    """Add the options of every source of real sequences: limits, and how to split."""
    base_pairs = {"type": click.IntRange(1), "show_default": True, "help": "In bp."}
    n_help = "Leave out sequences with a larger share of N."
    split_help = "What goes to one split as a whole; auto: groups, else chromosomes, else single records."
    share, ways = click.FloatRange(0, 1), click.Choice(["auto", "chrom", "group", "random"])
    options = [
        click.option("--min-length", default=20, **base_pairs),
        click.option("--max-length", default=100_000, **base_pairs),
        click.option("--max-n-fraction", type=share, default=0.1, show_default=True, help=n_help),
        click.option("--split-by", type=ways, default="auto", show_default=True, help=split_help),
    ]
    return _apply(options, function)


def _column_options(function):
    """Add the options that name the columns of a table."""
    options = [
        click.option(f"--{name}-column", metavar="COLUMN", help=f"{text}.") for name, text in COLUMN_HELP.items()
    ]
    return _apply(options, function)


@click.group(invoke_without_command=True)
@click.pass_context
def command(ctx):
    """Make a data set from a synthetic recipe, a table or FASTA files.

    Without a source: 'gsa prepare synthetic', the demo, into data/synthetic.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(synthetic)


# Sources of sequences. Each is one command: options in, one call of `mlx_gsa.data`, `_finish`. Sources that
# need a genome or a download (regions, tss, epd, encode) take their place below, with modules of that name.


@command.command()
@click.option("--preset", metavar="demo|full|NAME", help=f"A recipe that ships with gsa. Default: {DEMO}.")
@click.option("--grammar", metavar="FILE", help="Your own recipe, a TOML file, instead of a preset.")
@click.option("--n", type=click.IntRange(3), help="Number of sequences, instead of the recipe's.")
@_output_options("data/synthetic, or data/synthetic-NAME for another recipe than demo")
def synthetic(preset=None, grammar=None, n=None, seed=0, out=None):
    """Sequences with planted binding sites and a known strength."""
    from mlx_gsa.data.grammar import load_grammar
    from mlx_gsa.data.synthetic import make_synthetic

    if preset and grammar:
        raise click.UsageError("Give --preset or --grammar, not both.")
    recipe = load_grammar(grammar or preset or DEMO)
    out = out or Path("data") / ("synthetic" if recipe.name == DEMO else f"synthetic-{recipe.name}")
    with reporting("Making synthetic sequences", unit="sequences") as report:
        dataset = make_synthetic(recipe, out, seed=seed, n=n, progress=report)
    _finish(dataset)


@command.command(name="table")
@click.argument("file", type=click.Path(path_type=str))
@click.option("--sequence-column", metavar="COLUMN", default="sequence", show_default=True, help="DNA sequences.")
@click.option("--label-column", metavar="COLUMN", default="label", show_default=True, help="What to predict.")
@click.option("--task", type=click.Choice(["regression", "binary", "multiclass"]), required=True)
@click.option("--positive", type=Values(), default=(), help="Label values that mean yes (binary).")
@click.option("--negative", type=Values(), default=(), help="Label values that mean no (binary).")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE,...", help="Keep these rows only; repeatable.")
@click.option("--log2", is_flag=True, help="Predict log2(label + pseudocount).")
@click.option("--pseudocount", type=float, default=0.0, show_default=True, help="Added before the logarithm.")
@_column_options
@_limit_options
@_output_options("data/NAME, after the file")
def from_table(file, positive, negative, out, min_length, max_length, max_n_fraction, **options):
    """A table of sequences with labels, tab- or comma-separated, plain or gzip.

    FILE may be '-' for standard input. An optional column that is not named is the one called id, chrom, start,
    end, strand, group or split, if the table has it; 'none' takes no column.
    """
    from mlx_gsa.data.collect import Limits
    from mlx_gsa.data.table import dataset_from_table

    limits = Limits(min_length, max_length, max_n_fraction)
    choices = {"positives": positive, "negatives": negative, "limits": limits, **options}
    with reporting("Reading the table") as report:
        dataset = dataset_from_table(file, out or _default_out(file), progress=report, **choices)
    _finish(dataset)


@command.command()
@click.argument("positives", type=click.Path(path_type=str))
@click.argument("negatives", type=click.Path(path_type=str))
@_limit_options
@_output_options("data/NAME, after the file")
def fasta(positives, negatives, out, min_length, max_length, max_n_fraction, split_by, seed):
    """Two FASTA files: sequences with an activity, and sequences without.

    Either may be '-' for standard input.
    """
    from mlx_gsa.data.collect import Limits
    from mlx_gsa.data.fasta_source import dataset_from_fasta

    limits, out = Limits(min_length, max_length, max_n_fraction), out or _default_out(positives)
    with reporting("Reading FASTA") as report:
        dataset = dataset_from_fasta(
            positives, negatives, out, split_by=split_by, seed=seed, limits=limits, progress=report
        )
    _finish(dataset)


def _default_out(file):
    """Name the folder after the file, without its extensions."""
    name = Path(file).name
    for ending in (".gz", ".tsv", ".csv", ".txt", ".fasta", ".fa", ".fna"):
        name = name.removesuffix(ending)
    return Path("data") / (name if name not in ("", "-") else "stdin")


def _finish(dataset):
    """Show what is in the data set, draw it, and say how to go on."""
    from mlx_gsa.data.summary import summarise
    from mlx_gsa.explain.figures import dataset_figure

    summary = summarise(dataset)
    console.print(_split_table(dataset, summary))
    if summary.sites:
        console.print(_site_table(summary))
    if summary.task == "multiclass":
        console.print(_class_table(summary))
    if summary.dropped or summary.normalised or summary.duplicates:
        console.print(_change_table(summary))
    picture = dataset.path / "summary.png"
    dataset_figure(summary, picture)
    console.print(facts(None, [("data set", dataset.path), ("picture", picture)]))
    console.print(f"Next: gsa train --data {dataset.path}", markup=False, soft_wrap=True)


def _split_table(dataset, summary):
    """Lay out one row per split."""
    reachable, heads = summary.best_reachable_r, ["split", "records", "bp", "mean bp", "GC"]
    heads += {"regression": ["label"], "binary": ["positives"]}.get(summary.task, []) + ["best r"] * bool(reachable)
    rows = []
    for split in summary.splits:
        row = [split.name, split.records, split.bases, round(split.mean_length), f"{split.gc:.1%}"]
        row += _label_cell(summary.task, split)
        rows.append(row + ([f"{reachable[split.name]:.3f}"] if reachable else []))
    captions = [_split_caption(dataset, summary)]
    captions += ["best r: what predicting every label without its noise would reach"] * bool(reachable)
    return table(f"Data set ({summary.task})", heads, rows, "\n".join(filter(None, captions)) or None)


def _label_cell(task, split):
    """Return the label column of one split, if the task has one."""
    if task == "regression":
        return [f"{split.label_mean:.3g} ± {split.label_sd:.3g}"]
    positives = list(split.class_counts.values())[1]
    return [f"{positives:,} ({positives / split.records:.0%})"] if task == "binary" else []


def _split_caption(dataset, summary):
    """Say how the split was made; name the test chromosomes where they are few."""
    words = {"chrom": "whole chromosomes", "group": "whole groups", "random": "at random, in strata of the label"}
    by = dataset.manifest.source.get("split_by")
    if by == "chrom":
        names = sorted(set(dataset.records.chrom[dataset.indices("test")]))
        return f"split: {words[by]}" + (f", test {', '.join(names)}" if len(names) <= 8 else "")
    return by and f"split: {words.get(by, f'as {by} says')}"


def _site_table(summary):
    """Lay out the planted sites: one row per kind, one column per role."""
    present = {role for counts in summary.sites.values() for role in counts}
    roles = [role for role in ROLES if role in present] + sorted(present - set(ROLES))
    rows = [[kind, *(counts.get(role, 0) for role in roles)] for kind, counts in summary.sites.items()]
    return table("Planted sites", ["kind", *(role.replace("_", " ") for role in roles)], rows)


def _class_table(summary):
    """Lay out records per class and split."""
    rows = [[name, *(split.class_counts[name] for split in summary.splits)] for name in summary.classes]
    return table("Classes", ["class", *(split.name for split in summary.splits)], rows)


def _change_table(summary):
    """Lay out what was left out, read differently, or is there twice."""
    groups = {"left out": summary.dropped, "changed": summary.normalised, "copies": summary.duplicates}
    rows = [[head, what, n] for head, counts in groups.items() for what, n in counts.items()]
    return table("Left out, changed, copies", ["", "what", "number"], rows)

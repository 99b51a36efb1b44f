"""`gsa prepare synthetic`: sequences written by a grammar."""

from pathlib import Path

import click

from mlx_gsa.cli.console import reporting
from mlx_gsa.cli.sources.options import out_option, seed_option
from mlx_gsa.cli.sources.report import finish

DEMO = "demo"


@click.command()
@click.option("--preset", metavar="demo|full|NAME", help=f"A recipe that ships with gsa. Default: {DEMO}.")
@click.option("--grammar", metavar="FILE", help="Your own recipe, a TOML file, instead of a preset.")
@click.option("--n", type=click.IntRange(3), help="Number of sequences, instead of the recipe's.")
@seed_option()
@out_option("data/synthetic, or data/synthetic-NAME for another recipe than demo")
def command(preset=None, grammar=None, n=None, seed=0, out=None):
    """Sequences with planted binding sites and a known strength."""
    from mlx_gsa.data.grammar import load_grammar
    from mlx_gsa.data.synthetic import make_synthetic

    if preset and grammar:
        raise click.UsageError("Give --preset or --grammar, not both.")
    recipe = load_grammar(grammar or preset or DEMO)
    out = out or Path("data") / ("synthetic" if recipe.name == DEMO else f"synthetic-{recipe.name}")
    with reporting("Making synthetic sequences", unit="sequences") as report:
        dataset = make_synthetic(recipe, out, seed=seed, n=n, progress=report)
    finish(dataset)

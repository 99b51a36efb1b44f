"""`gsa prepare recipe`: a known file by its stored arguments, through the source that they name."""

import shlex
from pathlib import Path

import click

from mlx_gsa.cli.console import console
from mlx_gsa.cli.sources.options import out_option


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("more", nargs=-1, type=click.UNPROCESSED)
@click.option("--file", type=click.Path(path_type=str), required=True, help="The file of the data set.")
@click.option("--genome", type=click.Path(path_type=str), help="FASTA of the genome, for recipes that need one.")
@out_option("data/NAME")
@click.pass_context
def command(ctx, name, more, file, genome, out):
    """A data set of the catalogue, prepared as its recipe says; `gsa datasets` lists them.

    Further options are handed on, and go before those of the recipe: --seed 1, --folds 10, --split random.
    """
    from mlx_gsa.data.catalogue import find_recipe

    recipe = find_recipe(name)
    source, *arguments = [*recipe.arguments(file, out or Path("data") / recipe.name, genome), *more]
    console.print(f"gsa prepare {shlex.join([source, *arguments])}", style="dim", markup=False, soft_wrap=True)
    target = ctx.parent.command.commands[source]
    with target.make_context(source, arguments, parent=ctx.parent) as inner:
        target.invoke(inner)

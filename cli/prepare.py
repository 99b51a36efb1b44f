"""`gsa prepare`: make a data set. One sub-command per source, each in a file of its own under `sources`."""

from importlib import import_module

import click

SOURCES = ("synthetic", "table", "fasta", "regions", "tss", "epd", "encode", "recipe")


@click.group(invoke_without_command=True)
@click.pass_context
def command(ctx):
    """Make a data set: from a recipe, a table, FASTA files, a genome with regions or TSS, EPD or ENCODE.

    Without a source: 'gsa prepare synthetic', the demo, into data/synthetic.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(command.commands["synthetic"])


for _name in SOURCES:
    command.add_command(import_module(f"mlx_gsa.cli.sources.{_name}").command, _name)

"""`gsa prepare`: make a data set. One sub-command per source, each in a file of its own under `sources`."""

from importlib import import_module

import click

SOURCES = ("synthetic", "table", "fasta", "tss", "epd", "recipe")


@click.group(invoke_without_command=True)
@click.pass_context
def command(ctx):
    """Make a data set from a synthetic recipe, a table or FASTA files.

    Without a source: 'gsa prepare synthetic', the demo, into data/synthetic.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(command.commands["synthetic"])


for _name in SOURCES:
    command.add_command(import_module(f"mlx_gsa.cli.sources.{_name}").command, _name)

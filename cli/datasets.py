"""`gsa datasets`: known sources of data, their terms, and the commands that prepare them."""

import json

import click

from mlx_gsa.cli.console import console, facts, table


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print machine-readable JSON.")
def command(name, as_json):
    """List known sources of data; with NAME, show one in full, with its commands."""
    from mlx_gsa.data.catalogue import find_entry, read_catalogue

    entries = [find_entry(name)] if name else read_catalogue()
    if as_json:
        shown = [_as_dict(entry) for entry in entries]
        click.echo(json.dumps(shown[0] if name else shown, indent=2))
    elif name:
        _show(entries[0])
    else:
        rows = [[entry.name, entry.records, entry.length, entry.title] for entry in entries]
        heads = ["name", "records", "bp", "what"]
        console.print(table("Known data", heads, rows, "gsa datasets NAME: terms, address and commands of one"))


def _as_dict(entry):
    """Return an entry with its commands, as they are typed."""
    content = entry.model_dump(mode="json")
    for said, recipe in zip(content["recipes"], entry.recipes, strict=True):
        names = ("prepare_command", "full_command", "next_command")
        said |= {each: getattr(recipe, each) for each in names}
    return content


def _show(entry):
    """Show one entry in full; commands on lines of their own, to be copied."""
    names = ("organism", "label", "records", "length", "size", "licence", "citation", "place")
    rows = [(name if name != "length" else "length (bp)", getattr(entry, name)) for name in names]
    rows += [("address", "\n".join(entry.url)), ("note", "\n".join(entry.notes) or None)]
    console.print(facts(f"{entry.name}: {entry.title}", rows))
    for recipe in entry.recipes:
        console.print(f"\n{recipe.name}: {recipe.title}", style="bold", markup=False)
        console.print(f"  split: {recipe.why}", markup=False, soft_wrap=True)
        if recipe.baseline:
            console.print(f"  baseline: {recipe.baseline}", markup=False, soft_wrap=True)
        _commands(recipe.prepare_command, recipe.next_command)
        console.print("  The first is short for:", markup=False)
        _commands(recipe.full_command)
    if entry.commands:
        console.print()
        _commands(*entry.commands)


def _commands(*commands):
    """Print commands unbroken."""
    for each in commands:
        console.print(f"  $ {each}", style="cyan", markup=False, soft_wrap=True)

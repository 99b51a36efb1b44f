"""A source that is another source with its file fetched first: the other's options, taken over."""

import copy

import click

from mlx_gsa.cli.sources.options import add_options


def with_options_of(other, *without, optional=()):
    """Return a decorator that gives a command the options of another one.

    Parameters
    ----------
    other : click.Command
    *without : str
        Parameters that the command states itself or that do not apply.
    optional : tuple of str
        Parameters that are required there and not here.
    """
    taken = [copy.copy(parameter) for parameter in other.params if parameter.name not in without]
    for parameter in taken:
        parameter.required = parameter.required and parameter.name not in optional

    def add(command):
        command.params += [parameter for parameter in taken if not getattr(parameter, "hidden", False)]
        return command

    return add


def fetch_options(function):
    """Add the options of every source that downloads; the command receives ``offline``."""
    text = "Use the cache only; say which file to put where if it is not there."
    return add_options([click.option("--offline", is_flag=True, help=text)], function)


def given(ctx, name):
    """Say whether the user gave an option, rather than leaving it at its default."""
    return ctx.get_parameter_source(name) not in (None, click.core.ParameterSource.DEFAULT)

"""The commands: parse, call, report. Typer takes a sixth of a second to import, so only ``cli`` imports
this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Annotated

import typer

from resonate_scaffold import __version__
from resonate_scaffold.commands import add, agents, change, export, look, service

_GROUPS = {"add": add.app, "export": export.app, "rename": change.rename}
_COMMANDS: dict[str, Callable[..., None]] = {
    "new": service.new,
    "dev": service.dev,
    "engine": service.engine,
    "template": service.template,
    "remove": change.remove,
    "upgrade": change.upgrade,
    "list": look.list_,
    "check": look.check,
    "graph": look.graph,
    "mcp": agents.mcp,
}


def program(line: Sequence[str] = ()) -> typer.Typer:
    """The commands; of a line that begins with one, that one only: Typer reads the signature of each it is given."""
    app = typer.Typer(
        name="resonate-scaffold",
        help="Durable HTTP services on Resonate: generated in one command, running in a minute.",
        rich_markup_mode=None,  # plain help: rich costs more time than it adds
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    first = line[0] if line and line[0] in {*_GROUPS, *_COMMANDS} else None
    for name, group in _GROUPS.items():
        if first in (None, name):
            app.add_typer(_narrowed(group, line[1:]), name=name)
    for name, command in _COMMANDS.items():
        if first in (None, name):
            app.command(name)(command)
    return app


def _narrowed(group: typer.Typer, line: Sequence[str]) -> typer.Typer:
    named = [it for it in group.registered_commands if line and it.name == line[0]]
    if not named:
        return group
    narrowed = copy(group)
    narrowed.registered_commands = named
    return narrowed


def _version(wanted: bool) -> None:
    """``--version`` among other options; alone it is answered by ``cli``, which does not load this."""
    if wanted:
        print(f"resonate-scaffold {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass

"""The commands: parse, call, report. Typer takes a sixth of a second to import, so only ``cli`` imports
this.
"""

from __future__ import annotations

from typing import Annotated

import typer

from resonate_scaffold import __version__
from resonate_scaffold.commands import add, change, export, look, service

app = typer.Typer(
    name="resonate-scaffold",
    help="Durable HTTP services on Resonate: generated in one command, running in a minute.",
    rich_markup_mode=None,  # plain help: rich costs more time than it adds
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    """``--version`` among other options; alone it is answered by ``cli``, which does not load this."""
    if wanted:
        print(f"resonate-scaffold {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


app.add_typer(add.app, name="add")
app.add_typer(export.app, name="export")
app.add_typer(change.rename, name="rename")
for command in (service.new, service.dev, service.engine, change.remove, look.check, look.graph):
    app.command()(command)
app.command("list")(look.list_)

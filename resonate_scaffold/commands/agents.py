"""``mcp``: the commands as tools of a coding agent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from resonate_scaffold.errors import ScaffoldError, UsageError


def mcp(
    project: Annotated[
        Path, typer.Option("--project", help="The directory that its tools may look at and change.", metavar="DIR")
    ] = Path(),
    url: Annotated[
        str | None,
        typer.Option(help="The engine whose runs are shown; what the service's settings say otherwise.", metavar="URL"),
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Add nothing: only show what would change.")] = False,
) -> None:
    """Serve a coding agent by the Model Context Protocol, on standard input and output: list, check, add, runs, …

    The agent starts it itself, by its configuration: docs/agents.md.
    """
    try:
        from resonate_scaffold.mcp_server import Tools, make_server
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "mcp":
            raise
        raise ScaffoldError(
            "The package `mcp` is not installed, which this command needs",
            "Install it beside this tool: pip install 'resonate-scaffold[mcp]'; in a clone: pip install -e '.[mcp]'",
        ) from error
    root = project.resolve()
    if not root.is_dir():
        raise UsageError(f"{project} is not a directory", "Name the service's directory.")
    make_server(Tools(root, url, read_only)).run("stdio")

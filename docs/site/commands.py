"""The pages of all commands: of the tool, from its Typer application, and of a service, from its Click one."""

from __future__ import annotations

from collections.abc import Iterable

import typer.main

from docs.site.describe import Command, Param, commands
from docs.site.markdown import prose, table
from resonate_scaffold.cli import PROGRAM
from resonate_scaffold.commands import program
from tests.grown import NAME


def of_tool() -> str:
    """Every command of the tool."""
    head = (
        "# Every command and option\n\n"
        f"All of `{PROGRAM}`, read from the program itself. "
        "[Commands](../commands.md) says what holds for all of them.\n"
    )
    return head + _all(PROGRAM, commands(typer.main.get_command(program())))


def of_service(described: Iterable[Command]) -> str:
    """Every command of a generated service."""
    head = (
        "# Commands of a service\n\n"
        "Every service has a command of its own name. These are those of a service "
        f"`{NAME}` with the example, read from the program itself. `approve` and `reject` are the example's.\n"
    )
    return head + _all(NAME, described)


def _all(name: str, described: Iterable[Command]) -> str:
    return "".join(_one(name, it) for it in described if it["path"] or it["params"])


def _one(name: str, command: Command) -> str:
    line = " ".join([name, *command["path"]])
    parts = [
        f"\n{'#' * (1 + max(1, len(command['path'])))} `{line}`\n",
        prose(command["help"].strip()),
        "",
    ]
    arguments = [it for it in command["params"] if it["is_argument"]]
    options = [it for it in command["params"] if not it["is_argument"]]
    if not command["is_group"]:
        usage = [line, *(_shown(it) for it in arguments), *(["[OPTIONS]"] if options else [])]
        parts += ["```text", " ".join(usage), "```", ""]
    for title, params in (("argument", arguments), ("option", options)):
        rows = [(_spelling(it), prose(_meaning(it))) for it in params if it["help"] or not it["is_argument"]]
        if rows:
            parts += [table((title, "meaning"), rows)]
    return "\n".join(parts)


def _shown(argument: Param) -> str:
    is_type = argument["metavar"] in ("TEXT", "STRING", "STR", "PATH")
    shown = argument["name"].upper() if is_type else argument["metavar"]
    shown = shown.strip("[]").removesuffix("...")
    shown += "..." if argument["is_repeated"] else ""
    return shown if argument["is_required"] else f"[{shown}]"


def _spelling(param: Param) -> str:
    if param["is_argument"]:
        return f"`{_shown(param)}`"
    names = ", ".join(f"`{it}`" for it in param["names"])
    return names if param["is_flag"] else f"{names} `{param['metavar']}`"


def _meaning(param: Param) -> str:
    """What the option does, whether it may be given again, and its default."""
    default = param["default"] if param["default"] not in ("", ".") and not param["is_flag"] else ""
    more = [
        *(["Required."] if param["is_required"] and not param["is_argument"] else []),
        *(["May be given several times."] if param["is_repeated"] and "again" not in param["help"] else []),
        *([f"Default: `{default}`."] if default and default not in param["help"] else []),
    ]
    return " ".join([param["help"].rstrip(), *more])

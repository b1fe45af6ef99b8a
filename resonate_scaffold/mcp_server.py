"""The commands as tools of a coding agent: a server of the Model Context Protocol on standard input and output.

Each call runs the command itself in a process of its own, with ``--json``: so a tool refuses what the command line
refuses, and answers what it prints. Commands are made to run once and end: they collect no garbage, and take signals.

An agent passes on what it has read, and that may be somebody else's text. So whoever starts the server says which
directory its tools may name, and which engine they may ask; the agent does not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import anyio
import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from resonate_scaffold import __version__, disk
from resonate_scaffold.commands.add import app as add_commands
from resonate_scaffold.errors import ScaffoldError
from resonate_scaffold.service.listing import KINDS
from resonate_scaffold.service_command import last_line, run_command

_SECONDS = 120.0  # for a command: a check of thousands of files takes a few
_NOUNS = sorted(
    [str(it.name) for it in add_commands.registered_commands] + [str(it.name) for it in add_commands.registered_groups]
)
_OURS = ("--project", "--dry-run", "--json", "--yes", "--help")
"""Options of `add` that this server gives."""

_INSTRUCTIONS = (
    "Tools for a service that resonate-scaffold made: durable, over HTTP, on FastAPI and Resonate. Read its AGENTS.md "
    "first. `list` and `graph` say what is there, `add` makes more (a dry run unless told otherwise; "
    "`add_help` says what it takes), `check` finds mistakes and `explain` says what a rule means, `runs_list` and "
    "`runs_show` say what runs, and what it waits for."
)

Where = Annotated[str, Field(description="The service, or a directory in it; relative to the server's directory.")]
Noun = Annotated[str, Field(description="What to add.", json_schema_extra={"enum": list(_NOUNS)})]
Moment = Annotated[str | None, Field(description="A duration such as P1D or PT2H, or a moment of ISO 8601.")]
RunId = Annotated[str, Field(description="KIND/ID, such as job/order-4711.")]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the tools do, within limits that their server was started with.

    ``root`` is the directory, resolved, that each path must lie in; ``url`` the engine of the runs, None for the one
    that the service's own settings name; ``read_only``: nothing is added.
    """

    root: Path
    url: str | None = None
    read_only: bool = False

    async def list(
        self,
        kind: Annotated[str | None, Field(description="Only these.", json_schema_extra={"enum": list(KINDS)})] = None,
        project: Where = ".",
    ) -> dict[str, Any]:
        """What the service has, read from its code: what is served where, and called from where, with file and line."""
        chosen = [_value(kind, "kind", KINDS)] if kind is not None else []
        return await self._json("list", *chosen, "--json", "--project", self._inside(project))

    async def graph(
        self,
        origins: Annotated[
            Sequence[str], Field(description="Only what these lead to: a route (POST /jobs), a workflow.")
        ] = (),
        by_group: Annotated[bool, Field(description="One node for each group.")] = False,
        project: Where = ".",
    ) -> dict[str, Any]:
        """Who calls whom: routes, workflows, steps, database functions, gates and schedules, as nodes and edges."""
        options = [f"--from={it}" for it in origins] + ["--by-group"] * by_group
        return await self._json("graph", "--format", "json", *options, self._inside(project))

    async def check(
        self,
        paths: Annotated[Sequence[str], Field(description="Files or directories.")] = (".",),
        select: Annotated[Sequence[str], Field(description="Only these rules: RS2, RS301, a name.")] = (),
        ignore: Annotated[Sequence[str], Field(description="Not these rules.")] = (),
        checklist: Annotated[
            bool, Field(description="For every route that starts work: what makes it safe, and where.")
        ] = False,
    ) -> dict[str, Any]:
        """Mistakes in code that uses Resonate: wiring, determinism, durability, HTTP, an older SDK. Changes nothing."""
        options = [*(f"--select={it}" for it in select), *(f"--ignore={it}" for it in ignore)]
        options += ["--checklist"] * checklist
        return await self._json("check", "--format", "json", *options, *map(self._inside, paths))

    async def explain(self, rule: Annotated[str, Field(description="Its code or name: RS201.")]) -> str:
        """The page of a rule of `check`: what goes wrong, an example of it, what to write instead."""
        return await self._text("check", f"--explain={rule}")

    async def add_help(self, kind: Noun) -> str:
        """What `add` takes for a kind: its arguments and options, and how fields are typed."""
        return await self._text("add", _value(kind, "kind", _NOUNS), "--help")

    async def add(
        self,
        kind: Noun,
        arguments: Annotated[
            Sequence[str],
            Field(
                description="As on the command line after `add KIND`, each a text of its own: "
                '["ship-order", "--takes", "order_id:str", "--route"].'
            ),
        ],
        dry_run: Annotated[bool, Field(description="Only show the change, as a diff.")] = True,
        project: Where = ".",
    ) -> dict[str, Any]:
        """Add to the service: files, wiring and a test of one more. By default it only shows the change.

        Show the change to the user, then call it again with dry_run false. Edits are located in the code as it is;
        where a place cannot be edited safely nothing is written, and the lines to paste are in the error.
        """
        if self.read_only and not dry_run:
            raise ToolError("This server was started with --read-only: nothing is added\nAsk for a dry run.")
        noun, directory = _value(kind, "kind", _NOUNS), self._inside(project)
        for number, text in enumerate(arguments):
            name, given, value = text.partition("=")
            if name in _OURS:
                raise ToolError(f"{name} is not an argument here\nUse project and dry_run of this tool, and add_help.")
            if name == "--from-schema":
                self._inside(value if given else "".join(arguments[number + 1 : number + 2]))
        options = ["--json", "--project", directory, *(["--dry-run"] * dry_run)]
        return await self._json("add", noun, *options, *arguments)

    async def runs_list(
        self,
        status: Annotated[str | None, Field(description="running, succeeded, failed, canceled or timed_out.")] = None,
        kind: Annotated[str | None, Field(description="Only runs whose id begins so: job.")] = None,
        caller: Annotated[str | None, Field(description="Only runs of this caller.")] = None,
        text: Annotated[str | None, Field(description="Only runs whose id has this in it.")] = None,
        since: Moment = None,
        until: Moment = None,
        limit: Annotated[int, Field(ge=1, le=1000)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before.")] = None,
        project: Where = ".",
    ) -> dict[str, Any]:
        """The runs of the service, the newest first. The service must be installed, and its engine running."""
        given = {"status": status, "kind": kind, "caller": caller, "text": text, "since": since, "until": until}
        given |= {"limit": str(limit), "cursor": cursor}
        options = [f"--{name}={value}" for name, value in given.items() if value is not None]
        return await self._service(project, "runs", "list", *options)

    async def runs_show(self, run: RunId, project: Where = ".") -> dict[str, Any]:
        """One run: its calls, how long each took, and what those that are open wait for. Hidden values stay hidden."""
        return await self._service(project, "runs", "show", last=("--", run))

    def _inside(self, path: str) -> str:
        """A path as the commands get it, resolved.

        Raises:
            ToolError: it leads out of the server's directory.
        """
        try:
            found = (self.root / path).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise ToolError(f"{path!r} is no path: {error}\nName a directory below {self.root}.") from error
        if not found.is_relative_to(self.root):
            raise ToolError(
                f"{path} is outside of {self.root}, the directory of this server\nTo reach it, start the server there."
            )
        return str(found)

    async def _json(self, *arguments: str) -> dict[str, Any]:
        """Run a command, and return the object that it prints."""
        done = await self._run(arguments)
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            raise ToolError(_complaint(done)) from None
        if error := answer.get("error"):
            raise ToolError(f"{error['message']}\n{error['hint']}")
        return cast(dict[str, Any], answer)

    async def _text(self, *arguments: str) -> str:
        """Run a command, and return the page that it prints."""
        done = await self._run(arguments)
        if done.returncode:
            raise ToolError(_complaint(done))
        return done.stdout

    async def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        # -P: a directory of the user's with the name of some package is not imported.
        command = [sys.executable, "-P", "-m", "resonate_scaffold", *arguments]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        try:
            with anyio.fail_after(_SECONDS):  # the process is killed then, and where the client cancels the call
                done = await anyio.run_process(
                    command, cwd=self.root, env=environment, stdin=subprocess.DEVNULL, check=False
                )
        except TimeoutError:
            raise ToolError(f"The command took more than {_SECONDS:g} s\nAsk for less, or run it by hand.") from None
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return subprocess.CompletedProcess(command, done.returncode, out, err)

    async def _service(self, project: str, *arguments: str, last: Sequence[str] = ()) -> dict[str, Any]:
        """Run a command of the service itself, and return the object that it prints."""
        engine = [f"--url={self.url}"] if self.url is not None else []
        where = Path(self._inside(project))

        def ask() -> subprocess.CompletedProcess[str]:
            root, service = disk.discover(where)
            return run_command(root, service.package, [*arguments, "--json", *engine, *last])

        try:
            done = await anyio.to_thread.run_sync(ask)
        except ScaffoldError as error:
            raise ToolError(f"{error.message}\n{error.hint}") from error
        if done.returncode:
            raise ToolError(_complaint(done))
        try:
            return cast(dict[str, Any], json.loads(done.stdout))
        except ValueError:
            shown = " ".join(arguments)
            raise ToolError(f"`{shown}` printed something else than JSON\nRun it by hand: see what it says.") from None


def make_server(tools: Tools) -> MCPServer:
    """The server with these tools."""
    server = MCPServer(
        "resonate-scaffold", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING", subscriptions=False
    )
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    adds = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    for tool in (tools.list, tools.graph, tools.check, tools.explain, tools.add_help, tools.runs_list, tools.runs_show):
        server.add_tool(tool, annotations=reads)
    server.add_tool(tools.add, annotations=adds)
    return server


def _value(text: str, name: str, allowed: Sequence[str] | Any) -> str:
    if text not in allowed:
        raise ToolError(f"{text!r} is no {name}\nIt is one of: {', '.join(allowed)}.")
    return text


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that failed says on standard error, without a traceback, log lines and its usage."""
    if "Traceback (most recent call last)" in done.stderr:
        return f"The command failed: {last_line(done)}\nRun it by hand to see where."
    lines = done.stderr.strip().splitlines() or [f"The command failed with exit status {done.returncode}"]
    first = max((number for number, line in enumerate(lines) if line.startswith("Error: ")), default=0)
    told = lines[first:]
    return "\n".join(told if len(told) > 1 else [*told, "Run it by hand to see more."])

"""The server of the Model Context Protocol, asked by its library's own client over the pipes of a real process."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent, Tool as McpTool

from resonate_scaffold import __version__, cli, mcp_server
from resonate_scaffold.project import MANIFEST
from tests.conftest import tree
from tests.test_trust import planted

Call = tuple[str, Mapping[str, Any]]
ADD = ["ship-order", "--takes", "order_id:str"]
TOLD: Call = ("add", {"kind": "workflow", "arguments": ADD, "dry_run": False})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = tmp_path_factory.mktemp("made")
    assert not cli.run(["new", "orders", "--defaults", "--no-install", "--no-git", "--json", "--into", str(parent)])
    return parent / "orders"


@pytest.fixture
def service(made: Path, tmp_path: Path) -> Path:
    """A service of the test's own."""
    return Path(shutil.copytree(made, tmp_path / "orders"))


def ask(
    directory: Path, *calls: Call, options: Sequence[str] = (), mode: str = "legacy", **env: str
) -> list[CallToolResult]:
    """The answers of a server that is started in a directory, in one session.

    ``mode`` "legacy" begins it with `initialize`, "auto" as the protocol does since 2026.
    """

    async def session() -> list[CallToolResult]:
        command = ["-P", "-m", "resonate_scaffold", "mcp", *options]
        variables = {**os.environ, **env}
        server = StdioServerParameters(command=sys.executable, args=command, cwd=directory, env=variables)
        async with Client(stdio_client(server), mode=mode) as client:
            check_tools(client, (await client.list_tools()).tools)
            assert client.server_info is not None and client.server_info.version == __version__
            answers = [await client.call_tool(name, dict(arguments)) for name, arguments in calls]
            await client.list_tools()  # whatever was asked, it lives
        return answers

    return asyncio.run(session())


def refusal(answer: CallToolResult) -> str:
    """What a tool that failed says: what is wrong and what to do, and no traceback."""
    assert answer.is_error and isinstance(answer.content[0], TextContent)
    text = answer.content[0].text
    assert "Traceback" not in text and len(text.splitlines()) >= 2
    return text


def printed(*arguments: str) -> Any:
    """What the command line prints."""
    with redirect_stdout(StringIO()) as output:
        assert cli.run(list(arguments)) == 0
    return json.loads(output.getvalue()) if "json" in " ".join(arguments) else output.getvalue()


def check_tools(client: Client, tools: Sequence[McpTool]) -> None:
    assert client.instructions is not None and "AGENTS.md" in client.instructions
    assert all(it.description and "$ref" not in json.dumps(it.input_schema) for it in tools)
    reading = ("list", "graph", "check", "explain", "add_help", "runs_list", "runs_show")
    hints = {it.name: it.annotations and it.annotations.read_only_hint for it in tools}
    assert hints == dict.fromkeys(reading, True) | {"add": False}


def test_tools_answer_what_the_commands_print(service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(service)
    (service / "orders/workflows/late.py").write_text(
        "import time\n\nfrom orders.runtime.durable.rpc import serve\nfrom resonate.context import Context\n\n\n"
        "async def late(ctx: Context) -> float:\n    await ctx.sleep(time.time())\n    return time.time()\n"
    )
    before = tree(service)
    listed, graph, check, page, shown, dry, wrong = ask(
        service,
        ("list", {"kind": "workflow"}),
        ("graph", {"origins": ["POST /jobs"]}),
        ("check", {"select": ["RS2"]}),
        ("explain", {"rule": "RS201"}),
        ("add_help", {"kind": "workflow"}),
        ("add", {"kind": "workflow", "arguments": ADD}),
        ("add", {"kind": "workflow", "arguments": ["Ship order"]}),
    )
    assert listed.structured_content == printed("list", "workflow", "--json", "--project", str(service))
    assert graph.structured_content == printed("graph", "--format", "json", "--from", "POST /jobs")
    assert check.structured_content is not None and not check.is_error
    assert {it["code"] for it in check.structured_content["findings"]} == {"RS201"}
    assert page.structured_content == {"result": printed("check", "--explain", "RS201")}
    assert shown.structured_content is not None and "--takes" in shown.structured_content["result"]
    assert dry.structured_content == printed("add", "workflow", *ADD, "--dry-run", "--json")
    assert "Try: ship-order" in refusal(wrong)
    assert tree(service) == before


def test_a_tool_adds_when_it_is_told_to(service: Path) -> None:
    done, again = ask(service, TOLD, TOLD, mode="auto")
    assert done.structured_content is not None and "diff" not in done.structured_content
    assert (service / "orders/workflows/ship_order.py").exists()
    assert again.structured_content is not None and again.structured_content["changes"] == []


def test_tools_stay_in_the_limits_of_their_server(service: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (service / "link").symlink_to(elsewhere)
    (elsewhere / "schema.json").write_text("{}")
    (service / "json.py").write_text("raise RuntimeError('code of the service was run')\n")
    before = tree(service)
    outside = ["..", str(elsewhere), "link"]
    calls: list[Call] = [("list", {"project": path}) for path in outside]
    calls += [("check", {"paths": [path]}) for path in outside] + [("runs_list", {"project": ".."})]
    calls += [
        ("add", {"kind": "rpc", "arguments": ["a.b", *schema]})
        for schema in (["--from-schema", "link/schema.json"], ["--from-schema=../x.json"])
    ]
    given = [["a", f"--project={elsewhere}"], ["a", "--project", ".."], ["--help"], ["a", "--json"]]
    more: list[Call] = [("add", {"kind": "workflow", "arguments": it}) for it in given]
    last: list[Call] = [TOLD, ("runs_list", {}), ("list", {"kind": "group"})]
    *refused, adds, runs, listed = ask(service, *calls, *more, *last, options=["--read-only"])
    for answer in refused[: len(calls)]:
        assert "is outside of" in refusal(answer)
    for answer in refused[len(calls) :]:
        assert "is not an argument here" in refusal(answer)
    assert "--read-only" in refusal(adds)
    assert "dependencies are not installed" in refusal(runs)
    assert not listed.is_error
    assert tree(service) == before


def test_what_the_command_line_does_not_trust_is_refused(service: Path) -> None:
    planted(service)
    before = tree(service)
    asked: list[Call] = [TOLD]
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root:  # only root can give a file to somebody else; `runs_list` would run that one's code
        (service / "another").mkdir()
        shutil.copy(service / MANIFEST, service / "another" / MANIFEST)
        os.chown(service / "another", 12345, -1)
        asked += [(name, {"project": "another"}) for name in ("list", "runs_list")]
    sealed, *others = ask(service, *asked, SUDO_UID="")
    assert "seal" in refusal(sealed)
    assert len(others) == 2 * is_root
    for answer in others:
        assert "belongs to another user" in refusal(answer)
    kept = {path: content for path, content in tree(service).items() if not path.startswith("another/")}
    kept.pop(".resonate-scaffold.apply/.resonate-scaffold.lock", None)
    assert kept == before


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", "The command failed with exit status 1\nRun it by hand to see more."),
        ("12:00 WARNING away\nError: no engine\nStart it.\n", "Error: no engine\nStart it."),
        ("Usage: orders runs\n\nError: Invalid value\n", "Error: Invalid value\nRun it by hand to see more."),
        (
            "Traceback (most recent call last):\n  File x\nKeyError: 'a'\n",
            "The command failed: KeyError: 'a'\nRun it by hand to see where.",
        ),
    ],
)
def test_what_a_failed_command_says_in_short(said: str, told: str) -> None:
    assert mcp_server._complaint(subprocess.CompletedProcess([], 1, "", said)) == told


def test_without_its_library_the_command_says_what_to_install(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['mcp'] = None; from resonate_scaffold import cli; sys.exit(cli.run(['mcp']))"
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "     error  The package `mcp` is not installed, which this command needs",
        "      hint  Install it beside this tool: pip install 'resonate-scaffold[mcp]'; in a clone: "
        "pip install -e '.[mcp]'",
    ]

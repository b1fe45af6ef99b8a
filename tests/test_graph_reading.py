"""What `graph` reads from code, and the command."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import pytest

from resonate_scaffold.check.model import Model
from resonate_scaffold.check.program import Program
from resonate_scaffold.graph.reading import structure_of
from resonate_scaffold.graph.structure import Kind, Link, Structure
from resonate_scaffold.project import Project

from .conftest import Tool
from .grown import fresh, grown


def structure_in(project: Project) -> Structure:
    files = {path: content for path, content in project.files.items() if path.suffix == ".py"}
    return structure_of(Model(Program(files)), project.package)


def test_a_service_of_adds() -> None:
    project = grown(
        fresh(bare=True),
        "add db-function reserve-stock --takes sku:str --returns reservation_id:str",
        "add rpc payments.charge --takes amount_cents:int --returns receipt:str",
        "add workflow place-order --takes number:str --takes sku:str --takes amount_cents:int"
        " --calls db.reserve_stock --calls payments.charge",
        "add idempotency-key order --from number",
        "add route POST /orders --workflow place-order --key order",
        "add webhook approval --takes approved:bool --workflow place-order",
        "add workflow close-day",
        "add schedule nightly --workflow close-day --cron '0 2 * * *'",
        "add workflow forgotten",
    )
    drawn = structure_in(project)
    assert {group.name: group.foreign for group in drawn.groups} == {
        "api": False,
        "db": False,
        "payments": True,
        "workers": False,
    }
    assert {(node.label, node.kind, node.group, node.reachable) for node in drawn.nodes} == {
        ("POST /orders", Kind.route, "api", True),
        ("POST /webhooks/approval/{id:path}", Kind.route, "api", True),
        ("place-order", Kind.workflow, "workers", True),
        ("close-day", Kind.workflow, "workers", True),
        ("forgotten", Kind.workflow, "workers", False),
        ("db.reserve_stock", Kind.function, "db", True),
        ("payments.charge", Kind.function, "payments", True),
        ("approval", Kind.gate, None, True),
        ("nightly", Kind.schedule, "workers", True),
    }
    labels = {node.id: node.label for node in drawn.nodes}
    assert {(labels[edge.source], edge.kind, labels[edge.target]) for edge in drawn.edges} == {
        ("POST /orders", Link.starts, "place-order"),
        ("POST /webhooks/approval/{id:path}", Link.answers, "approval"),
        ("place-order", Link.calls, "db.reserve_stock"),
        ("place-order", Link.calls, "payments.charge"),
        ("nightly", Link.starts, "close-day"),
    }


PLAIN = """\
from datetime import timedelta

from fastapi import FastAPI, Request
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

app = FastAPI()


@app.post("/reports", status_code=202)
async def ask(request: Request, name: str) -> str:
    client: Resonate = request.app.state.resonate
    handle = client.options(target="workers", timeout=timedelta(hours=1)).rpc(f"report/{name}", "report", name)
    return await handle.id()


async def report(ctx: Context, name: str) -> str:
    rows = await ctx.run(read, name)
    text = await ctx.options(target="writers", timeout=timedelta(minutes=5)).rpc("write", rows)
    ctx.detached("archive", text)
    return text


async def read(ctx: Context, name: str) -> list[str]:
    return [await ctx.options(target="db", timeout=timedelta(minutes=1)).rpc("rows", name)]


async def archive(ctx: Context, text: str) -> None: ...


async def workers() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="workers", retry_policy=Never())
    client.register(report)
    client.register(archive)
    await client.schedule("weekly", "0 7 * * 1", "report", args=("week",))
    return client
"""


def test_a_plain_program() -> None:
    drawn = structure_of(Model(Program({PurePosixPath("main.py"): PLAIN.encode()})), "reports")
    assert {(node.label, node.kind, node.group) for node in drawn.nodes} == {
        ("POST /reports", Kind.route, "api"),
        ("report", Kind.workflow, "workers"),
        ("archive", Kind.function, "workers"),
        ("write", Kind.function, "writers"),
        ("rows", Kind.function, "db"),
        ("weekly", Kind.schedule, "workers"),
    }
    labels = {node.id: node.label for node in drawn.nodes}
    assert {(labels[edge.source], edge.kind, labels[edge.target]) for edge in drawn.edges} == {
        ("POST /reports", Link.starts, "report"),
        ("weekly", Link.starts, "report"),
        ("report", Link.calls, "write"),
        ("report", Link.calls, "rows"),  # by a step
        ("report", Link.detaches, "archive"),
    }
    assert {group.name for group in drawn.groups if group.foreign} == {"db", "writers"}


def test_the_command(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "home" / "main.py").write_text(PLAIN)
    printed = tool("graph")
    assert printed.status == 0 and "POST /reports" in printed.out
    written = tool("graph", "--format", "svg", "--output", "reports.svg")
    assert written.status == 0 and written.out == "    create  reports.svg\n"
    ElementTree.parse(tmp_path / "home" / "reports.svg")
    assert json.loads(tool("graph", "main.py", "--format", "json").out)["title"] == "home"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["graph", "nowhere"], 2, "nowhere is not there"),
        (["graph", "empty"], 1, "empty has nothing to draw"),
        (["graph", "full", "--output", "nowhere/a.svg"], 1, "Cannot write nowhere/a.svg"),
    ],
)
def test_refusals(tool: Tool, tmp_path: Path, arguments: list[str], status: int, message: str) -> None:
    for name in ("empty", "full"):
        (tmp_path / "home" / name).mkdir()
        (tmp_path / "home" / name / "pyproject.toml").touch()
    (tmp_path / "home" / "full" / "main.py").write_text(PLAIN)
    ran = tool(*arguments)
    assert ran.status == status and message in ran.err and len(ran.err.splitlines()) == 2

"""What `graph` reads from code, and the command."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import pytest

from resonate_scaffold.code.model import Model
from resonate_scaffold.code.program import Program
from resonate_scaffold.graph.reading import structure_of
from resonate_scaffold.graph.structure import Kind, Link, Structure
from resonate_scaffold.project import Project

from . import corpus
from .conftest import Tool
from .grown import fresh, grown, python_of


def structure_in(project: Project) -> Structure:
    return structure_of(Model(Program(python_of(project))), project.package)


def links_of(drawn: Structure) -> set[tuple[str, Link, str]]:
    """The edges, by the labels of their ends."""
    labels = {node.id: node.label for node in drawn.nodes}
    return {(labels[edge.source], edge.kind, labels[edge.target]) for edge in drawn.edges}


def test_the_example() -> None:
    drawn = structure_in(fresh(bare=False))
    assert {group.name: group.foreign for group in drawn.groups} == {"api": False, "db": False, "workers": False}
    assert all(node.reachable for node in drawn.nodes)
    places = {node.label: (node.kind, node.group, node.place.path if node.place else "") for node in drawn.nodes}
    assert places == {
        "POST /accounts/summary": (Kind.route, "api", "orders/api/accounts.py"),
        "POST /jobs": (Kind.route, "api", "orders/api/jobs.py"),
        "POST /webhooks/approvals": (Kind.route, "api", "orders/api/approvals.py"),
        "aggregate": (Kind.workflow, "workers", "orders/workflows/aggregate.py"),
        "process-job": (Kind.workflow, "workers", "orders/workflows/process_job.py"),
        "assess": (Kind.step, "workers", "orders/workflows/process_job.py"),
        "approve": (Kind.gate, "workers", "orders/contracts/workflows/approval.py"),
        "db.get_account": (Kind.function, "db", "orders/db/get_account.py"),
        "db.save_result": (Kind.function, "db", "orders/db/save_result.py"),
    }
    for node in drawn.nodes:
        assert node.place is not None
        line = fresh(bare=False).files[PurePosixPath(node.place.path)].splitlines()[node.place.line - 1]
        assert line.startswith((b"async def ", b"approval = Gate("))
    assert links_of(drawn) == {
        ("POST /accounts/summary", Link.starts, "aggregate"),
        ("POST /jobs", Link.starts, "process-job"),
        ("POST /webhooks/approvals", Link.answers, "approve"),
        ("aggregate", Link.calls, "db.get_account"),
        ("process-job", Link.calls, "db.get_account"),
        ("process-job", Link.calls, "assess"),
        ("process-job", Link.calls, "db.save_result"),
        ("process-job", Link.waits, "approve"),
    }


def test_a_new_service_without_the_example() -> None:
    assert structure_in(fresh(bare=True)).nodes == ()


DECORATED = """\
# file: ferry/runtime/durable/rpc.py (shared)
# file: ferry/runtime/durable/gate.py (shared)
# file: ferry/runtime/durable/schedules.py (shared)
# file: ferry/runtime/engine/client.py (shared)
# file: ferry/runtime/http/work.py (shared)
# file: ferry/contracts/workflows/sail.py
from pydantic import BaseModel

from ...runtime.durable.gate import Gate
from ...runtime.durable.rpc import Rpc


class Sail(BaseModel):
    ship: str


sail = Rpc(name="sail", group="workers", request=Sail, result=Sail)
close = Rpc(name="close-day", group="workers", request=Sail, result=Sail)
rest = Rpc(name="rest", group="workers", request=Sail, result=Sail)
weather = Gate("weather", Sail)
# file: ferry/contracts/others.py
from ..runtime.durable.rpc import Rpc
from .workflows.sail import Sail

load = Rpc(name="db.load", group="db", request=Sail, result=Sail)
pilot = Rpc(name="pilots.guide", group="pilots.workers", request=Sail, result=Sail)
tug = Rpc(name="tugs.pull", group="tugs", request=Sail, result=Sail)
# file: ferry/db/load.py
from resonate.context import Context

from ..contracts.others import Sail, load as contract
from ..runtime.durable.rpc import serve


@serve(contract, retries=6)
async def load(ctx: Context, request: Sail) -> Sail:
    return request
# file: ferry/db/worker.py
from .load import load

GROUP = "db"
SERVED = [load]
# file: ferry/fakes/worker.py
from resonate.context import Context

from ..contracts.others import Sail, pilot
from ..runtime.durable.rpc import serve


@serve(pilot)
async def pretend(ctx: Context, request: Sail) -> Sail:
    return request


SERVED = [pretend]
# file: ferry/workflows/sail.py
from datetime import timedelta

from resonate.context import Context

from ..contracts.others import load, pilot, tug
from ..contracts.workflows import sail as contract
from ..contracts.workflows.sail import Sail
from ..runtime.durable.rpc import serve


@serve(contract.sail)
async def sail(ctx: Context, request: Sail) -> Sail:
    await load(ctx, request)
    await ctx.run(guide, request)
    return await contract.weather.wait(ctx, request.ship, timedelta(days=1))


async def guide(ctx: Context, request: Sail) -> Sail:
    await tug(ctx, request)
    return await pilot(ctx, request)


@serve(contract.close)
async def close_day(ctx: Context, request: Sail) -> Sail:
    return await load(ctx, request)


@serve(contract.rest)
async def rest(ctx: Context, request: Sail) -> Sail:
    return request
# file: ferry/workflows/worker.py
from ..contracts.workflows.sail import Sail, rest as rest_contract
from ..runtime.durable.schedules import Schedule
from .sail import close_day, rest, sail

GROUP = "workers"
SERVED = [sail, close_day]
SERVED.append(rest)
SCHEDULES = [
    Schedule("nightly", "0 2 * * *", close_day, Sail(ship="all")),
    Schedule("weekly", "0 2 * * SUN", rest_contract, Sail(ship="all")),
]
# file: ferry/api/ships.py
from fastapi import APIRouter, Request

from ..contracts.workflows.sail import Sail, close, sail, weather
from ..runtime.engine.client import EngineClient
from ..runtime.http.work import start

router = APIRouter(prefix="/ships")


@router.post("/{ship}", status_code=202)
async def submit(ship: str, request: Request) -> str:
    return (await start(request.app.state.client, sail, f"ship/{ship}", Sail(ship=ship))).id


@router.delete("", status_code=202)
async def close_now(request: Request) -> str:
    client: EngineClient = request.app.state.client
    return (await close.start(client, "ship/all", Sail(ship="all"))).id


@router.put("/{ship}/weather")
async def forecast(ship: str, body: Sail, request: Request) -> Sail:
    return await weather.deliver(request.app.state.client, ship, body)
"""


def older(text: str) -> str:
    """The same service as version 0.1.0 laid it out: `serve` is called in the lists, with contract and function."""
    gate = corpus.shared(PurePosixPath("runtime/durable/gate.py")).read_text("utf-8")
    served = "from ..contracts.workflows import sail as c\nfrom ..rpc import serve\n"
    for old, new in (
        ("ferry/runtime/durable/gate.py (shared)\n", "ferry/gate.py\n" + gate.replace("..engine", ".runtime.engine")),
        ("runtime.durable.gate", "gate"),
        ("ferry/runtime/durable/rpc.py", "ferry/rpc.py"),
        ("runtime.durable.rpc", "rpc"),
        ("@serve(contract, retries=6)\n", ""),
        (
            "from .load import load\n",
            "from ..contracts.others import load as contract\nfrom ..rpc import serve\nfrom .load import load\n",
        ),
        ("SERVED = [load]", "SERVED = [serve(contract, load, retries=6)]"),
        ("@serve(pilot)\n", ""),
        ("SERVED = [pretend]", "SERVED = [serve(pilot, pretend)]"),
        ("@serve(contract.sail)\n", ""),
        ("@serve(contract.close)\n", ""),
        ("@serve(contract.rest)\n", ""),
        ("from .sail import close_day, rest, sail", served + "from .sail import close_day, rest, sail"),
        ("SERVED = [sail, close_day]", "SERVED = [serve(c.sail, sail), serve(c.close, close_day)]"),
        ("SERVED.append(rest)", "SERVED.append(serve(c.rest, rest))"),
        ('"0 2 * * *", close_day,', '"0 2 * * *", c.close,'),
        ("await close.start(client,", "await start(client, close,"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("text", [DECORATED, older(DECORATED)], ids=["decorated", "called in the list"])
def test_both_ways_to_serve(text: str) -> None:
    files = {PurePosixPath(name): part.encode() for name, part in corpus.parts(text).items()}
    drawn = structure_of(Model(Program(files)), "ferry")
    assert {group.name for group in drawn.groups if group.foreign} == {"pilots.workers", "tugs"}
    assert {(node.label, node.kind, node.group) for node in drawn.nodes} == {
        ("POST /ships/{ship}", Kind.route, "api"),
        ("DELETE /ships", Kind.route, "api"),
        ("PUT /ships/{ship}/weather", Kind.route, "api"),
        ("sail", Kind.workflow, "workers"),
        ("close-day", Kind.workflow, "workers"),
        ("rest", Kind.workflow, "workers"),
        ("weather", Kind.gate, "workers"),
        ("db.load", Kind.function, "db"),
        ("guide", Kind.step, "workers"),
        ("pilots.guide", Kind.function, "pilots.workers"),
        ("tugs.pull", Kind.function, "tugs"),
        ("nightly", Kind.schedule, "workers"),
        ("weekly", Kind.schedule, "workers"),
    }
    assert links_of(drawn) == {
        ("POST /ships/{ship}", Link.starts, "sail"),
        ("DELETE /ships", Link.starts, "close-day"),
        ("PUT /ships/{ship}/weather", Link.answers, "weather"),
        ("sail", Link.calls, "db.load"),
        ("sail", Link.calls, "guide"),
        ("guide", Link.calls, "pilots.guide"),
        ("guide", Link.calls, "tugs.pull"),
        ("sail", Link.waits, "weather"),
        ("close-day", Link.calls, "db.load"),
        ("nightly", Link.starts, "close-day"),
        ("weekly", Link.starts, "rest"),
    }


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
        ("POST /webhooks/approval", Kind.route, "api", True),
        ("place-order", Kind.workflow, "workers", True),
        ("close-day", Kind.workflow, "workers", True),
        ("forgotten", Kind.workflow, "workers", False),
        ("db.reserve_stock", Kind.function, "db", True),
        ("payments.charge", Kind.function, "payments", True),
        ("approval", Kind.gate, None, True),
        ("nightly", Kind.schedule, "workers", True),
    }
    assert links_of(drawn) == {
        ("POST /orders", Link.starts, "place-order"),
        ("POST /webhooks/approval", Link.answers, "approval"),
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
        ("read", Kind.step, "workers"),
        ("write", Kind.function, "writers"),
        ("rows", Kind.function, "db"),
        ("weekly", Kind.schedule, "workers"),
    }
    assert links_of(drawn) == {
        ("POST /reports", Link.starts, "report"),
        ("weekly", Link.starts, "report"),
        ("report", Link.calls, "write"),
        ("report", Link.calls, "read"),
        ("read", Link.calls, "rows"),
        ("report", Link.detaches, "archive"),
    }
    assert {group.name for group in drawn.groups if group.foreign} == {"db", "writers"}


STEPS = """\
from resonate.context import Context


async def order(ctx: Context, number: str) -> None:
    await ctx.run(reserve, number)
    await pay(ctx, number)
    approval = ctx.promise()
    await send(ctx)
    await approval
    await ctx.promise()
    await ctx.run(lambda _: number)
    await ctx.run(Depot().close)
    await ctx.run(reserve, number)


async def pay(ctx: Context, number: str) -> None:
    await ctx.run(charge, await ctx.run(price, number))


async def send(ctx: Context) -> None:
    await ctx.rpc("post")


async def price(ctx: Context, number: str) -> int:
    return 1


async def charge(ctx: Context, cents: int) -> None: ...


async def reserve(ctx: Context, number: str) -> None: ...


class Depot:
    async def close(self, ctx: Context) -> None: ...
"""


@pytest.mark.parametrize("registered", [True, False])
def test_steps_and_waits_of_a_plain_program_in_the_order_of_the_code(registered: bool) -> None:
    worker = (
        "from resonate.resonate import Resonate\n\n\ndef start(client: Resonate) -> None:\n    client.register(order)\n"
    )
    program = Program({PurePosixPath("main.py"): (STEPS + (worker if registered else "")).encode()})
    drawn = structure_of(Model(program), "shop")
    labels = {node.id: node.label for node in drawn.nodes}
    [order] = [node.id for node in drawn.nodes if node.kind is Kind.workflow]
    assert [(edge.kind, labels[edge.target]) for edge in drawn.edges if edge.source == order] == [
        (Link.calls, "reserve"),
        (Link.calls, "price"),
        (Link.calls, "charge"),
        (Link.waits, "approval"),
        (Link.calls, "post"),
        (Link.waits, "promise"),
        (Link.calls, "Depot.close"),
    ]
    kinds = {node.label: node.kind for node in drawn.nodes}
    assert {kinds[it] for it in ("reserve", "price", "charge", "Depot.close")} == {Kind.step}
    assert {kinds[it] for it in ("approval", "promise")} == {Kind.gate}


def test_less_of_it(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "home" / "main.py").write_text(PLAIN)
    assert "weekly" not in tool("graph", "--from", "POST /reports").out
    assert "workers: 1 schedule, 1 workflow, 1 function, 1 step" in tool("graph", "--by-group").out
    refused = tool("graph", "--from", "POST /report")
    assert refused.status == 2 and "--from 'POST /reports'" in refused.err


def test_links_lead_from_where_the_drawing_lies(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "home" / "pyproject.toml").write_text("")
    (tmp_path / "home" / "main.py").write_text(PLAIN)
    (tmp_path / "home" / "docs").mkdir()
    tool("graph", "--format", "svg", "--output", "docs/graph.svg")
    assert 'href="../main.py#L12"' in (tmp_path / "home" / "docs" / "graph.svg").read_text()
    assert 'href="main.py#L12"' in tool("graph", "--format", "svg").out


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

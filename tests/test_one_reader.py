"""What `list`, `add`, `remove`, `graph` and `check` say of a service is the same: they have one reader.

The cases are those of `tests/golden`, and services that people have written on in ways that two readers took for
different things.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import PurePosixPath
from textwrap import dedent
from typing import Any

import pytest

from resonate_scaffold.check import check
from resonate_scaffold.check.checklist import checklist
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.program import Program
from resonate_scaffold.errors import CannotEdit, ScaffoldError, StillUsed, Taken
from resonate_scaffold.graph.reading import structure_of
from resonate_scaffold.graph.structure import Kind, Link, Structure
from resonate_scaffold.project import FilesInMemory, Project, after
from resonate_scaffold.service.listing import inventory
from resonate_scaffold.service.service import Service

from . import test_golden
from .grown import fresh, grown, planned, python_of, rewritten, runtime, without

Facts = dict[str, set[Any]]

GROWN = (
    "add db-function find-card --takes card_id:str --returns owner:str --read-only",
    "add workflow charge-card --takes card_id:str --returns receipt:str",
    "add workflow refund --takes card_id:str --returns receipt:str --calls charge-card",
)
WEBHOOK = ("add webhook card-approved --takes approved:bool --workflow charge-card",)
# A router of its own, that the application includes only through another one.
NESTED = """
    from fastapi import APIRouter, Request, Response

    from ..contracts.workflows.charge_card import ChargeCard, charge_card
    from ..runtime.http.idempotency import get_submission
    from ..runtime.http.work import Accepted, accept, start

    router = APIRouter(prefix="/cards")


    @router.post("", status_code=202)
    async def charge(body: ChargeCard, request: Request, response: Response) -> Accepted:
        submission = get_submission(request)
        return accept(await start(submission, charge_card, "charge-card/1", body, "/x"), response)
"""
APP = """
    from fastapi import APIRouter

    from . import cards

    {lines}
    ROUTERS: list[APIRouter] = [{routers}]
"""


def written(files: Mapping[str, str], *commands: str) -> Project:
    """The service after these commands, and after somebody has saved these files, below the package."""
    texts = {f"orders/{path}": dedent(text).encode() for path, text in files.items()}
    return rewritten(grown(fresh(bare=True), *GROWN, *commands), texts)


def nested(lines: str, routers: str) -> Project:
    app = dedent(APP).format(lines=lines, routers=routers)
    return written({"api/app.py": app, "api/cards.py": NESTED})


def workflow(body: str, imports: str = "") -> str:
    """The module of the workflow `refund`, with a body."""
    lines = "\n".join(f"    {line}" for line in dedent(body).strip().splitlines())
    head = """
    from resonate.context import Context

    from ..contracts.workflows import refund as contract
    from ..contracts.workflows.refund import Refund, RefundResult
    from ..runtime.durable.rpc import serve
    """
    served = "@serve(contract.refund)\nasync def refund(ctx: Context, request: Refund) -> RefundResult:"
    return f"{dedent(head)}{dedent(imports)}\n\n{served}\n{lines}\n    return RefundResult(receipt='r')\n"


@functools.cache
def cases() -> Mapping[str, Project]:
    """Services on which two readers once disagreed."""
    return {
        "nested": nested("v1 = APIRouter(prefix='/v1')\nv1.include_router(cards.router)", "v1"),
        "twice nested": nested(
            "v1 = APIRouter(prefix='/v1')\nall_ = APIRouter()\n"
            "all_.include_router(v1)\nv1.include_router(cards.router)",
            "all_",
        ),
        "included with a prefix": nested("v1 = APIRouter()\nv1.include_router(cards.router, prefix='/v1')", "v1"),
        "included in a loop": nested(
            "v1 = APIRouter(prefix='/v1')\nfor each in [cards.router]:\n    v1.include_router(each)", "v1"
        ),
        "a computed prefix": nested("v1 = APIRouter(prefix=load())\nv1.include_router(cards.router)", "v1"),
        "called by its name": written({"workflows/refund.py": workflow("await ctx.rpc('charge-card', request)")}),
        "called by a name in a constant": written(
            {"workflows/refund.py": workflow("await ctx.rpc(NAME, request)", "NAME = 'charge-card'")}
        ),
        "called by another name": written(
            {
                "workflows/refund.py": workflow(
                    "read = find_card\nawait read(ctx, FindCard(card_id='1'))",
                    "from ..contracts.db.find_card import FindCard, find_card",
                )
            }
        ),
        "started in a step": written(
            {
                "workflows/refund.py": workflow(
                    "await ctx.run(again)",
                    """
                    from ..contracts.workflows.charge_card import ChargeCard, charge_card
                    from ..runtime.engine.client import EngineClient

                    async def again(ctx: Context) -> None:
                        client = ctx.get_dependency(EngineClient)
                        await charge_card.start(client, "charge-card/1", ChargeCard(card_id="1"))
                    """,
                )
            }
        ),
        "answered in a step": written(
            {
                "workflows/refund.py": workflow(
                    "await ctx.run(agree)",
                    """
                    from ..contracts.workflows.card_approved import CardApproved, card_approved
                    from ..runtime.engine.client import EngineClient

                    async def agree(ctx: Context) -> None:
                        client = ctx.get_dependency(EngineClient)
                        await card_approved.deliver(client, "charge-card/1", CardApproved(approved=True))
                    """,
                )
            },
            *WEBHOOK,
        ),
        "the poll below a path with parameters": written(
            {}, "add route POST /cards/{card_id}/charges --workflow charge-card"
        ),
        "a route that reads by a query, in a helper": written(
            {
                "db/queries/cards.py": """
                    from sqlalchemy.ext.asyncio import AsyncSession

                    async def card_owner(session: AsyncSession, card_id: str) -> str: ...
                """,
                "api/app.py": dedent(APP).format(lines="", routers="cards.router"),
                "api/cards.py": """
                    from fastapi import APIRouter, Request

                    from ..db.queries import cards
                    from ..runtime.http.queries import reading

                    router = APIRouter()

                    async def owner_of(request: Request, card_id: str) -> str:
                        async with reading(request) as session:
                            return await cards.card_owner(session, card_id)

                    @router.get("/cards/{card_id}")
                    async def owner(card_id: str, request: Request) -> str:
                        return await owner_of(request, card_id)
                """,
            }
        ),
        "an annotated getter of the client": written(
            {
                "api/app.py": dedent(APP).format(lines="", routers="cards.router"),
                "api/cards.py": """
                    from fastapi import APIRouter, Request
                    from resonate.resonate import Resonate

                    router = APIRouter()

                    def client(request: Request) -> Resonate:
                        return request.app.state.resonate

                    @router.post("/cards", status_code=202)
                    async def charge(request: Request) -> dict[str, str]:
                        await client(request).rpc("charge-card/1", "charge-card", {"card_id": "1"}).id()
                        return {"id": "1"}
                """,
            }
        ),
        "a context by an alias": written(
            {
                "workflows/refund.py": workflow(
                    "await more(ctx)",
                    """
                    from ..contracts.db.find_card import FindCard, find_card

                    type Ctx = Context

                    async def more(ctx: Ctx) -> None:
                        match ctx:
                            case Context() as same:
                                await find_card(same, FindCard(card_id="1"))
                    """,
                )
            }
        ),
    }


def names() -> list[str]:
    return [*cases(), *test_golden.CASES]


def project(case: str) -> Project:
    return cases()[case] if case in cases() else after(test_golden.service(case), test_golden.plan(case))


def structure(of: Project) -> Structure:
    return structure_of(Model(Program(python_of(of))), of.package)


def listed(of: Project) -> Facts:
    """What `list` tells."""
    found = inventory(Service(of))
    functions = [it for section in ("workflows", "db_functions", "rpc") for it in found[section]]
    return {
        "functions": {(it["name"], it["group"], it["version"]) for it in functions},
        "gates": {it["name"] for it in found["webhooks"]},
        "schedules": {it["name"] for it in found["schedules"]},
        "routes start": {(it["name"], name) for it in found["routes"] for name in it["contracts"]},
        "routes answer": {(it["name"], gate) for it in found["routes"] for gate in it["gates"]},
        "routes read": {(it["name"], query) for it in found["routes"] for query in it["queries"]},
        "schedules start": {(it["name"], it["workflow"]) for it in found["schedules"]},
        "called": {it["name"] for it in functions if it["called"]},
        "started in steps": {
            it["name"] for it in functions for place in it["started"] if not place["file"].startswith("orders/api/")
        },
        "waited for": {it["name"] for it in found["webhooks"] if it["waited"]},
        "answered in steps": {it["name"] for it in found["webhooks"] if it["answered"]},
    }


def drawn(of: Project) -> Facts:
    """What `graph` tells."""
    found = structure(of)
    nodes = {node.id: node for node in found.nodes}
    links = [(nodes[edge.source], edge.kind, nodes[edge.target]) for edge in found.edges]

    def joined(kind: Kind, link: Link) -> set[tuple[str, str]]:
        of_kind = [(one.label, other.label) for one, how, other in links if (one.kind, how) == (kind, link)]
        labels = [(label.rpartition(" "), other) for label, other in of_kind]
        if kind is not Kind.route:
            return set(of_kind)
        return {(f"{method} {path}", other) for (methods, _, path), other in labels for method in methods.split()}

    code = (Kind.workflow, Kind.function)
    running = (*code, Kind.step)
    return {
        "functions": {(it.label, it.group, it.version) for it in found.nodes if it.kind in code},
        "gates": {it.label for it in found.nodes if it.kind is Kind.gate},
        "schedules": {it.label for it in found.nodes if it.kind is Kind.schedule},
        "routes start": joined(Kind.route, Link.starts),
        "routes answer": joined(Kind.route, Link.answers),
        "routes read": joined(Kind.route, Link.reads),
        "schedules start": joined(Kind.schedule, Link.starts),
        "called": {other.label for _, how, other in links if how in (Link.calls, Link.detaches) and other.kind in code},
        "started in steps": {other.label for one, how, other in links if how is Link.starts and one.kind in running},
        "waited for": {other.label for _, how, other in links if how is Link.waits},
        "answered in steps": {other.label for one, how, other in links if how is Link.answers and one.kind in running},
    }


@pytest.mark.parametrize("case", names())
def test_list_and_graph_tell_the_same(case: str) -> None:
    told, shown = listed(project(case)), drawn(project(case))
    # A gate that nothing waits for or answers has no place in a picture.
    told["gates"] = {
        it for it in told["gates"] if it in told["waited for"] | told["answered in steps"] | shown["gates"]
    }
    assert told == shown


@pytest.mark.parametrize(
    ("case", "path", "included"),
    [
        ("nested", "/v1/cards", True),
        ("twice nested", "/v1/cards", True),
        ("included with a prefix", "/v1/cards", True),
        ("included in a loop", "/v1/cards", True),
        ("a computed prefix", "…/cards", True),
    ],
)
def test_the_path_of_a_nested_router(case: str, path: str, included: bool) -> None:
    (route,) = Service(project(case)).routes
    assert (route.path, route.included, route.contracts) == (path, included, ("charge-card",))


@pytest.mark.parametrize("case", ["nested", "twice nested", "included with a prefix", "included in a loop"])
def test_a_route_beside_one_of_a_nested_router_is_refused(case: str) -> None:
    with pytest.raises(Taken, match=r"POST /v1/cards is there already"):
        planned(project(case), "add route POST /v1/cards --workflow charge-card")


@pytest.mark.parametrize("case", ["called by its name", "called by a name in a constant"])
def test_what_is_called_by_its_name_is_not_removed(case: str) -> None:
    with pytest.raises(StillUsed, match=r"workflow charge-card is still used: orders/workflows/refund\.py"):
        planned(project(case), "remove workflow charge-card --yes")


def test_what_list_says_of_each_case() -> None:
    facts = {case: listed(project(case)) for case in cases()}
    for case in ("called by its name", "called by a name in a constant"):
        assert "charge-card" in facts[case]["called"], case
    for case in ("called by another name", "a context by an alias"):
        assert "db.find_card" in facts[case]["called"], case
    assert facts["started in a step"]["started in steps"] == {"charge-card"}
    assert facts["answered in a step"]["answered in steps"] == {"card-approved"}
    started = {(("POST /cards/{card_id}/charges"), "charge-card")}
    assert facts["the poll below a path with parameters"]["routes start"] == started
    assert facts["an annotated getter of the client"]["routes start"] == {("POST /cards", "charge-card")}


def test_the_checklist_has_no_rows_for_a_poll_and_none_of_the_machinery() -> None:
    program = Program(python_of(project("the poll below a path with parameters")))
    rows = {item.route: item.rows for item in checklist(Model(program))}
    assert {route for route, answers in rows.items() if answers} == {"POST /cards/{card_id}/charges"}
    assert len(rows) == 4  # the list, the poll and the cancel, and not /readyz and its like


def test_an_import_of_a_contract_that_was_removed() -> None:
    whole = written({"api/late.py": "from ..contracts.workflows.refund import refund\n\nstarted = refund\n"})
    files = python_of(without(whole, "orders/contracts/workflows/refund.py"))
    found = [str(it.path) for it in check(files) if it.code == "RS114"]
    assert "orders/api/late.py" in found and "orders/workflows/refund.py" in found


def test_a_renamed_package_is_listed() -> None:
    files = {
        PurePosixPath("shop", *path.parts[1:]) if path.parts[0] == "orders" else path: text
        for path, text in python_of(project("nested")).items()
    }
    renamed = Project("shop", project("nested").manifest, FilesInMemory(files))
    assert [(it.path, it.contracts) for it in Service(renamed).routes] == [("/v1/cards", ("charge-card",))]


def test_a_link_in_place_of_a_file_is_said_to_be_one() -> None:
    class Linked(FilesInMemory):
        """Files of which one is a symbolic link: it is there, and is not read."""

        def is_taken(self, path: PurePosixPath) -> bool:
            return path == PurePosixPath("orders/workflows/worker.py") or super().is_taken(path)

    start = fresh(bare=True)
    worker = PurePosixPath("orders/workflows/worker.py")
    files = {path: text for path, text in {**runtime(), **start.files}.items() if path != worker}
    with pytest.raises(ScaffoldError) as refused:
        planned(Project("orders", start.manifest, Linked(files)), "add workflow charge-card")
    assert isinstance(refused.value, CannotEdit) and "worker.py is a link, or no file" in refused.value.message

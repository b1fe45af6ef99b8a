"""What things may be called: on the wire, in files, in Python."""

from __future__ import annotations

import ast
import keyword
import shlex
from pathlib import PurePosixPath

import pytest

from resonate_scaffold.errors import ScaffoldError
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.names import Noun
from resonate_scaffold.plan import Create, Plan
from resonate_scaffold.project import Project, after
from tests.grown import fresh, grown, planned


def created(plan: Plan) -> dict[str, str]:
    return {str(it.path): it.content.decode() for it in plan.changes if isinstance(it, Create)}


@pytest.mark.parametrize(
    ("raw", "snake", "kebab", "model"),
    [
        ("place-order", "place_order", "place-order", "PlaceOrder"),
        ("place_order", "place_order", "place-order", "PlaceOrder"),
        ("createInvoice", "create_invoice", "create-invoice", "CreateInvoice"),
        ("HTTPStatus", "http_status", "http-status", "HttpStatus"),
        ("from", "from_", "from", "From"),
        ("none", "none", "none", "NoneRequest"),
        ("list", "list_", "list", "List"),
        ("status", "status", "status", "StatusRequest"),
        ("service", "service_", "service", "ServiceRequest"),
        ("con", "con_", "con", "Con"),
        *((name, name, name, name.capitalize()) for name in ("email", "record", "token", "json", "match")),
    ],
)
def test_spellings(raw: str, snake: str, kebab: str, model: str) -> None:
    name = Noun(raw, contracts.TAKEN)
    assert (name.snake, name.kebab, name.model) == (snake, kebab, model)
    assert snake.isidentifier() and not keyword.iskeyword(snake)
    assert not keyword.iskeyword(model)


WORKFLOWS = (
    "date",
    "from",
    "schedule",
    "record",
    "service",
    "email",
    "status",
    "json",
    "request",
    "db",
    "list",
    "gate",
)


@pytest.mark.parametrize("name", WORKFLOWS)
@pytest.mark.parametrize("noun", ["workflow", "db-function", "idempotency-key"])
def test_few_names_are_taken(noun: str, name: str) -> None:
    """Whatever Python or a template calls so. A key begins ids, which the runtime's names do already."""
    if (noun, name) in (("idempotency-key", "schedule"), ("idempotency-key", "db")):
        return
    given = (
        "--from number:int"
        if noun == "idempotency-key"
        else "--takes date:date --takes service:str --returns date:date"
    )
    there = grown(fresh(bare=True), f"add {noun} {name} {given}")
    if noun == "workflow":
        there = grown(there, f"add route POST /things --workflow {name}", f"add webhook answer --workflow {name}")
    for path, content in there.files.items():
        if path.suffix == ".py":
            ast.parse(content)
    assert grown(there, "remove route POST /things", "remove webhook answer") if noun == "workflow" else there


@pytest.mark.parametrize(
    ("target", "folder", "module", "durable"),
    [
        ("payments.status", "payments", "status", "payments.status"),
        ("auth.token", "auth", "token", "auth.token"),
        ("billing.createInvoice", "billing", "create_invoice", "billing.createInvoice"),
        ("email.from", "email", "from_", "email.from"),
        ("billing-api.workers.Charge", "billing_api_workers", "charge", "Charge"),
    ],
)
def test_names_of_others_are_theirs(target: str, folder: str, module: str, durable: str) -> None:
    plan = planned(fresh(bare=True), f"add rpc {target} --takes customerId:str --returns from:date")
    contract = created(plan)[f"orders/contracts/{folder}/{module}.py"]
    assert f'name="{durable}"' in contract
    assert 'customer_id: Annotated[str, Field(alias="customerId")]' in contract
    assert '{"customerId": "example"}' in contract and '{"from": "2026-01-31"}' in contract
    assert {"customerId is customer_id in Python", "from is from_ in Python"} <= {*plan.notes}
    there = after(fresh(bare=True), plan)
    assert planned(there, f"add rpc {target} --takes customerId:str --returns from:date").changes == ()
    assert there.adds("rpc")[0].options == {"takes": ["customerId:str"], "returns": ["from:date"]}
    back = grown(there, f"remove rpc {target}")
    assert dict(back.files) == dict(fresh(bare=True).files)


def test_what_would_be_one_module_is_two() -> None:
    there = grown(
        fresh(bare=True),
        "add rpc billing.createInvoice",
        "add rpc billing.create_invoice",
        "add rpc a-b.charge",
        "add rpc a_b.charge",
        "add workflow tidy-up",
        "add route POST /a-b --workflow tidy-up",
        "add route POST /a_b --workflow tidy-up",
    )
    paths = {str(path) for path in there.files}
    assert paths >= {f"orders/contracts/billing/create_invoice{end}.py" for end in ("", "_2")}
    assert paths >= {f"orders/contracts/a_b{end}/charge.py" for end in ("", "_2")}
    assert paths >= {f"orders/api/a_b{end}.py" for end in ("", "_2")}
    assert paths >= {f"tests/test_route_a_b{end}.py" for end in ("", "_2")}
    assert planned(there, "add route POST /a_b --workflow tidy-up").changes == ()


def test_a_body_that_others_define_has_their_names() -> None:
    plan = planned(
        fresh(bare=True), "add webhook paid --takes ok:bool --scheme stripe --id-from data.clientReference.class"
    )
    route = created(plan)["orders/api/webhook_paid.py"]
    assert 'client_reference: Annotated[PaidInDataClientReference, Field(alias="clientReference")]' in route
    assert 'class_: Annotated[str, Field(alias="class")]' in route
    assert "sent.data.client_reference.class_" in route
    assert '{"data": {"clientReference": {"class": "place-order/order-4711"}}' in " ".join(route.split()).replace(
        "{ ", "{"
    )


@pytest.mark.parametrize(
    "line",
    [
        "add workflow Größe",
        "add workflow placeOrder",
        "add rpc api.refund",
        "add rpc workers.createRefund",
        "add rpc db.refund",
        "add rpc orders.workers.refund",
        "add workflow ship --takes 'quantity:int>0'",
        "add workflow ship --takes 'name:str{1,80}'",
    ],
)
def test_a_hint_is_a_command_that_works(line: str) -> None:
    with pytest.raises(ScaffoldError) as refused:
        planned(fresh(bare=True), line)
    assert ascii(line).count("\\x") == 0 or "Größe" in refused.value.message
    hint = refused.value.hint
    command = hint.partition("resonate-scaffold ")[2]
    if hint.startswith("Write --takes "):
        command = f"add workflow ship {hint.removeprefix('Write ')}"
    elif hint.startswith("Try: "):
        command = f"{shlex.join(shlex.split(line)[:2])} {hint.removeprefix('Try: ')}"
    while command.startswith("add rpc orders.") or command.startswith("add rpc workers."):  # a hint may lead to another
        with pytest.raises(ScaffoldError) as again:
            planned(fresh(bare=True), command)
        command = again.value.hint.partition("resonate-scaffold ")[2]
    assert planned(fresh(bare=True), command).changes


WEBHOOK = "orders/api/webhook_approval.py"


def kinds(project: Project) -> str:
    (line,) = (it for it in project.files[PurePosixPath(WEBHOOK)].decode().splitlines() if it.startswith("KINDS"))
    return line.partition(" = ")[2]


def test_a_webhook_knows_every_way_to_start_its_workflow() -> None:
    """Whichever of the two was there first, and after each has been taken back."""
    order = "add workflow place-order --takes number:str=a --returns number:str?"
    there = grown(fresh(bare=True), order, "add workflow other", "add webhook approval --workflow place-order")
    assert kinds(there) == '["place-order"]'
    ways = (
        "add route POST /orders --workflow place-order",
        "add webhook ordered --starts place-order",
        "add schedule nightly --workflow place-order --cron '0 2 * * *'",
        "add route POST /others --workflow other",
    )
    grown_later = grown(there, *ways)
    for kind in ("place-order", "ordered", "schedule"):
        assert f'"{kind}"' in kinds(grown_later)
    assert "others" not in kinds(grown_later)
    first = grown(fresh(bare=True), order, "add workflow other", *ways, "add webhook approval --workflow place-order")
    assert kinds(first) == kinds(grown_later)
    for way in ("webhook ordered", "route 'POST /orders'"):
        grown_later = grown(grown_later, f"remove {way}")
    assert '"ordered"' not in kinds(grown_later) and '"schedule"' in kinds(grown_later)
    assert planned(grown_later, "add webhook approval --workflow place-order").changes == ()
    for there in (grown_later, grown(first, "remove route 'POST /orders'")):
        gone = grown(there, "remove webhook approval")
        assert PurePosixPath(WEBHOOK) not in gone.files

"""`rename`: another name wherever the code means the thing, and nowhere else; what lives on outside keeps its own."""

from __future__ import annotations

import ast
import re
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold.check import check
from resonate_scaffold.errors import ScaffoldError, StillUsed, Taken, Unknown, UsageError
from resonate_scaffold.plan import unified_diff
from resonate_scaffold.project import Project
from resonate_scaffold.service.listing import inventory
from resonate_scaffold.service.service import Service
from tests.grown import fresh, grown, planned, python_of, rewritten
from tests.test_remove import check_style
from tests.test_sequences import unnumbered

GROWN = (
    "add db-function take-stock --takes sku:str --takes quantity:int --returns left:int",
    "add rpc payments.charge --takes sku:str --returns receipt:str",
    "add group billing",
    "add rpc billing.dun --takes sku:str",
    "add workflow ship --takes sku:str --takes quantity:int --returns left:int --returns receipt:str"
    " --calls db.take_stock --calls payments.charge",
    "add workflow restock --takes sku:str --takes quantity:int --returns left:int --calls ship --calls billing.dun",
    "add route POST /shipments --workflow ship",
    "add route PUT /shipments/{sku} --workflow restock",
    "add webhook consent --takes given:bool --workflow ship",
    "add webhook ordered --starts ship",
    "add workflow sweep",
    "add schedule nightly --workflow sweep --cron '0 2 * * *'",
)
# What uses the workflow `ship`, as it is taken back.
USERS = (
    "route POST /shipments",
    "webhook ordered",
    "route PUT /shipments/{sku}",
    "workflow restock",
    "webhook consent",
)


@pytest.fixture(scope="module")
def service() -> Project:
    return grown(fresh(bare=True), *GROWN)


def code(project: Project) -> str:
    """All Python of the service and its tests."""
    return "\n".join(text.decode() for path, text in sorted(project.files.items()) if path.suffix == ".py")


def text(project: Project, path: str) -> str:
    return project.files[PurePosixPath(path)].decode()


def whole(project: Project, directory: Path) -> None:
    """It is Python as `ruff` wants it, nothing is wrong with it, and `add` and `remove` know it."""
    for path, content in project.files.items():
        if path.suffix == ".py":
            ast.parse(content, str(path))
    assert check(python_of(project), select=("ALL",)) == []
    check_style(project, directory)
    wired = {path for record in project.adds() for path in record.edits}
    for record in project.adds():
        assert all(PurePosixPath(path) in project.files for path in record.files), record.path
        for file, made in record.files.items():
            assert file in wired or not project.is_changed(PurePosixPath(file), made), file


ROUND_TRIPS = {
    "workflow ship deliver-it": "workflow deliver-it ship",
    "workflow ship deliver-it --durable": "workflow deliver-it ship --durable",
    "workflow sweep tidy --durable": "workflow tidy sweep --durable",
    "field TakeStock.quantity count --wire": "field TakeStock.count quantity --wire",
    "field ship.sku article --wire": "field ship.article sku --wire",
    "route POST /shipments /parcels/new": "route POST /parcels/new /shipments",
    "route PUT /shipments/{sku} /stock/{sku}/more": "route PUT /stock/{sku}/more /shipments/{sku}",
    "route GET /jobs/shipments/{id} /parcels/{id}": "route GET /parcels/{id} /jobs/shipments/{id}",
    "group billing invoicing": "group invoicing billing",
    "group billing invoicing --durable": "group invoicing billing --durable",
    "group payments money": "group money payments",
}


@pytest.mark.parametrize("there", ROUND_TRIPS)
def test_there_and_back_is_the_same(service: Project, there: str, tmp_path: Path) -> None:
    renamed = grown(service, f"rename {there}")
    assert dict(renamed.files) != dict(service.files)
    whole(renamed, tmp_path)
    assert planned(renamed, f"rename {ROUND_TRIPS[there]}").changes
    back = grown(renamed, f"rename {ROUND_TRIPS[there]}")
    differing = [
        path for path in service.files.keys() | back.files.keys() if service.files.get(path) != back.files.get(path)
    ]
    assert differing == []


def test_a_workflow_keeps_what_its_runs_go_by(service: Project) -> None:
    renamed = grown(service, "rename workflow ship deliver-it")
    assert 'deliver_it = Rpc(\n    name="ship"' in text(renamed, "orders/contracts/workflows/deliver_it.py")
    assert 'root_id("shipments", ' in text(renamed, "orders/api/shipments.py")
    assert 'KINDS: list[str] = ["ship", "shipments", "ordered"]' in text(renamed, "orders/api/webhook_consent.py")
    assert not re.search(r"\b(?:Ship|ShipResult)\b|(?<![\"`/])\bship\b(?![\"`/])", code(renamed).replace("`ship`", ""))
    assert [it["name"] for it in inventory(Service(renamed), ["workflow"])["workflows"]] == ["restock", "ship", "sweep"]
    plan = planned(service, "rename workflow ship deliver-it")
    assert any("by ship, as before; --durable" in note for note in plan.notes)
    # What it answers is known, as before.
    calls = "add workflow twice --takes sku:str --takes quantity:int --returns left:int --calls ship"
    test = PurePosixPath("tests/test_workflow_twice.py")
    assert grown(renamed, calls).files[test] == grown(service, calls).files[test]
    # What was added is known by its new name, and goes by it.
    with pytest.raises(StillUsed, match=r"orders/api/webhook_consent\.py"):
        planned(grown(renamed, *(f"remove {it}" for it in USERS[:-1])), "remove workflow deliver-it")
    assert renamed.find_add("workflow", "deliver-it") is not None
    renamed = grown(renamed, *(f"remove {it}" for it in USERS), "remove workflow deliver-it")
    assert "deliver_it" not in code(renamed)


def test_with_durable_all_of_it(service: Project) -> None:
    renamed = grown(service, "rename workflow ship deliver-it --durable")
    assert not re.search(r"(?<!webhook )\bship\b", code(renamed))
    assert 'name="deliver-it"' in text(renamed, "orders/contracts/workflows/deliver_it.py")
    assert 'root_id("shipments", ' in text(renamed, "orders/api/shipments.py")
    assert '["deliver-it", "shipments", "ordered"]' in text(renamed, "orders/api/webhook_consent.py")
    record = renamed.find_add("workflow", "restock")
    assert record is not None and record.options["calls"] == ["deliver-it", "billing.dun"]
    record = renamed.find_add("webhook", "consent")
    assert record is not None and record.options["kinds"][0] == "deliver-it"


def test_what_means_something_else_stays(service: Project) -> None:
    """A variable, a parameter, an attribute, a name of another module, a text."""
    mine = '''\
"""Mine: to ship."""

from dataclasses import dataclass

from ..contracts.workflows import ship as contract
from ..contracts.workflows.ship import Ship as Wanted
from . import ship as module


@dataclass
class Boat:
    ship: str = "ship"


def sail(ship: Boat) -> str:
    return ship.ship


def made() -> tuple[object, object, object]:
    return contract.ship, Wanted(sku="a", quantity=1), module.ship
'''
    path = "orders/workflows/mine.py"
    renamed = grown(rewritten(service, {path: mine.encode()}), "rename workflow ship deliver-it")
    expected = (
        mine.replace("import ship as contract", "import deliver_it as contract")
        .replace("workflows.ship import Ship as", "workflows.deliver_it import DeliverIt as")
        .replace("import ship as module", "import deliver_it as module")
        .replace("contract.ship", "contract.deliver_it")
        .replace("module.ship", "module.deliver_it")
    )
    assert text(renamed, path) == expected


def test_strings_that_nobody_can_tell_are_named(service: Project) -> None:
    path = "tests/test_mine.py"
    mine = rewritten(service, {path: b'"""Ship it."""\n\nPATCHED = "orders.workflows.ship.ship"  # Ship, too\n'})
    plan = planned(mine, "rename workflow ship deliver-it")
    (note,) = [note for note in plan.notes if note.startswith("Strings and comments still say")]
    assert f"{path}:1" in note and f"{path}:3" in note
    assert PurePosixPath(path) not in {change.path for change in plan.changes}


def test_a_name_that_is_taken_is_refused(service: Project) -> None:
    for line, place in (
        ("workflow ship restock", "orders/contracts/workflows/restock.py"),
        ("field TakeStock.quantity sku", "orders/contracts/db/take_stock.py"),
        ("group billing payments", "payments"),
        ("route POST /shipments /webhooks/consent", "orders/api/webhook_consent.py"),
    ):
        with pytest.raises(Taken, match=re.escape(place)):
            planned(service, f"rename {line}")
    path = "orders/workflows/restock.py"
    mine = text(service, path).replace("\n\n\n@serve", "\n\ndeliver_it = 1\n\n\n@serve")
    with pytest.raises(Taken, match=f"{path}:"):
        planned(rewritten(service, {path: mine.encode()}), "rename workflow ship deliver-it")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("workflow shipp deliver-it", Unknown),
        ("field TakeStock.count number", Unknown),
        ("field Takestock.sku number", Unknown),
        ("field sku number", UsageError),
        ("field TakeStock.sku Number", UsageError),
        ("route POST /shipment /parcels", Unknown),
        ("route PUT /shipments/{sku} /parcels", UsageError),
        ("group bills invoicing", Unknown),
        ("group db data", UsageError),
        ("workflow ship 1st", ScaffoldError),
    ],
)
def test_what_is_not_there_or_cannot_be(service: Project, line: str, error: type[ScaffoldError]) -> None:
    with pytest.raises(error):
        planned(service, f"rename {line}")


def test_a_field_keeps_its_name_in_json(service: Project, tmp_path: Path) -> None:
    renamed = grown(service, "rename field ship.sku article")
    contract = text(renamed, "orders/contracts/workflows/ship.py")
    assert 'article: str = Field(alias="sku")' in contract
    assert "serialize_by_alias=True" in contract
    assert "Ship(article=body.sku, quantity=body.quantity)" in text(renamed, "orders/api/shipments.py")
    function = text(renamed, "orders/workflows/ship.py")
    assert "TakeStock(sku=request.article, quantity=request.quantity)" in function
    assert "Ship(article=" in text(renamed, "tests/test_workflow_ship.py")
    whole(renamed, tmp_path)


def test_a_field_is_renamed_in_results_too(service: Project) -> None:
    renamed = grown(service, "rename field TakeStockResult.left rest --wire")
    assert "rest: int" in text(renamed, "orders/contracts/db/take_stock.py")
    assert "left=take_stock_result.rest" in text(renamed, "orders/workflows/ship.py")
    assert "left" in text(renamed, "orders/contracts/workflows/ship.py")


def test_an_attribute_of_something_unknown_is_named(service: Project) -> None:
    path = "orders/workflows/mine.py"
    mine = rewritten(
        service, {path: b"from typing import Any\n\n\ndef of(it: Any) -> object:\n    return it.quantity\n"}
    )
    plan = planned(mine, "rename field TakeStock.quantity count")
    assert any("it stays: " in note and f"{path}:5" in note for note in plan.notes), plan.notes


def test_a_route_takes_its_poll_address_along(service: Project) -> None:
    renamed = grown(service, "rename route POST /shipments /parcels")
    routes = {it["name"] for it in inventory(Service(renamed), ["route"])["routes"]}
    assert {"POST /parcels", "GET /jobs/parcels/{id}", "PUT /shipments/{sku}"} <= routes
    mine = text(renamed, "orders/api/parcels.py")
    assert 'location = f"/jobs/parcels/{submission.public_id}"' in mine and 'polled_at="/jobs/parcels/{id}"' in mine
    assert "/shipments" not in mine + text(renamed, "tests/test_route_parcels.py")
    assert "ParcelsRequest" in mine
    assert planned(renamed, "add route POST /parcels --workflow ship").changes == ()


def test_work_is_known_by_its_ids_whatever_its_route_is_called(service: Project) -> None:
    plan = planned(service, "rename route POST /shipments /parcels")
    assert "Ids of its work begin with shipments/, as before" in plan.notes
    renamed = grown(service, "rename route POST /shipments /parcels")
    assert text(renamed, "orders/api/parcels.py").count('root_id("shipments", ') == 3
    assert '"shipments"' in text(renamed, "orders/api/webhook_consent.py")
    with pytest.raises(Taken, match=r"orders/api/parcels\.py"):
        planned(renamed, "add route POST /shipments --workflow ship")
    gone = grown(renamed, "remove route POST /parcels", "add route POST /shipments --workflow ship")
    assert planned(gone, "list --repair").changes == ()


@pytest.mark.parametrize(
    ("options", "after", "polled"),
    [
        ("--name sendings", "--name sendings", "/jobs/sendings/{id}"),
        ("--name parcels", "", "/jobs/parcels/{id}"),
        ("--poll /deliveries/{id}", "--poll /parcels/{id}", "/parcels/{id}"),
        ("--poll /jobs/mine/{id}", "--poll /jobs/mine/{id}", "/jobs/mine/{id}"),
        ("--name sendings --poll /a/{id}", "--name sendings --poll /a/{id}", "/a/{id}"),
    ],
)
def test_a_route_keeps_what_it_was_given(service: Project, options: str, after: str, polled: str) -> None:
    """Its name, and where its work is polled; what it would have anyway is not recorded."""
    added = grown(service, f"add route POST /deliveries --workflow ship {options}")
    renamed = grown(added, "rename route POST /deliveries /parcels")
    names = {it["name"] for it in inventory(Service(renamed), ["route"])["routes"]}
    assert {f"GET {polled}", f"DELETE {polled}"} <= names
    assert planned(renamed, f"add route POST /parcels --workflow ship {after}").changes == ()
    name = "sendings" if "sendings" in options else "parcels"
    whole = text(renamed, f"orders/api/{name}.py") + text(renamed, f"tests/test_route_{name}.py")
    assert "/deliveries" not in whole
    assert f'location = f"{polled.removesuffix("{id}")}{{submission.public_id}}"' in whole


def test_where_work_is_polled_has_another_path(service: Project) -> None:
    renamed = grown(service, "rename route GET /jobs/shipments/{id} /parcels/{id}")
    mine = text(renamed, "orders/api/shipments.py")
    assert 'location = f"/parcels/{submission.public_id}"' in mine and 'polled_at="/parcels/{id}"' in mine
    assert '"/shipments"' in mine and "/jobs" not in mine
    assert 'POLLED = "/parcels"' in text(renamed, "tests/test_route_shipments.py")
    assert planned(renamed, "add route POST /shipments --workflow ship --poll /parcels/{id}").changes == ()
    with pytest.raises(UsageError, match="ends in"):
        planned(service, "rename route GET /jobs/shipments/{id} /parcels/{id}/status")


def test_a_group_goes_with_its_processes(service: Project) -> None:
    renamed = grown(service, "rename group billing invoicing")
    assert "invoicing: python -m orders group invoicing" in text(renamed, "Procfile")
    assert "\n  invoicing:\n    <<: *service\n    command: [group, invoicing]" in text(renamed, "compose.yaml")
    assert '"invoicing",' in text(renamed, "orders/__main__.py")
    assert 'name="billing.dun",\n    group="invoicing"' in text(renamed, "orders/contracts/invoicing/dun.py")
    assert not any("billing" in str(path) for path in renamed.files)
    other = grown(service, "rename group payments money")
    assert "fake-money: python -m orders fake money" in text(other, "Procfile.dev")
    assert 'group="money"' in text(other, "orders/contracts/money/charge.py")


def test_the_diff_shows_files_that_move_as_moved(service: Project) -> None:
    lines = list(unified_diff(planned(service, "rename workflow ship deliver-it")))
    assert "rename from orders/workflows/ship.py" in lines
    assert "rename to orders/workflows/deliver_it.py" in lines
    assert len([line for line in lines if line.startswith("-async def ship(")]) == 1


@pytest.mark.parametrize(
    "line", ["workflow process-job handle-job", "workflow aggregate sum-up", "route POST /jobs /tasks"]
)
def test_the_example_can_be_renamed(line: str, tmp_path: Path) -> None:
    project = grown(fresh(bare=False), f"rename {line}")
    for path, content in project.files.items():
        if path.suffix == ".py":
            ast.parse(content, str(path))
    check_style(project, tmp_path)
    assert check(python_of(project), select=("ALL",)) == []
    assert unnumbered(inventory(Service(project))) != unnumbered(inventory(Service(fresh(bare=False))))

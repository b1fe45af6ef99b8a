"""Services of earlier versions: what reads them still works; what would change them says why not, and what to do.

`past` holds them as they were made. Each test unpacks its own.
"""

from __future__ import annotations

import json
import shlex
import tarfile
from pathlib import Path
from typing import Any

import pytest

from resonate_scaffold.service.listing import KINDS
from tests.conftest import Tool, tree

PAST = Path(__file__).with_name("past") / "0.1.0"
SERVICES = ["shop", "shop-bare", "shop-grown"]

# One line of each noun, and what takes back what is in `shop-grown`.
CHANGES = [
    "add workflow ship-order --takes sku:str",
    "add workflow ship-order --takes sku:str --route",
    "add db-function free-stock --takes sku:str",
    "add rpc mail.send --takes to:str",
    "add rpc mail.workers.send --takes to:str",
    "add route POST /summaries --workflow aggregate",
    "add webhook consent --takes given:bool",
    "add schedule hourly --workflow nightly --cron '0 * * * *'",
    "add idempotency-key parcel --from sku",
    "add group mail",
    "remove workflow nightly",
    "remove route POST /orders",
    "remove group risk",
    "remove workflow nothing",
]
# What each has, by kind and name.
HAS = {
    "shop": {
        "routes": {
            "POST /accounts/summary",
            "GET /accounts/summary/{id}",
            "POST /jobs",
            "GET /jobs/{id}",
            "POST /webhooks/approvals/{id}",
        },
        "workflows": {"aggregate", "process-job"},
        "db_functions": {"db.get_account", "db.save_result"},
        "queries": set(),
        "rpc": set(),
        "webhooks": {"approve"},
        "schedules": set(),
        "idempotency_keys": set(),
        "groups": {"api", "db", "workers"},
        "clients": set(),
        "entities": set(),
        "fields": set(),
        "deployments": set(),
    },
    "shop-bare": {**{section: set[str]() for section in KINDS.values()}, "groups": {"api", "db", "workers"}},
}
HAS["shop-grown"] = {
    "routes": HAS["shop"]["routes"]
    | {
        "POST /orders",
        "GET /orders/{id}",
        "PUT /orders/{sku}/again",
        "GET /orders/{sku}/again/put/{id:path}",
        "POST /quick",
        "GET /quick/{id}",
        "GET /stock/{sku}",
        "POST /webhooks/ping/{id:path}",
        "POST /webhooks/shipped/{id:path}",
    },
    "workflows": {"aggregate", "nightly", "place-order", "process-job"},
    "db_functions": {"db.get_account", "db.get_stock", "db.reserve_stock", "db.save_result"},
    "queries": set(),
    "rpc": {"payments.charge", "payments.refund", "risk.score"},
    "webhooks": {"approve", "ping", "shipped"},
    "schedules": {"nightly-run"},
    "idempotency_keys": {"order"},
    "groups": {"api", "db", "payments", "risk", "workers"},
    "clients": set(),
    "entities": set(),
    "fields": set(),
    "deployments": set(),
}
HEALTH = {"GET /livez", "GET /metrics", "GET /readyz"}  # of which 0.1.0 had a module among its routes


@pytest.fixture(params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    """Each of the services."""
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def service(name: str, tmp_path: Path) -> Path:
    """One of them, unpacked."""
    with tarfile.open(PAST / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / name


def inventory(process: Tool, service: Path) -> dict[str, list[dict[str, Any]]]:
    """What `list --json` says."""
    ran = process("list", "--json", cwd=service)
    assert (ran.status, ran.err) == (0, "")
    found = ran.json["inventory"]
    assert isinstance(found, dict)
    return found


def test_list_says_what_it_has(process: Tool, name: str, service: Path) -> None:
    """By name, and in every word: takes, returns, and where each is used (see the README of `past`)."""
    before = tree(service)
    found = inventory(process, service)
    names = {section: {entry["name"] for entry in entries} for section, entries in found.items()}
    assert names == {**HAS[name], "routes": HAS[name]["routes"] | HEALTH}
    # There were no queries, clients and entities then.
    assert all(found.pop(section) == [] for section in ("queries", "clients", "entities", "fields", "deployments"))
    assert all(route.pop("queries") == [] for route in found["routes"])
    assert found == json.loads((PAST / f"{name}.list.json").read_text(encoding="utf-8"))

    ran = process("list", cwd=service)
    assert (ran.status, ran.err) == (0, "")
    assert all(item in ran.out for items in names.values() for item in items if item != "order")
    assert ran.out.count("not in ROUTERS") == ran.out.count("nobody serves it") == 0
    assert tree(service) == before


@pytest.mark.parametrize("name", ["shop-grown"], indirect=True)
def test_the_places_that_list_gives_are_right(process: Tool, service: Path) -> None:
    found = inventory(process, service)

    def at(place: dict[str, Any] | None) -> str:
        assert place is not None
        file, line = str(place["file"]), int(place["line"])
        return (service / file).read_text().splitlines()[line - 1].strip()

    entries = {entry["name"]: entry for section in found.values() for entry in section}
    order = entries["place-order"]
    assert at(order["served"]) == "serve(contracts.place_order, place_order),"
    assert at(order["function"]).startswith("async def place_order(")
    assert [at(place) for place in entries["db.reserve_stock"]["called"]] == [
        "reserve_stock_result = await db.reserve_stock("
        "ctx, db.ReserveStock(sku=request.sku, quantity=request.quantity))"
    ]
    assert [place["file"] for place in entries["payments.charge"]["called"]] == ["shop/workflows/place_order.py"]
    assert entries["payments.charge"]["served"] is None
    assert at(entries["payments.charge"]["faked"]) == "serve(payments.charge, charge),"
    assert at(entries["risk.score"]["served"]) == "serve(contracts.score, score),"
    assert [place["file"] for place in order["started"]][:2] == [
        "shop/api/routes/orders.py",
        "shop/api/routes/put_orders_sku_again.py",
    ]
    assert entries["nightly"]["scheduled"] == ["nightly-run"]
    assert (entries["nightly-run"]["cron"], entries["nightly-run"]["workflow"]) == ("0 2 * * *", "nightly")
    assert entries["order"]["fields"] == ["customer_id", "sku", "quantity"]
    assert [place["file"] for place in entries["order"]["used"]] == ["shop/api/routes/put_orders_sku_again.py"]
    assert entries["approve"]["waited"][0]["file"] == "shop/workflows/process_job.py"
    assert (entries["shipped"]["routes"], entries["shipped"]["waited"]) == (["POST /webhooks/shipped/{id:path}"], [])
    served = {entry["name"]: entry["serves"] for entry in found["groups"]}
    assert served == {
        "api": [],
        "db": ["db.get_account", "db.get_stock", "db.reserve_stock", "db.save_result"],
        "payments": ["payments.charge", "payments.refund"],
        "risk": ["risk.score"],
        "workers": ["aggregate", "nightly", "place-order", "process-job"],
    }


def test_check_finds_nothing_wrong(process: Tool, service: Path) -> None:
    before = tree(service)
    ran = process("check", cwd=service)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.endswith(" with Resonate) checked: nothing found\n")
    as_json = process("check", "--format", "json", cwd=service)
    assert (as_json.status, as_json.json["findings"], as_json.json["error"]) == (0, [], None)
    assert tree(service) == before


@pytest.mark.parametrize("name", ["shop-grown"], indirect=True)
def test_check_still_sees_what_is_wrong(process: Tool, service: Path) -> None:
    """In the older layout, too, a workflow that nobody serves is one."""
    worker = service / "shop/workflows/worker.py"
    text = worker.read_text()
    assert "    serve(contracts.place_order, place_order),\n" in text
    worker.write_text(text.replace("    serve(contracts.place_order, place_order),\n", ""))
    ran = process("check", cwd=service)
    assert ran.status == 1
    assert "place-order" in ran.out


@pytest.mark.parametrize("name", ["shop", "shop-grown"], indirect=True)
def test_graph_draws_it(process: Tool, name: str, service: Path) -> None:
    before = tree(service)
    ran = process("graph", cwd=service)
    assert (ran.status, ran.err) == (0, "")
    nouns = [HAS[name][section] for section in ("workflows", "db_functions", "rpc", "webhooks", "schedules")]
    assert all(noun in ran.out for noun in set().union(*nouns))

    drawn = process("graph", "--format", "json", cwd=service).json
    labels = {node["label"]: node for node in drawn["nodes"]}
    assert set().union(*nouns) <= labels.keys()
    ids = {node["id"]: node["label"] for node in drawn["nodes"]}
    edges = {(ids[edge["source"]], ids[edge["target"]]) for edge in drawn["edges"]}
    assert {
        ("POST /jobs", "process-job"),
        ("process-job", "db.get_account"),
        ("process-job", "db.save_result"),
        ("process-job", "approve"),
        ("aggregate", "db.get_account"),
    } <= edges
    if name == "shop-grown":
        assert {
            ("POST /orders", "place-order"),
            ("place-order", "db.reserve_stock"),
            ("place-order", "payments.charge"),
            ("POST /quick", "nightly"),
            ("nightly-run", "nightly"),
            ("GET /stock/{sku}", "db.get_stock"),
        } <= edges
        assert {group["name"] for group in drawn["groups"] if group["foreign"]} == {"payments"}
    assert tree(service) == before


@pytest.mark.parametrize("name", ["shop-bare"], indirect=True)
def test_graph_says_that_a_bare_one_has_nothing_to_draw(process: Tool, service: Path) -> None:
    ran = process("graph", cwd=service)
    assert (ran.status, ran.out) == (1, "")
    assert "has nothing to draw" in ran.err.splitlines()[0]


@pytest.mark.parametrize("line", CHANGES)
def test_what_would_change_it_is_refused(process: Tool, name: str, service: Path, line: str) -> None:
    """In one line what is wrong and one what to do, from any directory of it; and nothing is different after."""
    before = everything(service)
    ran = process(*shlex.split(line), cwd=service / "tests")
    assert (ran.status, ran.out) == (1, "")
    assert [said.split(None, 1) for said in ran.err.splitlines()] == refusal(name)
    assert everything(service) == before


@pytest.mark.parametrize("option", ["--dry-run", "--yes", "--json"])
def test_no_option_changes_that(process: Tool, name: str, service: Path, option: str) -> None:
    before = everything(service)
    for line in ("add workflow ship-order", "remove group risk"):
        ran = process(*shlex.split(line), option, cwd=service)
        assert ran.status == 1
        if option == "--json":
            assert ran.json["error"] == {key: text for key, text in zip(("message", "hint"), words(name), strict=True)}
        else:
            assert [said.split(None, 1) for said in ran.err.splitlines()] == refusal(name)
    assert everything(service) == before


def words(name: str) -> tuple[str, str]:
    """What is wrong, and what to do. The grown one is another state of `shop`."""
    called = "shop" if name == "shop-grown" else name
    return (
        f"{called} has the layout of version 0.1.0, which this version only reads",
        "Bring it to this version first: resonate-scaffold upgrade",
    )


def refusal(name: str) -> list[list[str]]:
    """The lines of the refusal: each a word and a sentence."""
    return [["error", words(name)[0]], ["hint", words(name)[1]]]


def everything(service: Path) -> tuple[list[Path], dict[str, bytes]]:
    """All paths, of directories too, and the content of all files."""
    return sorted(service.rglob("*")), tree(service)

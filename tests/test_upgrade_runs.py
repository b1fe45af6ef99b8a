"""A service of version 0.1.0 stops in the middle of its work; upgraded, it goes on with it.

The old service runs from its own code, on the old embedded engine, in its own processes, as its clients and senders
know it. The new one has its database and the journal of its engine, and nobody tells the others anything.
"""

from __future__ import annotations

import importlib.util
import json
import lzma
import signal
import sqlite3
import sys
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import httpx
import pytest

from resonate_scaffold import __version__
from resonate_scaffold.plan import Create, Delete
from resonate_scaffold.project import MANIFEST, FilesInMemory, Manifest, Project
from resonate_scaffold.upgrade.plan import plan_upgrade
from resonate_scaffold.upgrade.releases import archive_of
from resonate_scaffold.upgrade.repository import Tree
from tests.past_service import PAST, old, write
from tests.topology import Topology

KEY = "a-key-of-alice-that-is-long"
SECRET = "a-secret-of-version-0.1.0"
ASK = {"Authorization": f"Bearer {KEY}"}
ORDER = {"customer_id": "c-1", "quantity": 2, "amount": "19.90"}

# What the owner wrote: a workflow that sleeps, and one that waits for a webhook. Both stand where the new version has
# other lines.
_TIMES = ("from resonate.context import", "from datetime import timedelta\n\nfrom resonate.context import")
_SLEEP = ("    return NightlyResult(", "    await ctx.sleep(timedelta(seconds=4))\n    return NightlyResult(")
_ORDERED = "    return PlaceOrderResult("
_MODEL = "import PlaceOrder, PlaceOrderResult\n"
NIGHTLY, PLACE_ORDER = PurePosixPath("shop/workflows/nightly.py"), PurePosixPath("shop/workflows/place_order.py")
BEFORE = {
    NIGHTLY: [_TIMES, _SLEEP],
    PLACE_ORDER: [
        _TIMES,
        ("from ..contracts import db, payments\n", "from .. import ids\nfrom ..contracts import db, payments\n"),
        (_MODEL, "import PlaceOrder, PlaceOrderResult, shipped\n"),
        (_ORDERED, f"    await shipped.wait(ctx, ids.public_of(ctx.info.id), timedelta(days=1))\n{_ORDERED}"),
    ],
}


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The service of version 0.1.0."""
    files = old("shop-grown")
    return write({**files, **{path: edited(files[path], BEFORE[path]) for path in BEFORE}}, tmp_path / "before")


@pytest.fixture
def after(before: Path, tmp_path: Path) -> Path:
    """The same upgraded: what the owner wrote is merged without a conflict."""
    files = {PurePosixPath(path.relative_to(before)): path.read_bytes() for path in before.rglob("*") if path.is_file()}
    project = Project("shop", Manifest.from_bytes(files[MANIFEST]), FilesInMemory(files))
    planned = plan_upgrade(project.manifest, project.recorded(), "shop", Tree(files), __version__)
    assert planned.conflicts == ()
    for change in planned.plan.changes:
        if isinstance(change, Delete):
            del files[change.path]
        else:
            files[change.path] = change.content if isinstance(change, Create) else change.after
    return write(files, tmp_path / "after")


def edited(content: bytes, changes: Sequence[tuple[str, str]]) -> bytes:
    """A file with what the owner wrote."""
    text = content.decode()
    for was, is_now in changes:
        assert was in text
        text = text.replace(was, is_now)
    return text.encode()


def signing(service: Path) -> ModuleType:
    """The module by which senders of version 0.1.0 signed."""
    spec = importlib.util.spec_from_file_location("signing_0_1_0", service / "shop" / "signing.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start_old_engine(topology: Topology, scratch: Path) -> None:
    """Start the embedded engine of version 0.1.0."""
    code = scratch / "code"
    for archive in (archive_of("0.1.0"), PAST / "engine.tar.xz"):
        with lzma.open(archive) as content, tarfile.open(fileobj=content) as packed:
            packed.extractall(code, filter="data")
    port = topology.engine_url.rpartition(":")[2]
    command = [sys.executable, "-P", "-m", "resonate_scaffold", "engine", "--port", port]
    topology._spawn("engine", [*command, "--journal", str(scratch / "engine.journal")], {"PYTHONPATH": str(code)})


def test_work_that_waited_is_finished(before: Path, after: Path, tmp_path: Path, service_python: Path) -> None:
    settings = {"WEBHOOK_SECRET": SECRET, "WEBHOOK_SECRETS": "", "API_KEYS": f"alice:{KEY}"}
    with Topology(before, tmp_path, "shop", python=service_python, **settings) as topology:
        topology.namespace = ""
        places = leave_work(topology, tmp_path)
    settings["RESONATE_URL"] = topology.engine_url
    with Topology(after, tmp_path, "shop", python=service_python, **settings) as topology:
        topology.namespace = ""
        go_on(topology, places, signing(before))
    with sqlite3.connect(tmp_path / "service.db") as database:
        saved = database.execute("SELECT job_id, count(*) FROM job_results GROUP BY job_id ORDER BY job_id").fetchall()
        assert saved == [(f"alice.{name}", 1) for name in ("done", "for-db", "gate", "queued")]
        [(number,)] = database.execute("SELECT count(*) FROM operations WHERE id LIKE 'db/op/reserve-stock/%'")
        assert number == 2


def pending(topology: Topology, promise: str) -> bool:
    """Whether the engine has a promise that is open."""
    answer = topology.ask_engine("promise.get", id=promise)
    return bool(answer["head"]["status"] == 200 and answer["data"]["promise"]["state"] == "pending")


def submit(url: str, method: str, path: str, body: Any, key: str | None, **headers: str) -> httpx.Response:
    named = {"Idempotency-Key": key} if key else {}
    answer = httpx.request(method, url + path, json=body, headers={**ASK, **named, **headers}, timeout=30)
    assert answer.status_code in (200, 202), answer.text
    return answer


def leave_work(topology: Topology, scratch: Path) -> dict[str, str]:
    """Have the old service begin work of each kind, and stop all of it; where each is polled, by its name."""
    start_old_engine(topology, scratch)
    assert topology.run("migrate").returncode == 0
    url = topology.start_api()
    topology.start("worker", "worker")
    topology.start("db", "db")
    topology.start("payments", "fake", "payments")
    no_wait = {"Prefer": "wait=0"}
    places = {}

    def take(name: str, method: str, path: str, body: Any, key: str | None) -> None:
        places[name] = submit(url, method, path, body, key, **no_wait).headers["Location"]

    def until_pending(promise: str) -> None:
        topology.until(lambda: pending(topology, promise), f"{promise} is open")

    take("done", "POST", "/jobs", {"account_id": "acc-2"}, "done")
    take("gate", "POST", "/jobs", {"account_id": "acc-1", "requires_approval": True}, "gate")
    take("keyed", "PUT", "/orders/ABC/again", ORDER, None)
    take("order", "POST", "/orders", {**ORDER, "sku": "DEF"}, "order")
    until_pending("approve/alice.gate")
    until_pending("shipped/alice.c-1/ABC/2")
    until_pending("shipped/alice.order")
    assert httpx.get(url + places["done"], headers={**ASK, "Prefer": "wait=20"}).json()["status"] == "succeeded"
    topology.stop("payments")
    topology.stop("db")
    take("for-db", "POST", "/jobs", {"account_id": "acc-3"}, "for-db")
    take("sum", "POST", "/accounts/summary", {"account_ids": ["acc-1", "nobody", "acc-3"]}, "sum")
    until_pending("job/alice.for-db:1")
    until_pending("summary/alice.sum:3")
    take("asleep", "POST", "/quick", None, "asleep")
    until_pending("nightly/alice.asleep:1")
    topology.stop("worker")
    take("queued", "POST", "/jobs", {"account_id": "acc-1"}, "queued")
    topology.stop("api")
    topology.stop("engine", signal.SIGKILL)
    return places


def go_on(topology: Topology, places: dict[str, str], signing: ModuleType) -> None:
    """Have the new service finish what the old one left."""
    topology.start_engine()
    assert topology.run("migrate").returncode == 0
    url = topology.start_api()
    topology.start("worker", "worker")
    topology.start("db", "db")

    # What clients repeat is found, what they know as done is done, and a key is for one request.
    again = submit(url, "POST", "/jobs", {"account_id": "acc-2"}, "done")
    assert (again.headers["Idempotent-Replayed"], again.headers["Location"]) == ("true", places["done"])
    done = httpx.get(url + places["done"], headers=ASK).json()
    assert done["result"]["account"] == {"id": "acc-2", "owner": "Grace Hopper", "balance_cents": 98_050}
    for name, method, path, body in (
        ("gate", "POST", "/jobs", {"account_id": "acc-1", "requires_approval": True}),
        ("order", "POST", "/orders", {**ORDER, "sku": "DEF"}),
        ("keyed", "PUT", "/orders/ABC/again", ORDER),
    ):
        repeated = submit(url, method, path, body, None if name == "keyed" else name)
        assert repeated.headers["Idempotent-Replayed"] == "true", name
    other = httpx.post(url + "/jobs", json={"account_id": "acc-3"}, headers={**ASK, "Idempotency-Key": "done"})
    assert other.status_code == 422

    # Senders of before answer, signed and addressed as before.
    answers: list[tuple[str, dict[str, Any]]] = [
        ("/webhooks/approvals/alice.gate", {"approved": True}),
        ("/webhooks/shipped/alice.c-1/ABC/2", {"carrier": "dhl"}),
        ("/webhooks/shipped/alice.order", {"carrier": "ups"}),
    ]
    for path, body in answers:
        raw, now = json.dumps(body).encode(), str(int(time.time()))
        headers = {signing.TIMESTAMP: now, signing.SIGNATURE: signing.sign(SECRET, now, raw)}
        taken = httpx.post(url + path, content=raw, headers=headers, timeout=30)
        assert taken.status_code == 200, (path, taken.text)
        assert taken.json()["id"] == path.split("/", 3)[3]

    for name, place in places.items():
        ended = httpx.get(url + place, headers={**ASK, "Prefer": "wait=20"}, timeout=30).json()
        assert ended["status"] == "succeeded", (name, ended, topology.logs)
    summary = httpx.get(url + places["sum"], headers=ASK).json()["result"]
    assert (summary["total_cents"], summary["missing"]) == (115_800, ["nobody"])
    told = [line for line in topology.logs["api"] if "WEBHOOK_SECRET is read" in line]
    assert len(told) == 1 and "approvals:" in told[0] and "shipped:" in told[0]
    schedule = topology.ask_engine("schedule.get", id="shop/nightly-run")["data"]["schedule"]
    assert schedule["promiseId"] == "schedule/nightly-run-{{.timestamp}}"

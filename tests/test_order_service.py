"""An order service, grown by `add` alone from a bare one, as docs/growing.md tells it; then driven over HTTP.

The tool is its installed console script, the service is installed, and `resonate-scaffold dev` runs it: api, worker,
db, a stand-in for the payments of another team, and the embedded engine, each a process of its own.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from resonate_base import PROTOCOL_VERSION

from . import order_service as story
from .conftest import PROGRAM, tree
from .topology import OTHER_SECRET, PATIENCE, SECRET, free_port, signed

ORDER = {"customer_id": "c-1", "number": "42", "sku": "chair", "quantity": 2}


def environment() -> dict[str, str]:
    """What the commands run in; asked for late, since `inner_runs` of the fixtures sets some of it."""
    return {
        **{name: value for name, value in os.environ.items() if name not in ("RESONATE_URL", "VIRTUAL_ENV")},
        "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
        "WEBHOOK_SECRETS": f"approval:{SECRET}",
        "LEASE": "2",
        "API_KEYS": "",
    }


def run(command: str, cwd: Path) -> str:
    """Run a command that must succeed; what it printed."""
    done = subprocess.run(
        shlex.split(command),
        cwd=cwd,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def check(service: Path) -> None:
    """The service's own checks."""
    for tool in ("ruff check .", "ruff format --check .", "mypy"):
        run(f".venv/bin/{tool}", service)
    run("resonate-scaffold check --select ALL", service)
    report = run(".venv/bin/python -m pytest -p no:cacheprovider", service)
    assert re.search(r"[1-9][0-9]* passed", report), report


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service as the commands leave it."""
    parent = tmp_path_factory.mktemp("made")
    run(story.NEW, parent)
    for command in story.ADDS:
        run(command, parent / "orders")
    return parent / "orders"


@pytest.fixture(scope="module")
def service(grown: Path) -> Path:
    """The service with its business written."""
    check(grown)
    run(story.MIGRATE, grown)
    story.edit(grown, story.TABLE)
    run(story.REVISION, grown)
    story.edit(grown, (*story.EFFECT, *story.GATE))
    return grown


@dataclass
class Dev:
    """`resonate-scaffold dev` of the service."""

    process: subprocess.Popen[str]
    url: str
    engine: str = ""
    lines: list[str] = field(default_factory=list)

    def worker(self) -> psutil.Process | None:
        """The process that runs the workflows, unless it is about to be started."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                if child.cmdline()[-3:] == ["-m", "orders", "worker"]:
                    return child
        return None

    def until(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None and time.monotonic() < deadline, f"not {what}: {''.join(self.lines)}"
            time.sleep(0.05)

    def ask_engine(self, kind: str, **data: Any) -> tuple[int, dict[str, Any]]:
        """One request to the engine, by its own protocol: status and answer."""
        head = {"corrId": "test", "version": PROTOCOL_VERSION}
        answer = httpx.post(self.engine, json={"kind": kind, "head": head, "data": data}, timeout=30).json()
        return answer["head"]["status"], answer["data"]

    def place(self, **changed: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/orders", json={**ORDER, **changed}, timeout=30)

    def poll(self, order: str, wait: int = 0) -> httpx.Response:
        return httpx.get(f"{self.url}/jobs/orders/{order}", headers={"Prefer": f"wait={wait}"}, timeout=60)

    def decide(self, order: str, approved: bool, secret: str = SECRET) -> httpx.Response:
        """Send the webhook."""
        raw = json.dumps({"job_id": order, "approved": approved}).encode()
        return httpx.post(f"{self.url}/webhooks/approval", content=raw, headers=signed(raw, secret), timeout=30)

    def until_waiting(self, order: str) -> None:
        question = f"orders/approval/order/{order.replace(',', '/')}"
        self.until(lambda: self.ask_engine("promise.get", id=question)[0] == 200, f"{order} at its gate")


@contextmanager
def running(service: Path) -> Iterator[Dev]:
    port = free_port()
    command = [str(PROGRAM), "dev", "--engine", "embedded", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=service, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        dev = Dev(process, f"http://127.0.0.1:{port}")
        assert process.stdout is not None
        try:
            for line in process.stdout:
                dev.lines.append(line)
                if "embedded engine at " in line:
                    dev.engine = line.partition("embedded engine at ")[2].partition(",")[0]
                if f"{dev.url}/docs" in line:
                    break
            assert dev.engine and process.poll() is None, "".join(dev.lines)
            threading.Thread(target=dev.lines.extend, args=(process.stdout,), daemon=True).start()
            yield dev
        finally:
            children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0, "".join(dev.lines)
            assert not psutil.wait_procs(children, timeout=5)[1], "dev left processes behind"


@pytest.fixture(scope="module")
def dev(service: Path) -> Iterator[Dev]:
    with running(service) as dev:
        dev.until(lambda: httpx.get(f"{dev.url}/readyz", timeout=30).status_code == 200, "ready")
        yield dev


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"]


def rows(service: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(service / "orders.db") as connection:
        return connection.execute(query).fetchall()


def test_an_order_from_its_request_to_its_receipt(dev: Dev, service: Path) -> None:
    placed = dev.place()
    assert (placed.status_code, placed.headers["Location"]) == (202, "/jobs/orders/c-1,42")
    assert (placed.json()["id"], placed.json()["links"]["self"]) == ("c-1,42", "/jobs/orders/c-1,42")
    assert "Idempotent-Replayed" not in placed.headers
    again = dev.place()
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert (again.json()["id"], again.headers["Location"]) == ("c-1,42", "/jobs/orders/c-1,42")
    assert problem(dev.place(quantity=3)) == (422, "idempotency-key-reused")

    dev.until_waiting("c-1,42")
    assert dev.poll("c-1,42").json() == {"id": "c-1,42", "status": "running", "result": None, "error": None}
    assert problem(dev.decide("c-1,42", True, secret=OTHER_SECRET)) == (401, "bad-signature")
    assert problem(dev.decide("c-1,43", True)) == (404, "not-found")
    assert problem(dev.poll("c-1,43")) == (404, "not-found")

    killed = dev.worker()
    assert killed is not None
    killed.kill()
    dev.until(lambda: (worker := dev.worker()) and worker.pid != killed.pid, "worker again")
    assert dev.poll("c-1,42").json()["status"] == "running"
    answer = {"job_id": "c-1,42", "answer": {"approved": True}}
    for _ in ("first", "replay"):
        taken = dev.decide("c-1,42", True)
        assert (taken.status_code, taken.json()) == (200, answer)
    opposite = dev.decide("c-1,42", False)
    assert problem(opposite) == (409, "answered-otherwise")
    assert opposite.json()["answer"] == {"approved": True}

    dev.until(lambda: dev.poll("c-1,42", wait=20).json()["status"] != "running", "the order's end")
    order = dev.poll("c-1,42").json()
    assert (order["status"], order["error"]) == ("succeeded", None)
    assert order["result"]["receipt"] == "example"  # as the stand-in says
    ((reservation, sku, quantity),) = rows(service, "SELECT id, sku, quantity FROM reservations")
    assert (sku, quantity, reservation) == ("chair", 2, order["result"]["reservation_id"])
    assert len(rows(service, "SELECT id FROM operations")) == 1
    # What the other team was asked, once: the price of two chairs. The ids of a workflow's calls are numbered.
    asked = [dev.ask_engine("promise.get", id=f"orders/order/c-1/42:{call}") for call in range(12)]
    assert sum('"amount_cents": 2500' in argument(data) for status, data in asked if status == 200) == 1


def argument(data: dict[str, Any]) -> str:
    """The argument of a promise, as JSON text."""
    return json.dumps(json.loads(base64.b64decode(data["promise"]["param"].get("data") or "bnVsbA==")))


def test_an_order_that_is_refused_is_not_charged(dev: Dev) -> None:
    assert dev.place(number="43").status_code == 202
    dev.until_waiting("c-1,43")
    assert dev.decide("c-1,43", False).status_code == 200
    dev.until(lambda: dev.poll("c-1,43", wait=20).json()["status"] != "running", "the order's end")
    order = dev.poll("c-1,43").json()
    assert (order["status"], order["result"], order["error"]["message"]) == (
        "failed",
        None,
        "the order was not approved",
    )


def test_the_tool_lists_it_all(dev: Dev, service: Path) -> None:
    found = json.loads(run("resonate-scaffold list --json", service))["inventory"]
    assert {kind: {item["name"] for item in items} for kind, items in found.items()} == {
        "routes": {
            "POST /orders",
            "GET /jobs/orders",
            "GET /jobs/orders/{id}",
            "DELETE /jobs/orders/{id}",
            "POST /webhooks/approval",
        },
        "workflows": {"place-order", "close-day"},
        "db_functions": {"db.reserve_stock"},
        "queries": set(),
        "rpc": {"payments.charge"},
        "webhooks": {"approval"},
        "schedules": {"nightly"},
        "idempotency_keys": {"order"},
        "groups": {"api", "workers", "db", "payments"},
        "clients": set(),
        "entities": set(),
        "fields": set(),
        "deployments": set(),
    }
    (gate,) = found["webhooks"]
    assert [place["file"] for place in gate["waited"]] == ["orders/workflows/place_order.py"]
    (reserve,), (charge,) = found["db_functions"], found["rpc"]
    for contract in (reserve, charge):
        assert [place["file"] for place in contract["called"]] == ["orders/workflows/place_order.py"]
    for line in run("resonate-scaffold list", service).splitlines():
        for place in (word for word in line.split() if word.startswith("orders/") and ":" in word):
            file, _, number = place.partition(":")
            assert 0 < int(number.rstrip(";,")) <= len((service / file).read_text().splitlines()), line


def test_the_schedule_comes_fires_and_goes(dev: Dev, service: Path) -> None:
    status, data = dev.ask_engine("schedule.get", id="orders/nightly")
    nightly = data["schedule"]
    assert (status, nightly["cron"]) == (200, "0 2 * * *")
    due = time.gmtime(nightly["nextRunAt"] / 1000)
    assert (due.tm_hour, due.tm_min, due.tm_sec) == (2, 0, 0)
    assert 0 < nightly["nextRunAt"] / 1000 - time.time() <= 86_400

    # Nobody waits for the night: the same, but for its name and every second, which the tool's cron does not know.
    same = {name: nightly[name] for name in ("promiseId", "promiseTimeout", "promiseParam", "promiseTags")}
    status, data = dev.ask_engine("schedule.create", id="test/often", cron="* * * * * *", **same)
    assert nightly["promiseId"] == "orders/schedule/nightly-{{.timestamp}}"
    run_id = f"orders/schedule/nightly-{data['schedule']['nextRunAt']}"
    dev.until(lambda: state_of(dev, run_id) == "resolved", "a run by the clock")
    dev.ask_engine("schedule.delete", id="test/often")

    run("resonate-scaffold remove schedule nightly --yes", service)  # `dev` starts the worker again
    dev.until(lambda: dev.ask_engine("schedule.get", id="orders/nightly")[0] == 404, "nightly gone")
    assert json.loads(run("resonate-scaffold list schedule --json", service))["inventory"] == {"schedules": []}


def state_of(dev: Dev, promise_id: str) -> str | None:
    status, data = dev.ask_engine("promise.get", id=promise_id)
    state: str | None = data["promise"]["state"] if status == 200 else None
    return state


def test_it_passes_its_checks_with_the_business_written(dev: Dev, service: Path) -> None:
    story.edit(service, story.TESTS)
    check(service)


def test_adding_again_changes_nothing(service: Path) -> None:
    def content() -> dict[str, bytes]:
        roots = ("orders/", "tests/", "Procfile", ".resonate-scaffold")
        return {name: text for name, text in tree(service).items() if name.startswith(roots) and ".db" not in name}

    before = content()
    for command in story.ADDS[:-1]:  # the last one has been removed
        run(command, service)
    assert content() == before

"""Figures of the embedded engine alone: what waiting jobs cost it, and a request beside many promises.

python -m tests.bench --only engine
python -m tests.bench_engine JOBS     (one engine with so many waiting jobs: its own figures, as JSON)
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil

from resonate_scaffold.devserver.engine import Engine
from resonate_scaffold.devserver.protocol.tasks import PROTOCOL_VERSION
from tests.figures import row

WAITING = 100_000
FEW, MANY = 100, 100_000
ROUNDS = 3
FAR = 1 << 45
_PARAM = {
    "data": "eyJmdW5jIjoicHJvY2Vzcy1qb2IiLCJhcmdzIjpbeyJhY2NvdW50X2lkIjoiYWNjLTEiLCJhbW91bnQiOiIxMi41MCJ9XX0=" * 2
}


def engine(_: Path) -> Iterator[str]:
    """What 100,000 jobs at a gate take, and how a request's cost grows with what is kept."""
    figures = json.loads(subprocess.check_output([sys.executable, "-m", "tests.bench_engine", str(WAITING)]))
    for name, wanted in (("MB", "<= 400"), ("restart_s", "<= 5")):
        what = f"{WAITING:,} waiting jobs, {name.replace('_', ' ')}"
        bound = float(wanted.split()[1])
        yield row(what, [figures[name]], "wanted", [bound], 1, wanted, judge=[figures[name]])
    yield row("journal of these, MB", [figures["journal_MB"]], "jobs / 1,000", [WAITING / 1000], 1)
    costs: dict[str, tuple[list[float], list[float]]] = {}
    for _round in range(ROUNDS):
        for promises, side in ((FEW, 0), (MANY, 1)):
            for name, cost in _costs(promises).items():
                costs.setdefault(name, ([], []))[side].append(cost)
    for name, (few, many) in costs.items():
        yield row(f"{name} beside {MANY:,} promises, us", many, f"beside {FEW}", few, 0, "<= 1.3")


class Client:
    """Asks an engine in this process, with no socket between."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, kind: str, **data: Any) -> Any:
        head = {"corrId": "c", "version": PROTOCOL_VERSION}
        status, answer = self._engine.request(msgspec.json.encode({"kind": kind, "head": head, "data": data}))
        assert status < 400, answer
        return msgspec.json.decode(answer)["data"]

    def wait_at_gate(self, job: str) -> None:
        """Bring a job to where the example job waits for its approval: a read, a gate, and the question of that."""
        self("promise.create", **_promise(job, "workers"))
        self._acquire(job)
        self._fence(job, _promise(f"{job}:1", "db"))
        self._wait_for(job, f"{job}:1")
        self._acquire(f"{job}:1")
        self._fulfill(f"{job}:1")
        self._acquire(job, 1)
        self._fence(job, _promise(f"{job}:2", "workers"), 2)
        self._fence(job, _promise(f"{job}:3", None), 2)
        self("promise.create", id=f"approve/{job}", timeoutAt=FAR, param=_PARAM, tags={"resonate:external": "true"})
        settled = {"id": f"{job}:3", "state": "resolved", "value": _PARAM}
        self("task.fence", id=job, version=2, action={"kind": "promise.settle", "head": {}, "data": settled})
        self._wait_for(job, f"{job}:2", 2)
        self._acquire(f"{job}:2")
        self._fence(f"{job}:2", _promise(f"{job}:2.1", None))
        self._wait_for(f"{job}:2", f"{job}:2.1")

    def _acquire(self, id: str, version: int = 0) -> None:
        self("task.acquire", id=id, version=version, pid="p", ttl=60_000)

    def _fence(self, id: str, promise: dict[str, Any], version: int = 1) -> None:
        self("task.fence", id=id, version=version, action={"kind": "promise.create", "head": {}, "data": promise})

    def _wait_for(self, id: str, awaited: str, version: int = 1) -> None:
        data = {"awaited": awaited, "awaiter": id}
        self(
            "task.suspend",
            id=id,
            version=version,
            actions=[{"kind": "promise.register_callback", "head": {}, "data": data}],
        )

    def _fulfill(self, id: str, version: int = 1) -> None:
        settle = {"id": id, "state": "resolved", "value": _PARAM}
        self("task.fulfill", id=id, version=version, action={"kind": "promise.settle", "head": {}, "data": settle})


def _promise(id: str, group: str | None) -> dict[str, Any]:
    root, _, below = id.partition(":")
    parent = f"{root}:{below.rpartition('.')[0]}" if "." in below else root
    tags = {"resonate:origin": root, "resonate:branch": id if group else parent, "resonate:parent": parent}
    tags |= {"resonate:scope": "global" if group else "local"}
    if group:
        tags |= {"resonate:target": f"poll://any@shop.{group}"}
    return {"id": id, "timeoutAt": FAR, "param": _PARAM, "tags": tags}


def _waiting(jobs: int) -> dict[str, float]:
    """One engine on a journal, with so many jobs at a gate; it is killed, and another one goes on."""
    with tempfile.TemporaryDirectory() as directory:
        journal, now = Path(directory, "engine.journal"), time.time_ns() // 1_000_000
        # Its clock runs faster than ours, as if the jobs had come over a few hours.
        clock = iter(range(now, 1 << 60, 3))
        engine = Engine(journal, lambda: next(clock))
        client = Client(engine)
        for number in range(jobs):
            client.wait_at_gate(f"shop/job/{uuid.UUID(int=number)}")
            if number % 20 == 0:
                engine.tick()
                engine.sync()
        for _ in range(3):
            now = next(clock) + 40_000
            clock = iter(range(now, 1 << 60, 3))
            for _ in range(200):
                engine.tick()
        size = psutil.Process().memory_info().rss / 1e6
        engine.close()
        restart = "import sys, time, pathlib; from resonate_scaffold.devserver.engine import Engine\n"
        restart += "at = time.perf_counter(), time.process_time(); Engine(pathlib.Path(sys.argv[1]))\n"
        restart += "print(time.perf_counter() - at[0], time.process_time() - at[1])"
        took = subprocess.check_output([sys.executable, "-c", restart, str(journal)], text=True).split()
        figures = {"MB": size, "journal_MB": journal.stat().st_size / 1e6}
        return figures | {"restart_s": float(took[0]), "restart_cpu_s": float(took[1])}


def _costs(promises: int) -> dict[str, float]:
    """What each kind of request costs (us) an engine that keeps so many promises, some packed."""
    engine = Engine(None)
    client = Client(engine)
    for number in range(promises // 7):
        client.wait_at_gate(f"job/{number}")
        if number % 2:
            engine.state.pack(f"job/{number}")
    costs = {}
    client.wait_at_gate("job/own")
    some = iter(range(1 << 30))
    requests: dict[str, Callable[[], Any]] = {
        "promise.create": lambda: client("promise.create", **_promise(f"new/{next(some)}", "workers")),
        "promise.get": lambda: client("promise.get", id="job/own"),
        "promise.search": lambda: client("promise.search", state="resolved", limit=10),
        "promise.search after": lambda: client("promise.search", state="pending", limit=10, cursor="job/own"),
        "task.search": lambda: client("task.search", state="suspended", limit=10),
        "task.get": lambda: client("task.get", id="job/own"),
        "a job's 16": lambda: client.wait_at_gate(f"more/{next(some)}"),
    }
    for name, request in requests.items():
        times = []
        for _ in range(100):
            started = time.perf_counter()
            request()
            times.append((time.perf_counter() - started) * 1e6)
        costs[name] = statistics.median(times)
    return costs


if __name__ == "__main__":
    print(json.dumps(_waiting(int(sys.argv[1]))))

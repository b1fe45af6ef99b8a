"""The real thing: api, worker and db as processes of their own, on an engine of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from resonate_base import PROTOCOL_VERSION
{%- if not bare %}
from sqlalchemy import create_engine, text
{%- endif %}

from {{ package_name }}.db.database import (
    migrate,
)
from {{ package_name }}.workflows.worker import (
    SERVICE,
)

from .conftest import SECRET

PATIENCE = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Topology:
    """Four processes, each stopped by its own id."""

    def __init__(self, engine_command: str, directory: Path) -> None:
        self.directory = directory
        self.database = f"sqlite:///{directory / 'service.db'}"
        migrate(self.database)
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.logs: dict[str, list[str]] = {}
        self.engine = [engine_command, "engine", "--journal", str(directory / "journal")]
        self.engine_port = free_port()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "WEBHOOK_SECRET": SECRET,
            "DATABASE_URL": self.database,
            "RESONATE_URL": f"http://127.0.0.1:{self.engine_port}",
            "PORT": self.url.rpartition(":")[2],
            "LEASE": "2",
            "API_KEYS": "",
        }

    def start(self, name: str) -> None:
        command = [sys.executable, "-m", "{{ package_name }}", name]
        if name == "engine":
            command = [*self.engine, "--port", str(self.engine_port)]
        process = subprocess.Popen(
            command,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.running[name] = process
        lines = self.logs.setdefault(name, [])
        threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True).start()

    def stop(self, name: str, how: int = signal.SIGTERM) -> int:
        process = self.running.pop(name)
        process.send_signal(how)
        try:
            return process.wait(PATIENCE)
        finally:
            with suppress(ProcessLookupError):
                process.kill()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers, timeout=30)

    def ask_engine(self, kind: str, **data: Any) -> int:
        """The status of one request to the engine, by its own protocol."""
        request = {"kind": kind, "head": {"corrId": "test", "version": PROTOCOL_VERSION}, "data": data}
        status: int = httpx.post(self.environment["RESONATE_URL"], json=request, timeout=30).json()["head"]["status"]
        return status

    def until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and all(p.poll() is None for p in self.running.values()):
            with suppress(httpx.TransportError):
                if self.workers_serve() and self.get("/readyz").status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"the processes did not become ready: {self.logs}")

    def workers_serve(self) -> bool:
        """A worker says so once it can be told to stop."""
        workers = self.running.keys() & {"worker", "db"}
        return all(any(" serves " in line for line in list(self.logs[name])) for name in workers)


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    """One of each, for all tests here; at the end every one must stop cleanly."""
    command = shutil.which("resonate-scaffold")
    if command is None:
        pytest.skip("needs `resonate-scaffold engine` on PATH: pip install resonate-scaffold")
    topology = Topology(command, tmp_path_factory.mktemp("topology"))
    try:
        for name in ("engine", "db", "worker", "api"):
            topology.start(name)
        topology.until_ready()
        yield topology
        begun = time.monotonic()
        # uvicorn shuts down, then ends by the signal that it was sent.
        assert topology.stop("api") in (0, -signal.SIGTERM)
        assert [topology.stop(name) for name in ("worker", "db")] == [0, 0], topology.logs
        assert time.monotonic() - begun < 10
    finally:
        for name in list(topology.running):
            topology.stop(name, signal.SIGKILL)


def test_the_api_is_alive(topology: Topology) -> None:
    assert topology.get("/livez").json() == {"status": "alive"}


def test_a_worker_that_starts_removes_the_schedules_that_are_no_longer_in_its_list(topology: Topology) -> None:
    gone, foreign = f"{SERVICE}/no-longer-there", f"{SERVICE}-2/nightly"
    never = {"cron": "0 0 1 1 *", "promiseId": "{{ '{{' }}.id{{ '}}' }}-{{ '{{' }}.timestamp{{ '}}' }}", "promiseTimeout": 1}
    for schedule_id in (gone, foreign):
        tags = {"resonate:target": "poll://any@nobody"}
        assert topology.ask_engine("schedule.create", id=schedule_id, promiseTags=tags, promiseParam={}, **never) < 300
    assert topology.stop("worker") == 0
    topology.start("worker")
    deadline = time.monotonic() + PATIENCE
    while topology.ask_engine("schedule.get", id=gone) != 404:
        assert time.monotonic() < deadline, topology.logs
        time.sleep(0.05)
    assert topology.ask_engine("schedule.get", id=foreign) == 200
{%- if not bare %}


def submit(topology: Topology, key: str, **body: Any) -> httpx.Response:
    body = {"account_id": "acc-1", **body}
    return httpx.post(f"{topology.url}/jobs", json=body, headers={"Idempotency-Key": key}, timeout=30)


def ended(topology: Topology, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        job: dict[str, Any] = topology.get(f"/jobs/{job_id}", Prefer="wait=5").json()
        if job["status"] != "running":
            return job
    raise AssertionError(f"{job_id} did not end: {topology.logs}")


def decide(topology: Topology, decision: str, job_id: str) -> str:
    """Decide by the command, as a person would, once the job stands at its gate."""
    command = [sys.executable, "-m", "{{ package_name }}", decision, job_id]
    deadline = time.monotonic() + PATIENCE
    while True:
        done = subprocess.run(command, env=topology.environment, text=True, capture_output=True, timeout=30)
        if done.returncode == 0 or time.monotonic() > deadline:
            assert done.returncode == 0, (done.stdout, done.stderr)
            return done.stdout
        assert "not-waiting" in done.stdout, (done.stdout, done.stderr)
        time.sleep(0.1)


def until_it_waits(topology: Topology, job_id: str) -> None:
    """Ask the engine itself for the gate."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if topology.ask_engine("promise.get", id=f"approve/{job_id}") == 200:
            return
        time.sleep(0.05)
    raise AssertionError(f"{job_id} never waited: {topology.logs}")


def test_jobs_across_processes(topology: Topology) -> None:
    answer = submit(topology, "plain")
    assert answer.status_code == 202
    job = ended(topology, answer.json()["id"])
    assert (job["status"], job["result"]["account"]["owner"]) == ("succeeded", "Ada Lovelace")
    assert submit(topology, "plain").headers["Idempotent-Replayed"] == "true"

    submit(topology, "asks", requires_approval=True)
    assert '"approved":true' in decide(topology, "approve", "asks")
    assert ended(topology, "asks")["result"]["approved"] is True

    submit(topology, "asks-in-vain", requires_approval=True)
    decide(topology, "reject", "asks-in-vain")
    assert ended(topology, "asks-in-vain")["error"] == "not approved: the job was rejected"

    body = {"account_ids": ["acc-2", "acc-1"]}
    summary = httpx.post(f"{topology.url}/accounts/summary", json=body, timeout=30)
    assert summary.status_code == 200
    assert [account["id"] for account in summary.json()["accounts"]] == ["acc-2", "acc-1"]


def test_a_waiting_job_survives_its_worker_and_the_engine(topology: Topology) -> None:
    submit(topology, "survivor", requires_approval=True)
    until_it_waits(topology, "survivor")
    topology.stop("worker", signal.SIGKILL)
    topology.stop("engine", signal.SIGKILL)
    topology.start("engine")
    topology.until_ready()
    topology.start("worker")
    decide(topology, "approve", "survivor")
    assert ended(topology, "survivor")["status"] == "succeeded"
    engine = create_engine(topology.database)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT count(*) FROM job_results WHERE job_id = 'survivor'")).scalar_one()
    engine.dispose()
    assert rows == 1
{%- endif %}

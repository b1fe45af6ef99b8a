"""Jobs across processes: each of engine, api, worker and db is one of its own."""

import signal
import time
from typing import Any

import httpx
from shop.runtime.database import synchronous_url
from sqlalchemy import create_engine, text

from ..crowd import crowd
from ..topology import Collector, Topology


def submit(topology: Topology, key: str, **body: Any) -> httpx.Response:
    body = {"account_id": "acc-1", **body}
    return httpx.post(f"{topology.url}/jobs", json=body, headers={"Idempotency-Key": key}, timeout=30)


def ended(topology: Topology, job_id: str) -> dict[str, Any]:
    """A job, once it has ended."""
    jobs: list[dict[str, Any]] = []

    def has_ended() -> bool:
        jobs.append(topology.get(f"/jobs/{job_id}", Prefer="wait=5").json())
        return bool(jobs[-1]["status"] != "running")

    topology.until(f"{job_id} ends", has_ended)
    return jobs[-1]


def wait_for_gate(topology: Topology, job_id: str) -> None:
    """Ask the engine itself until the job waits for its approval."""
    gate = f"shop/approve/job/{job_id}"
    topology.until(f"{job_id} waits", lambda: topology.ask_engine("promise.get", id=gate) == 200)


def decide(topology: Topology, decision: str, job_id: str) -> str:
    """Decide by the command, as a person would."""
    wait_for_gate(topology, job_id)
    done = topology.command(decision, job_id, process="api")
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def test_jobs(topology: Topology) -> None:
    response = submit(topology, "plain")
    assert response.status_code == 202
    for key in ("asks", "asks-in-vain"):
        submit(topology, key, requires_approval=True)
    job = ended(topology, response.json()["id"])
    assert (job["status"], job["result"]["account"]["owner"]) == ("succeeded", "Ada Lovelace")
    assert submit(topology, "plain").headers["Idempotent-Replayed"] == "true"

    assert '"approved":true' in decide(topology, "approve", "asks")
    assert ended(topology, "asks")["result"]["approved"] is True
    decide(topology, "reject", "asks-in-vain")
    assert ended(topology, "asks-in-vain")["error"] == {"code": "not-approved", "message": "the job was rejected"}

    body = {"account_ids": ["acc-2", "acc-1"]}
    summary = httpx.post(f"{topology.url}/accounts/summary", json=body, timeout=30)
    assert summary.status_code == 200
    assert [account["id"] for account in summary.json()["accounts"]] == ["acc-2", "acc-1"]


def test_a_decision_that_follows_its_submission_at_once_holds(topology: Topology) -> None:
    for number in range(5):
        submit(topology, f"quick-{number}", requires_approval=True)
        done = topology.command("approve", f"quick-{number}", process="api")
        assert (done.returncode, done.stdout) == (0, f'200 {{"job_id":"quick-{number}","approved":true}}\n')
    for number in range(5):
        assert ended(topology, f"quick-{number}")["result"]["approved"] is True


def test_a_decision_that_comes_before_its_job_is_refused(topology: Topology) -> None:
    done = topology.command("approve", "unknown", process="api")
    assert done.returncode == 1 and "404" in done.stdout and "not-found" in done.stdout


def test_a_job_is_one_trace(topology: Topology, collector: Collector) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    httpx.post(
        f"{topology.url}/jobs",
        json={"account_id": "acc-1"},
        headers={"Idempotency-Key": "traced", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
    )
    assert ended(topology, "traced")["status"] == "succeeded"
    expected = {
        ("shop-api", "POST /jobs"),
        ("shop-workers", "process-job"),
        ("shop-db", "db.get_account"),
        ("shop-db", "db.save_result"),
    }

    def spans() -> set[tuple[str, str]]:
        return {(service, name) for service, name, of in list(collector.spans) if of == trace}

    topology.until("all spans are sent", lambda: expected <= spans())
    assert spans() == expected


def test_reconcile_as_a_command(topology: Topology) -> None:
    submit(topology, "reconciled")
    assert ended(topology, "reconciled")["status"] == "succeeded"
    done = topology.command("reconcile", "job/reconciled", process="db")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    engine = create_engine(synchronous_url(topology.database_url))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM job_results WHERE job_id = 'reconciled'"))
        connection.execute(text("DELETE FROM operations WHERE id = 'db/op/save-result/reconciled'"))
    found = topology.command("reconcile", "job/reconciled", process="db")
    assert (found.returncode, found.stdout.count("missing db/op/save-result/reconciled")) == (1, 1), found.stderr
    done = topology.command("reconcile", "--again", "job/reconciled", process="db")
    assert (done.returncode, done.stdout.count("done again")) == (0, 1), done.stderr
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT count(*) FROM job_results WHERE job_id = 'reconciled'")).scalar_one()
    engine.dispose()
    assert rows == 1
    everything = topology.command("reconcile", process="db")
    assert (everything.returncode, everything.stdout) == (0, ""), everything.stderr


def test_a_waiting_job_survives_its_worker_and_the_engine(topology: Topology) -> None:
    submit(topology, "survivor", requires_approval=True)
    wait_for_gate(topology, "survivor")
    topology.stop("worker", signal.SIGKILL)
    topology.stop("engine", signal.SIGKILL)
    topology.start("engine")
    topology.until_ready()
    topology.start("worker")
    decide(topology, "approve", "survivor")
    assert ended(topology, "survivor")["status"] == "succeeded"
    engine = create_engine(synchronous_url(topology.database_url))
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT count(*) FROM job_results WHERE job_id = 'survivor'")).scalar_one()
    engine.dispose()
    assert rows == 1


def test_idle_and_slow_clients_stop_no_job(topology: Topology) -> None:
    took = []
    with crowd(int(topology.url.rpartition(":")[2]), b"/jobs"):
        for _ in range(20):
            started = time.monotonic()
            assert httpx.post(f"{topology.url}/jobs", json={"account_id": "acc-1"}, timeout=30).status_code == 202
            took.append(time.monotonic() - started)
    assert max(took) < 5, took

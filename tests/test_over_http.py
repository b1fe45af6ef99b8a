"""The generated service as its clients meet it: every row of its table and every error code, over real HTTP, against
three processes on the embedded engine; and what survives a kill.

The service is made and installed by the real command.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from .browser import BINARY, Browser
from .test_mcp import Call, ask, refusal
from .topology import OTHER_SECRET, PATIENCE, SECRET, Topology, free_port, signed

APPROVAL_TIMEOUT = 8
PLAIN = {"account_id": "acc-1"}
ASKS = {"account_id": "acc-1", "requires_approval": True}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service made and installed by the command."""
    parent = tmp_path_factory.mktemp("made")
    command = [sys.executable, "-m", "resonate_scaffold", "new", "my-shop", "--defaults", "--into", str(parent)]
    done = subprocess.run(command, text=True, capture_output=True, timeout=600)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return parent / "my-shop"


@pytest.fixture(scope="module")
def topology(service: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    scratch = tmp_path_factory.mktemp("run")
    with Topology(service, scratch, "my_shop", APPROVAL_TIMEOUT=str(APPROVAL_TIMEOUT)) as topology:
        assert topology.run("migrate", "--seed").returncode == 0
        topology.start_engine()
        topology.start("worker", "worker")
        topology.start("db", "db")
        yield topology


@pytest.fixture(scope="module")
def url(topology: Topology) -> str:
    url = topology.start_api()
    topology.until(lambda: httpx.get(f"{url}/readyz").status_code == 200, "ready")
    return url


def post_job(url: str, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
    if key is not None:
        headers["Idempotency-Key"] = key
    return httpx.post(f"{url}/jobs", json=body, headers=headers, timeout=30)


def ended(url: str, job_id: str, **headers: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = httpx.get(f"{url}/jobs/{job_id}", headers={"Prefer": "wait=10", **headers}, timeout=30)
        assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=10")
        job: dict[str, Any] = answer.json()
        if job["status"] != "running":
            return job
    raise AssertionError(f"{job_id} did not end")


def decide(url: str, job_id: str, approved: Any, *, age: int = 0, secret: str = SECRET) -> httpx.Response:
    """Send the webhook."""
    raw = json.dumps({"job_id": job_id, "approved": approved}).encode()
    return httpx.post(f"{url}/webhooks/approvals", content=raw, headers=signed(raw, secret, age=age), timeout=30)


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert "Traceback" not in answer.text and "__py_pickle" not in answer.text
    return answer.status_code, body["type"]


def results(topology: Topology, job_id: str) -> int:
    with sqlite3.connect(topology.scratch / "service.db") as connection:
        count: int = connection.execute("SELECT count(*) FROM job_results WHERE job_id = ?", (job_id,)).fetchone()[0]
    return count


def test_the_made_service_is_committed_and_clean(service: Path) -> None:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=service, text=True, capture_output=True).stdout

    assert git("rev-list", "--count", "HEAD").strip() == "1"
    assert git("status", "--porcelain") == ""
    assert ".env" not in git("ls-files").splitlines()
    assert len((service / ".env").read_text().partition("WEBHOOK_SECRETS=approvals:whsec_")[2].split()[0]) == 44


def test_jobs(url: str, topology: Topology) -> None:
    accepted = post_job(url, PLAIN, "order-1")
    assert accepted.status_code == 202
    assert accepted.headers["Location"] == "/jobs/order-1"
    assert accepted.json()["links"]["self"] == "/jobs/order-1"
    job = ended(url, "order-1")
    assert (job["status"], job["result"]["account"]["id"], job["error"]) == ("succeeded", "acc-1", None)

    again = post_job(url, PLAIN, '"order-1"')
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert again.json()["status"] == "succeeded"
    assert results(topology, "order-1") == 1

    assert problem(post_job(url, {"account_id": "acc-2"}, "order-1")) == (422, "idempotency-key-reused")
    assert problem(post_job(url, PLAIN, "x" * 256)) == (400, "invalid-idempotency-key")
    assert problem(post_job(url, {"account_id": 5})) == (422, "invalid-request")
    assert problem(post_job(url, {"account_id": "x" * 1024 * 1024})) == (413, "body-too-large")
    assert problem(httpx.get(f"{url}/jobs/unknown")) == (404, "not-found")
    malformed = httpx.post(f"{url}/jobs", content=b"{", headers={"Content-Type": "application/json"})
    assert problem(malformed) == (422, "invalid-request")

    anonymous = post_job(url, {"account_id": "nobody"})
    failed = ended(url, anonymous.json()["id"])
    assert failed["status"] == "failed"
    assert failed["error"] == {"code": "no-such-account", "message": "account 'nobody' does not exist"}


def test_fifty_at_once_make_one_job(url: str, topology: Topology) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: post_job(url, PLAIN, "fifty"), range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert ended(url, "fifty")["status"] == "succeeded"
    assert results(topology, "fifty") == 1


def test_approvals(url: str, topology: Topology) -> None:
    assert problem(decide(url, "asks", True)) == (404, "not-found")
    post_job(url, ASKS, "asks")
    topology.until_waiting("asks")
    assert httpx.get(f"{url}/jobs/asks").json()["status"] == "running"
    assert problem(decide(url, "asks", True, secret=OTHER_SECRET)) == (401, "bad-signature")
    assert problem(decide(url, "asks", True, age=301)) == (401, "bad-signature")
    assert problem(httpx.post(f"{url}/webhooks/approvals", json={"approved": True})) == (401, "bad-signature")
    assert problem(decide(url, "asks", 1)) == (422, "invalid-request")
    assert decide(url, "asks", True).json() == {"job_id": "asks", "approved": True}
    assert decide(url, "asks", True).status_code == 200
    conflict = decide(url, "asks", False)
    assert problem(conflict) == (409, "answered-otherwise")
    assert conflict.json()["answer"] == {"approved": True}
    assert ended(url, "asks")["result"]["approved"] is True

    post_job(url, PLAIN, "asks-nothing")
    assert ended(url, "asks-nothing")["status"] == "succeeded"
    assert problem(decide(url, "asks-nothing", True)) == (410, "too-late")


def test_a_person_decides_by_command(url: str, topology: Topology) -> None:
    for key, command in (("by-hand-1", "approve"), ("by-hand-2", "reject")):
        post_job(url, ASKS, key)
        topology.until_waiting(key)
        assert topology.run(command, key, "--url", url).returncode == 0
    assert ended(url, "by-hand-1")["status"] == "succeeded"
    rejected = ended(url, "by-hand-2")
    assert (rejected["status"], rejected["error"]["message"]) == ("failed", "the job was rejected")
    refused = topology.run("approve", "unknown", "--url", url)
    assert (refused.returncode, "404" in refused.stdout, refused.stderr) == (1, True, "")


def test_an_agent_sees_what_runs(url: str, topology: Topology) -> None:
    assert ended(url, post_job(url, PLAIN, key="mcp-1").json()["id"])["status"] == "succeeded"
    newest: dict[str, Any] = {"text": "mcp-", "since": "PT1H", "limit": 5}
    calls: list[Call] = [("runs_list", newest), ("runs_show", {"run": "job/mcp-1"}), ("runs_show", {"run": "job/nope"})]
    options = ["--url", topology.engine_url]
    listed, shown, unknown, wrong = ask(topology.service, *calls, ("runs_list", {"status": "gone"}), options=options)
    assert listed.structured_content is not None and shown.structured_content is not None
    assert [it["id"] for it in listed.structured_content["runs"]] == ["job/mcp-1"]
    assert (shown.structured_content["tree"]["run"]["id"], shown.is_error) == ("job/mcp-1", False)
    assert "job/nope" in refusal(unknown) and "gone" in refusal(wrong)


def test_nobody_decides(url: str) -> None:
    post_job(url, ASKS, "forgotten")
    job = ended(url, "forgotten")
    assert (job["status"], job["error"]["message"]) == ("failed", "nobody decided in time")
    assert problem(decide(url, "forgotten", True)) == (410, "too-late")


def test_canceled_and_timed_out(url: str, topology: Topology) -> None:
    post_job(url, ASKS, "canceled")
    topology.until_waiting("canceled")
    topology.ask_engine("promise.settle", id=topology.engine_id("job/canceled"), state="rejected_canceled", value={})
    assert ended(url, "canceled")["status"] == "canceled"

    topology.stop("worker")
    hasty = topology.start_api("hasty", JOB_TIMEOUT="2", APPROVAL_TIMEOUT="1")
    post_job(hasty, ASKS, "timed-out")
    job = ended(url, "timed-out")
    topology.start("worker", "worker")
    assert (job["status"], job["error"]) == ("timed_out", {"code": "timed-out", "message": "it did not end in time"})
    assert problem(decide(url, "timed-out", True)) == (410, "too-late")
    topology.stop("hasty")


def test_summaries(url: str) -> None:
    def summarise(ids: list[str], **headers: str) -> httpx.Response:
        return httpx.post(f"{url}/accounts/summary", json={"account_ids": ids}, headers=headers, timeout=30)

    quick = summarise(["acc-2", "acc-1", "nobody"])
    assert quick.status_code == 200
    assert [account["id"] for account in quick.json()["accounts"]] == ["acc-2", "acc-1"]
    assert quick.json()["missing"] == ["nobody"]

    slow = summarise(["acc-1"] * 100, Prefer="wait=0")
    assert (slow.status_code, slow.headers["Location"]) == (202, f"/accounts/summary/{slow.json()['id']}")
    deadline = time.monotonic() + PATIENCE
    while (progress := httpx.get(url + slow.headers["Location"]).json())["status"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (progress["status"], len(progress["result"]["accounts"])) == ("succeeded", 100)
    assert problem(summarise([])) == (422, "invalid-request")
    assert problem(httpx.get(f"{url}/accounts/summary/unknown")) == (404, "not-found")


def test_health_and_docs(url: str) -> None:
    assert httpx.get(f"{url}/livez").json() == {"status": "alive"}
    assert httpx.get(f"{url}/readyz").json() == {"status": "ready"}
    assert httpx.get(f"{url}/docs").status_code == 200
    document = httpx.get(f"{url}/openapi.json").json()
    assert set(document["paths"]) == {
        "/livez",
        "/readyz",
        "/jobs",
        "/jobs/{id}",
        "/accounts/summary",
        "/accounts/summary/{id}",
        "/webhooks/approvals",
    }


def test_api_keys(topology: Topology) -> None:
    url = topology.start_api("keyed", API_KEYS=f"alice:{'a' * 20},bob:{'b' * 20}")
    alice, bob = ({"Authorization": f"Bearer {letter * 20}"} for letter in "ab")
    assert problem(post_job(url, PLAIN)) == (401, "unauthorized")
    assert problem(httpx.get(f"{url}/jobs/alice.mine")) == (401, "unauthorized")
    assert post_job(url, PLAIN, "mine", **alice).json()["id"] == "alice.mine"
    assert post_job(url, {"account_id": "acc-2"}, "mine", **bob).json()["id"] == "bob.mine"
    assert ended(url, "alice.mine", **alice)["result"]["account"]["id"] == "acc-1"
    assert ended(url, "bob.mine", **bob)["result"]["account"]["id"] == "acc-2"
    assert problem(httpx.get(f"{url}/jobs/alice.mine", headers=bob)) == (404, "not-found")
    topology.stop("keyed")


def test_an_engine_that_is_away(topology: Topology) -> None:
    url = topology.start_api("lonely", RESONATE_URL="http://127.0.0.1:9")
    assert problem(httpx.get(f"{url}/readyz", timeout=30)) == (503, "engine-unavailable")
    begun = time.monotonic()
    answer = post_job(url, PLAIN, "unknown-outcome")
    assert problem(answer) == (503, "engine-unavailable")
    assert (answer.headers["Location"], answer.headers["Retry-After"]) == ("/jobs/unknown-outcome", "5")
    assert time.monotonic() - begun < 10
    assert problem(httpx.get(f"{url}/jobs/unknown-outcome", timeout=30)) == (503, "engine-unavailable")
    topology.stop("lonely")


def test_a_waiting_job_survives_worker_and_engine(topology: Topology) -> None:
    # Its own worker and API, so that the approval may take longer than this topology's time-out.
    url = topology.start_api("patient")
    topology.stop("worker")
    topology.start("worker", "worker", APPROVAL_TIMEOUT="600")
    post_job(url, ASKS, "survivor")
    topology.until_waiting("survivor")
    topology.stop("worker", signal.SIGKILL)
    topology.stop("engine", signal.SIGKILL)
    topology.start_engine()
    topology.start("worker", "worker", APPROVAL_TIMEOUT="600")
    topology.until(lambda: httpx.get(f"{url}/readyz").status_code == 200, "ready again")
    assert decide(url, "survivor", True).status_code == 200
    assert ended(url, "survivor")["status"] == "succeeded"
    assert results(topology, "survivor") == 1
    topology.stop("patient")


def test_dev_stopped_and_started_again_loses_no_job(service: Path, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    inherited = {name: value for name, value in os.environ.items() if name not in ("RESONATE_URL", "VIRTUAL_ENV")}
    environment = {
        **inherited,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'dev.db'}",
        "WEBHOOK_SECRETS": f"approvals:{SECRET}",
    }

    @contextmanager
    def dev() -> Iterator[None]:
        command = [sys.executable, "-m", "resonate_scaffold", "dev", "--project", str(service), "--port", str(port)]
        with subprocess.Popen(
            [*command, "--engine", "embedded"], env=environment, text=True, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:  # until it shows where to click
                    if f"{url}/docs" in line:
                        break
                threading.Thread(target=process.stdout.read, daemon=True).start()
                yield
            finally:
                children = psutil.Process(process.pid).children(recursive=True)
                process.send_signal(signal.SIGINT)
                begun = time.monotonic()
                assert process.wait(15) == 0
                assert time.monotonic() - begun < 10
                assert len(children) >= 4
                assert not psutil.wait_procs(children, timeout=5)[1], "dev left processes behind"

    with dev():
        assert post_job(url, ASKS, "overnight").status_code == 202
    with dev():
        assert decide(url, "overnight", True).status_code == 200
        assert ended(url, "overnight")["status"] == "succeeded"
    with sqlite3.connect(tmp_path / "dev.db") as connection:
        assert connection.execute("SELECT job_id FROM job_results").fetchall() == [("overnight",)]


# The page that shows it


@pytest.mark.skipif(BINARY is None, reason="there is no Chromium")
def test_the_docs_page_in_a_browser(topology: Topology, tmp_path: Path) -> None:
    """It loads from the service alone, breaks its own policy nowhere, and "Try it out" sends the API key."""
    key, host = "a-key-for-the-page-of-docs", "api.example.com"
    settings = {"API_KEYS": f"alice:{key}", "SERVE_DOCS": "true", "SERVE_OPENAPI": "true", "ALLOWED_HOSTS": host}
    url = topology.start_api("docs", **settings).replace("127.0.0.1", host)
    with Browser(tmp_path, [host]) as browser:
        browser.open(f"{url}/docs")
        browser.click(".btn.authorize")
        browser.fill(".auth-container input", key)
        browser.click(".auth-btn-wrapper button[type=submit]")
        browser.click(".btn-done")
        browser.click("#operations-jobs-submit_job_jobs_post .opblock-summary-control")
        browser.click(".try-out__btn")
        browser.click(".btn.execute")
        assert browser.text(".live-responses-table tbody .response-col_status").strip() == "202"
        assert '"id": "alice.order-4711"' in browser.text(".live-responses-table")
        asked = [address for address in browser.requested if not address.startswith("data:")]
        assert {f"{url}/docs", f"{url}/openapi.json", f"{url}/jobs"} < set(asked)
        assert [address for address in asked if not address.startswith(f"{url}/")] == []
        assert browser.complaints == []
    topology.stop("docs")

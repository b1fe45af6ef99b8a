"""The clinic of docs/clinic.md: made by the commands of `clinic.txt`, and the one wait of `clinic.diff` by hand.

It passes its own checks, and is driven over HTTP as its processes, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import shlex
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import PROGRAM
from .postgres import Cluster
from .test_generated import check_passed, path_with_tool, run
from .topology import SECRET, Topology, signed

HERE = Path(__file__).parent
COMMANDS = [line for line in (HERE / "clinic.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
OTHERS_SECRET = "what-its-sender-shows"
DOCTOR = {"name": "Ida", "license": "D-4711", "hourly_rate": "120.50"}
PATIENT = {"name": "Ada", "born": "1990-12-10", "insurer_no": "P-1", "phone": "+4930123"}
MOMENT = "2027-01-04T09:00:00Z"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service as the commands leave it."""
    parent = tmp_path_factory.mktemp("made")
    run([str(PROGRAM), "new", "clinic", "--bare", "--defaults", "--no-install"], parent)
    for command in COMMANDS:
        program, *words = shlex.split(command)
        assert program == "resonate-scaffold", command
        run([str(PROGRAM), *words], parent / "clinic")
    return parent / "clinic"


@pytest.fixture(scope="module")
def clinic(made: Path, service_python: Path) -> Path:
    """The service, after its first checks, with the wait for the consent."""
    check_style(made, str(service_python))
    run(["git", "apply", str(HERE / "clinic.diff")], made)
    return made


def check_style(service: Path, python: str) -> None:
    run([python, "-m", "ruff", "check", "."], service)
    run([python, "-m", "ruff", "format", "--check", "."], service)
    run([python, "-m", "mypy"], service)
    run([str(PROGRAM), "check", "--select", "ALL"], service)


@contextmanager
def database(kind: str, directory: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{directory / 'clinic.db'}"
        return
    with Cluster.make(directory / "postgres", "clinic").running() as cluster:
        yield cluster.url("clinic")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_driven_over_http(kind: str, clinic: Path, service_python: Path) -> None:
    secrets = f"consent:{SECRET},payment:{OTHERS_SECRET},lab-report:{OTHERS_SECRET}"
    # Not below pytest's own directory, which is closed to the user that Postgres runs as.
    with tempfile.TemporaryDirectory() as name, database(kind, Path(name)) as url:
        settings = {"DATABASE_URL": url, "WEBHOOK_SECRETS": secrets, "SYNC_WAIT": "20"}
        with Topology(clinic, Path(name), "clinic", python=service_python, **settings) as topology:
            migrated = topology.run("migrate")
            assert migrated.returncode == 0, (migrated.stdout, migrated.stderr)
            topology.start_engine()
            for process in ("worker", "db", "fake payments", "fake sms"):
                topology.start(process, *process.split())
            address = topology.start_api()
            topology.until(lambda: httpx.get(f"{address}/readyz").status_code == 200, "ready")
            with httpx.Client(base_url=address, timeout=60) as client:
                patient, doctor = entities(client)
                appointment = visits(client, patient, doctor)
                bills(client, patient, appointment)
                admissions(client)
                reports(client)


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"]


def ended(client: httpx.Client, location: str) -> dict[str, Any]:
    """How a piece of work ended."""
    for _ in range(6):
        progress: dict[str, Any] = client.get(location, headers={"Prefer": "wait=10"}).json()
        if progress["status"] != "running":
            return progress
    raise AssertionError(progress)


def entities(client: httpx.Client) -> tuple[str, str]:
    """Create, clash, change, and walk through pages; the ids of a patient and of a doctor."""
    doctor = client.post("/doctors", json=DOCTOR)
    assert doctor.status_code == 201, doctor.text
    body = {**PATIENT, "family_doctor_id": doctor.json()["id"]}
    patient = client.post("/patients", json=body, headers={"Idempotency-Key": "ada"})
    assert patient.status_code == 201, patient.text
    assert patient.json() == {**body, "insurance": "public", "id": patient.json()["id"], "version": 1}
    again = client.post("/patients", json=body, headers={"Idempotency-Key": "ada"})
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (patient.json(), "true")
    clash = client.post("/patients", json=body)
    assert problem(clash) == (409, "not-unique")
    assert clash.json()["fields"] == ["insurer_no"]
    nobody = client.post("/patients", json={**body, "insurer_no": "P-0", "family_doctor_id": patient.json()["id"]})
    assert problem(nobody) == (409, "no-such-reference")
    assert problem(client.delete(doctor.headers["Location"])) == (409, "still-referenced")

    location, tag = patient.headers["Location"], patient.headers["ETag"]
    assert client.get(location, headers={"If-None-Match": tag}).status_code == 304
    assert problem(client.patch(location, json={"phone": None})) == (428, "precondition-required")
    changed = client.patch(location, json={"insurance": "private"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    stale = client.patch(location, json={"insurance": "none"}, headers={"If-Match": tag})
    assert problem(stale) == (412, "precondition-failed")

    for number in ("P-2", "P-3"):
        assert client.post("/patients", json={**PATIENT, "insurer_no": number}).status_code == 201
    page, found = client.get("/patients", params={"limit": 2}), []
    found += page.json()["items"]
    while "next" in page.links:
        page = client.get(page.links["next"]["url"])
        found += page.json()["items"]
    assert [it["insurer_no"] for it in found] == ["P-1", "P-2", "P-3"]
    assert client.get("/insurers/P-1/patient").json()["id"] == patient.json()["id"]
    assert problem(client.get("/insurers/P-9/patient")) == (404, "not-found")
    return patient.json()["id"], doctor.json()["id"]


def visits(client: httpx.Client, patient: str, doctor: str) -> str:
    """Work that its business fields name; the id of the appointment that it makes."""
    body = {"patient_id": patient, "doctor_id": doctor, "starts_at": MOMENT, "phone": "+4930123"}
    first = client.post("/visits", json=body)
    assert first.status_code == 202, first.text
    again = client.post("/visits", json={**body, "starts_at": "2027-01-04T10:00:00+01:00"})
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert problem(client.post("/visits", json={**body, "phone": "+4930999"})) == (422, "idempotency-key-reused")
    booked = ended(client, first.headers["Location"])
    assert (booked["status"], booked["result"]["message_id"]) == ("succeeded", "example")

    (listed,) = client.get(f"/doctors/{doctor}/appointments").json()["items"]
    assert (listed["id"], listed["patient_id"], listed["status"]) == (
        booked["result"]["appointment_id"],
        patient,
        "booked",
    )
    assert client.get(f"/appointments/{listed['id']}").json()["minutes"] == 30
    taken = client.post("/appointments", json={"patient_id": patient, "doctor_id": doctor, "starts_at": MOMENT})
    assert problem(taken) == (409, "not-unique")
    assert taken.json()["fields"] == ["doctor_id", "starts_at"]
    return str(listed["id"])


def bills(client: httpx.Client, patient: str, appointment: str) -> None:
    """A workflow that calls the database and another team's group; an event of Stripe that comes too late."""
    body = {"patient_id": patient, "number": "2027-1", "amount": "120.50", "due": "2027-02-01"}
    billed = client.post(f"/appointments/{appointment}/bill", json=body, headers={"Idempotency-Key": "bill-1"})
    assert billed.status_code == 202, billed.text
    done = ended(client, billed.headers["Location"])
    assert (done["status"], done["result"]["chargeId"]) == ("succeeded", "example")
    invoice = client.get(f"/invoices/{done['result']['invoice_id']}").json()
    assert (invoice["amount"], invoice["appointment_id"]) == ("120.50", appointment)

    event = {"id": "evt_1", "type": "charge.succeeded", "data": {"object": {"metadata": {"job_id": "bill-1"}}}}
    raw = json.dumps(event).encode()
    assert problem(client.post("/webhooks/payment", content=raw, headers=signed(raw))) == (401, "bad-signature")
    now = str(int(time.time()))
    signature = hmac.new(OTHERS_SECRET.encode(), f"{now}.".encode() + raw, hashlib.sha256).hexdigest()
    late = client.post("/webhooks/payment", content=raw, headers={"Stripe-Signature": f"t={now},v1={signature}"})
    assert problem(late) == (410, "too-late")


def admissions(client: httpx.Client) -> None:
    """Work that waits until a signed webhook gives the patient's consent."""
    body = {"name": "Eve", "born": "2001-05-06", "insurer_no": "P-4"}
    assert problem(client.post("/admissions", json=body)) == (400, "idempotency-key-required")
    for key, given in (("eve", True), ("mallory", False)):
        asked = client.post("/admissions", json=body, headers={"Idempotency-Key": key})
        assert asked.status_code == 202, asked.text
        location = asked.headers["Location"]
        assert client.get(location, headers={"Prefer": "wait=1"}).json()["status"] == "running"
        raw = json.dumps({"job_id": key, "given": given}).encode()
        unsigned = client.post("/webhooks/consent", content=raw)
        assert problem(unsigned) == (401, "bad-signature")
        for _ in ("first", "replay"):
            answered = client.post("/webhooks/consent", content=raw, headers=signed(raw))
            assert (answered.status_code, answered.json()["answer"]) == (200, {"given": given})
        done = ended(client, location)
        if given:
            assert client.get(f"/patients/{done['result']['patient_id']}").json()["name"] == "Eve"
        else:
            assert (done["status"], done["error"]["message"]) == ("failed", "consent was not given")


def reports(client: httpx.Client) -> None:
    """A webhook whose messages start work, once each."""
    raw = json.dumps({"phone": "+4930123", "text": "Your results are here."}).encode()
    headers = {"X-Signature": hmac.new(OTHERS_SECRET.encode(), raw, hashlib.sha256).hexdigest()}
    first, again = (client.post("/webhooks/lab-report", content=raw, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202), first.text
    assert first.json() == again.json()
    forged = client.post("/webhooks/lab-report", content=raw + b" ", headers=headers)
    assert problem(forged) == (401, "bad-signature")


def test_the_tool_lists_it_all(clinic: Path) -> None:
    found = json.loads(run([str(PROGRAM), "list", "--json"], clinic))["inventory"]
    names = {kind: {item["name"] for item in items} for kind, items in found.items()}
    assert names["workflows"] == {
        *("book-visit", "bill-visit", "admit-patient"),
        *("file-report", "remind-patients", "close-day"),
    }
    assert names["entities"] == {"doctor", "patient", "appointment", "invoice"}
    # That of `lab-report` answers no gate: it is a route that starts a workflow.
    assert names["webhooks"] == {"consent", "payment"}
    assert "POST /webhooks/lab-report" in names["routes"]
    assert names["schedules"] == {"morning", "nightly"}
    assert names["rpc"] == {"payments.createCharge", "sms.send"}
    assert names["idempotency_keys"] == {"visit"}


def test_it_passes_its_own_checks_on_both_databases(clinic: Path, service_python: Path) -> None:
    """Its tests have those of the OpenAPI contract among them."""
    check_style(clinic, str(service_python))
    tests = [str(service_python), "-m", "pytest", "-rs", "-p", "no:cacheprovider", "--database", "all"]
    check_passed(run(tests, clinic, PATH=path_with_tool()))

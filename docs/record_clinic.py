"""Records the transcripts of docs/clinic.md: a clinic, made and driven in a scratch directory.

    .venv/bin/python -m docs.record_clinic

What it types stands in `tests/clinic.txt` and `tests/clinic.diff`, which a test runs too. Every line shown was printed
by the commands themselves; of the adds only what the owner is told, of the answers the headers that matter.
"""

from __future__ import annotations

import re
import shlex
import signal
import tempfile
import time
from pathlib import Path

from docs.record_growth import Shell, keep, start_dev, write
from docs.record_session import Session
from tests.test_clinic import COMMANDS, HERE, MOMENT

PAGE = Path(__file__).with_name("clinic.md")
ANSWER = keep(r"^HTTP/1.1", r"^(location|etag|link|idempotent-replayed|content-type: application/problem)", r"^{")
JSON = "-H 'Content-Type: application/json'"
SENDER = "what-its-sender-shows"


def _make(shell: Shell) -> None:
    shell.part = "made"
    shell.run("resonate-scaffold new clinic --bare --defaults", keep=keep())
    shell.run("cd clinic")
    shell.directory /= "clinic"
    begun = time.monotonic()
    for command in COMMANDS:
        shell.run(command, keep=keep(r"^ *note", r"^ {11}"))
    print(f"{len(COMMANDS)} commands took {time.monotonic() - begun:.0f} s")
    shell.part = "edit"
    shell.quietly("git add -A; git -c user.name=you -c user.email=you@example.com commit -qm 'What the tool made'")
    shell.quietly(f"git apply {shlex.quote(str(HERE / 'clinic.diff'))}")
    shell.run("git diff -U0", keep=keep(r"^[+-](?!-- )"))
    shell.part = "checks"
    for command in ("ruff check .", "ruff format --check .", "mypy"):
        shell.run(f".venv/bin/{command}")
    shell.run("resonate-scaffold check --select ALL")


def _drive(shell: Shell) -> None:
    shell.part = "run"
    doctor = '{"name": "Ida", "license": "D-4711", "hourly_rate": "120.50"}'
    patient = '{"name": "Ada", "born": "1990-12-10", "insurer_no": "P-1"}'
    _ask(shell, f"/doctors {JSON} -d '{doctor}'")
    _ask(shell, f"/patients {JSON} -H 'Idempotency-Key: ada' -d '{patient}'")
    _ask(shell, f"/patients {JSON} -H 'Idempotency-Key: ada' -d '{patient}'")
    _ask(shell, f"/patients {JSON} -d '{patient}'")
    for name in ("patient", "doctor"):
        find = f'curl -s localhost:8000/{name}s | sed \'s/.*"id":"\\([^"]*\\).*/\\1/\''
        shell.run(f"{name}=$({find})")
    _ask(shell, f'/patients/$patient -X PATCH {JSON} -H \'If-Match: "1"\' -d \'{{"insurance": "private"}}\'')
    _ask(shell, f'/patients/$patient -X PATCH {JSON} -H \'If-Match: "1"\' -d \'{{"insurance": "none"}}\'')
    visit = (
        f'{{"patient_id": "\'$patient\'", "doctor_id": "\'$doctor\'", "starts_at": "{MOMENT}", "phone": "+4930123"}}'
    )
    _ask(shell, f"/visits {JSON} -d '{visit}'")
    _ask(shell, f"/jobs/visits/$doctor,{MOMENT.replace(':', '')} -H 'Prefer: wait=10'")
    _ask(shell, "/doctors/$doctor/appointments")
    _ask(shell, f"/admissions {JSON} -H 'Idempotency-Key: eve' -d '{patient.replace('P-1', 'P-2')}'")
    body = '{"job_id": "eve", "given": true}'
    for line in (
        f"body='{body}' id=msg_1 timestamp=$(date +%s)",
        "key=$(sed -n 's/.*consent:whsec_\\([^,]*\\).*/\\1/p' .env | base64 -d | od -An -v -tx1 | tr -d ' \\n')",
        'signature=$(printf %s.%s.%s "$id" "$timestamp" "$body" |'
        " openssl dgst -sha256 -mac HMAC -macopt hexkey:$key -binary | base64)",
    ):
        shell.run(line)
    headers = '-H "Webhook-Id: $id" -H "Webhook-Timestamp: $timestamp" -H "Webhook-Signature: v1,$signature"'
    _ask(shell, f'/webhooks/consent {headers} -d "$body"')
    _ask(shell, "/jobs/admissions/eve -H 'Prefer: wait=10'")


def _ask(shell: Shell, request: str) -> None:
    shell.run(f"curl -sD - localhost:8000{request}", keep=ANSWER)


def main() -> None:
    """Make the service, check it, run it, and record all of it."""
    with tempfile.TemporaryDirectory() as scratch:
        session = Session(Path(scratch))
        shell = Shell(session.directory, session.environment)
        try:
            _make(shell)
            secrets = f"$(.venv/bin/clinic webhook-secret consent),payment:{SENDER},lab-report:{SENDER}"
            shell.run(f'sed -i "s|^WEBHOOK_SECRETS=|&{secrets},|" .env')
            ready = ("/docs", "group clinic.db", "group clinic.workers", "group payments", "group sms")
            dev = start_dev(session, "clinic", *ready)
            try:
                _drive(shell)
            finally:
                dev.send_signal(signal.SIGINT)
                dev.wait(60)
        finally:
            shell.process.kill()
    for lines in shell.parts.values():
        lines[:] = [re.sub(r" in \d[\d.]*s( \([\d:]+\))?$", "", line) for line in lines]
    write(shell.parts, PAGE)


if __name__ == "__main__":
    main()

"""Records the transcripts of docs/growing.md: an order service, grown and driven in a scratch directory.

    .venv/bin/python -m docs.record_growth

What it types is `tests/order_service.py`, which a test runs too. Every line shown was printed by the commands
themselves; some are left out, which the page says, and so are the scratch directory's path and how long tests took.
"""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from docs.record_session import Session
from tests import order_service as story

PAGE = Path(__file__).with_name("growing.md")
WIDTH = 110

ORDER = '{"customer_id": "c-1", "number": "42", "sku": "chair", "quantity": 2}'
PYTEST = ".venv/bin/python -m pytest"
POST = "curl -sD - localhost:8000/orders -H 'Content-Type: application/json'"
SIGNATURE = (
    'body=\'{"job_id": "c-1,42", "approved": true}\' id=msg_1 timestamp=$(date +%s)',
    "key=$(sed -n 's/.*approval:whsec_\\([^,]*\\).*/\\1/p' .env | base64 -d | od -An -v -tx1 | tr -d ' \\n')",
    'signature=$(printf %s.%s.%s "$id" "$timestamp" "$body" |'
    " openssl dgst -sha256 -mac HMAC -macopt hexkey:$key -binary | base64)",
)
APPROVE = (
    "curl -s localhost:8000/webhooks/approval"
    ' -H "Webhook-Id: $id" -H "Webhook-Timestamp: $timestamp" -H "Webhook-Signature: v1,$signature" -d "$body"'
)


class Shell:
    """One shell, so that its variables last; what was typed and printed goes into named parts."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory = directory
        self.parts: dict[str, list[str]] = {}
        self.part = ""
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=directory,
            env={**environment, "TERM": "dumb"},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, command: str, shown: str | None = None, keep: Callable[[str], bool] | None = None) -> None:
        """Run a command that must succeed, and record it; ``keep`` says which lines of its output are shown."""
        printed = [line.replace(f"{self.directory}/", "").rstrip() for line in self.quietly(command)]
        lines = [f"$ {_wrapped(shown or command)}", *(line for line in printed if keep is None or keep(line))]
        print("\n".join(lines), flush=True)
        self.parts.setdefault(self.part, []).extend(lines)

    def quietly(self, command: str) -> list[str]:
        """Run a command that must succeed; what it printed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{command}\nstatus=$?; echo; echo ended $status\n")
        self.process.stdin.flush()
        printed: list[str] = []
        for line in self.process.stdout:
            if line.startswith("ended "):
                assert line == "ended 0\n", "\n".join([command, *printed])
                # `echo` has ended a line that was not, or made an empty one.
                return printed[:-1] if printed and not printed[-1] else printed
            printed.append(line.rstrip("\r\n"))
        raise AssertionError(f"the shell ended: {command}")


def _wrapped(command: str) -> str:
    """The command on lines of a page's width, broken before options."""
    lines = [""]
    for word in re.split(r" (?=-)", command):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if len(joined) > WIDTH and lines[-1]:
            lines[-1] += " \\"
            lines.append(f"    {word}")
        else:
            lines[-1] = joined
    return "\n".join(lines)


def keep(*patterns: str) -> Callable[[str], bool]:
    return lambda line: any(re.search(pattern, line) for pattern in patterns)


def _grow(shell: Shell) -> None:
    shell.part = "add"
    shell.run(story.NEW, keep=keep())
    shell.run("cd orders")
    shell.directory /= "orders"
    for command in story.ADDS:
        # The first shows what they all print; of the others only what the owner is told.
        shell.run(command, keep=None if command == story.ADDS[0] else keep(r"^ *note", r"^ {11}"))
    shell.run(story.SECRET)
    shell.run(PYTEST, keep=keep(r"\d+ passed"))


def _edit(shell: Shell, service: Path) -> None:
    shell.part = "edit"
    shell.quietly("git add -A; git -c user.name=you -c user.email=you@example.com commit -qm 'What the tool made'")
    shell.run(story.MIGRATE)
    story.edit(service, (*story.TABLE, *story.EFFECT, *story.GATE, *story.TESTS))
    shell.run(story.REVISION, keep=keep(r"^Generating"))
    shell.run("git diff -U0 orders", keep=keep(r"^[+-](?!-- )"))
    shell.run("git diff --stat tests")
    shell.run(PYTEST, keep=keep(r"\d+ passed"))


def _drive(shell: Shell, dev: psutil.Process) -> None:
    shell.part = "run"
    answer = keep(r"^HTTP/1.1", r"^(location|idempotent-replayed|content-type: application/problem)", r"^{")
    shell.run(f"{POST} -d '{ORDER}'", keep=answer)
    shell.run(f"{POST} -d '{ORDER}'", keep=answer)
    shell.run(f"{POST} -d '{ORDER.replace('2}', '3}')}'", keep=answer)
    time.sleep(2)  # it looks its stock up, and comes to its gate
    shell.run("curl -s localhost:8000/jobs/orders/c-1,42")
    (worker,) = (child for child in dev.children(recursive=True) if child.cmdline()[-2:] == ["orders", "worker"])
    shell.quietly(f"worker={worker.pid}")
    shell.run("kill -9 $worker", "kill -9 $worker    # the process that runs it; dev starts another")
    for line in SIGNATURE:
        shell.run(line)
    shell.run(APPROVE)
    shell.run("curl -s localhost:8000/jobs/orders/c-1,42 -H 'Prefer: wait=20'")
    shell.part = "list"
    shell.run("resonate-scaffold list")
    shell.run("resonate-scaffold remove schedule nightly")


def start_dev(session: Session, service: str, *ready: str) -> subprocess.Popen[bytes]:
    """Run `resonate-scaffold dev` of a service; return when it has printed all of *ready*."""
    process = subprocess.Popen(
        ["resonate-scaffold", "dev", "--engine", "embedded"],
        cwd=session.directory / service,
        env=session.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.decode())
        if all(any(word in text for text in lines) for word in ready):
            break
    assert process.poll() is None, lines
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return process


def write(parts: Mapping[str, Sequence[str]], page: Path = PAGE) -> None:
    """Put the transcripts between their markers in a page."""
    text = page.read_text("utf-8")
    for name, lines in parts.items():
        begin, end = f"<!-- transcript: {name} -->\n", "<!-- end of transcript -->"
        language = "diff" if name == "edit" else "console"
        before, found, rest = text.partition(begin)
        assert found, f"{page.name} has no {begin.strip()}"
        _, found, after = rest.partition(end)
        assert found, f"{page.name} has no {end} after {begin.strip()}"
        text = f"{before}{begin}```{language}\n{chr(10).join(lines)}\n```\n{end}{after}"
    page.write_text(text, "utf-8", newline="\n")


def main() -> None:
    """Grow the service, write its business, run it, and record all of it."""
    with tempfile.TemporaryDirectory() as scratch:
        session = Session(Path(scratch))
        shell = Shell(session.directory, session.environment)
        try:
            _grow(shell)
            _edit(shell, session.directory / "orders")
            dev = start_dev(session, "orders", "/docs", "group orders.db", "group orders.workers", "payments.")
            try:
                _drive(shell, psutil.Process(dev.pid))
            finally:
                dev.send_signal(signal.SIGINT)
                dev.wait(15)
        finally:
            shell.process.kill()
    for lines in shell.parts.values():
        lines[:] = [re.sub(r" in \d[\d.]*s( \([\d:]+\))?$", "", line) for line in lines]
    write(shell.parts)


if __name__ == "__main__":
    main()

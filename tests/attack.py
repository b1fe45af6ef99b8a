"""The HTTP port of a service attacked by clients that mean harm and have no key: `nox -s attack`.

Each attack runs on 200 connections, which are opened again when the service closes them. Meanwhile a well-behaved
client asks `/livez`. It fails where the process ever holds 150 MiB more than it did idle, or that client gets no
answer.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import httpx
import psutil

from tests.topology import Topology

NAME = "attacked"
KEY = "alice:a-key-that-nobody-will-guess"
CONNECTIONS, SECONDS = 200, 25.0
MOST_MEMORY = 150
"""MiB above the idle process."""
PATIENCE = 15.0
"""Seconds that the well-behaved client waits for an answer. The machine is busy with the attack, too."""

MIB = 1024 * 1024
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
WEBHOOK = POST % b"/webhooks/approvals"


@dataclass(frozen=True, slots=True)
class Attack:
    """What a connection sends at first, and then again and again; ``pause`` in seconds, None for no more than once.

    One that reads waits for something before it goes on.
    """

    first: bytes
    then: bytes = b""
    pause: float | None = 0
    reads: bool = False
    connections: int = 1
    """Times as many as the others."""


ATTACKS = {
    "half-open: nothing is sent": Attack(b"", pause=None),
    "half-open: empty lines behind a request": Attack(LIVEZ + b"\r\n", b"\r\n", 1),
    "half-open: eight times as many": Attack(b"", pause=None, connections=8),
    "slow: a head": Attack(LIVEZ + b"X: ", b"a", 1),
    "slow: a body": Attack(WEBHOOK + b"Content-Length: 1000000\r\n\r\n", b" ", 1),
    "slow: a body, eight times as many": Attack(WEBHOOK + b"Content-Length: 1000000\r\n\r\n", b" ", 1, connections=8),
    "slow: bodies without their last byte": Attack(
        WEBHOOK + b"Content-Length: 1048576\r\n\r\n" + b" " * (MIB - 1), pause=None
    ),
    "endless: a header": Attack(LIVEZ + b"X: ", b"a" * 65536),
    "endless: headers": Attack(LIVEZ, b"X: a\r\n" * 10_000),
    "endless: a path": Attack(b"GET /", b"a" * 65536),
    "endless: trailers": Attack(LIVEZ + CHUNKED + b"0\r\n", b"X: a\r\n" * 10_000),
    "endless: a trailer": Attack(LIVEZ + CHUNKED + b"0\r\nX: ", b"a" * 65536),
    "endless: trailers of a webhook": Attack(WEBHOOK + CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: a\r\n" * 10_000),
    "endless: a chunk's extension": Attack(WEBHOOK + CHUNKED + b"1;", b"a" * 65536),
    "endless: chunks": Attack(WEBHOOK + CHUNKED, b"10000\r\n" + b"a" * 65536 + b"\r\n"),
    "endless: chunks of a byte": Attack(WEBHOOK + CHUNKED, b"1\r\na\r\n" * 10_000),
    "endless: chunks that nobody reads": Attack(POST % b"/jobs" + CHUNKED, b"10000\r\n" + b"a" * 65536 + b"\r\n"),
    "endless: empty lines": Attack(LIVEZ + b"\r\n", b"\r\n" * 30_000),
    "pipelined: nobody reads the answers": Attack(b"", (LIVEZ + b"\r\n") * 2000),
    "pipelined: with bodies": Attack(b"", (WEBHOOK + b"Content-Length: 30000\r\n\r\n" + b" " * 30_000) * 10),
    "pipelined: large answers": Attack(b"", b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 500),
    "pipelined: one at a time": Attack(b"", LIVEZ + b"\r\n"),
    "guesses: a key": Attack(
        b"", POST % b"/jobs" + b"Authorization: Bearer a-guess\r\nContent-Length: 2\r\n\r\n{}", reads=True
    ),
}
# One of each kind, for tests that may not take long.
SHORT = (
    "half-open: nothing is sent",
    "slow: bodies without their last byte",
    "endless: headers",
    "endless: trailers of a webhook",
    "pipelined: nobody reads the answers",
    "guesses: a key",
)


@dataclass(slots=True)
class Strike:
    """What the connections of one attack did."""

    opened: int = 0
    sent: int = 0
    answers: int = 0


async def _strike_once(attack: Attack, port: int, strike: Strike) -> None:
    """Send on one connection until it is closed."""
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        # What nobody reads stays with the service, rather than in a buffer of the system.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await loop.sock_connect(connection, ("127.0.0.1", port))
        strike.opened += 1
        await loop.sock_sendall(connection, attack.first)
        strike.sent += len(attack.first)
        while attack.pause is not None:
            await loop.sock_sendall(connection, attack.then)
            strike.sent += len(attack.then)
            if attack.reads and not await loop.sock_recv(connection, 4096):
                return
            strike.answers += attack.reads
            await asyncio.sleep(attack.pause)
        while await loop.sock_recv(connection, 4096):
            pass


async def _strike(attack: Attack, port: int, connections: int, seconds: float) -> Strike:
    strike = Strike()

    async def again_and_again() -> None:
        while True:
            with contextlib.suppress(OSError):
                await _strike_once(attack, port, strike)
            await asyncio.sleep(0.05)

    tasks = [asyncio.create_task(again_and_again()) for _ in range(connections * attack.connections)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return strike


@dataclass(frozen=True, slots=True)
class Report:
    """What one attack came to. Memory in MiB above the idle process: the most, and some seconds after its end."""

    name: str
    opened: int
    sent: int
    answers: int
    memory: float
    left: float
    slowest: float
    answered: bool

    TITLES = ("attack", "opened", "MiB sent", "answers/s", "most MiB", "MiB after", "slowest /livez", "")

    @property
    def holds(self) -> bool:
        """Whether the service survived it."""
        return self.answered and self.memory < MOST_MEMORY

    def cells(self, seconds: float) -> Sequence[str]:
        """A row of the table."""
        figures = (f"{self.opened:,}", f"{self.sent / MIB:,.0f}", f"{self.answers / seconds:,.0f}")
        memory = (f"{self.memory:,.0f}", f"{self.left:,.0f}", f"{self.slowest:.1f} s")
        return (self.name, *figures, *memory, "ok" if self.holds else "FAILS")


def attack(name: str, url: str, api: psutil.Process, connections: int, seconds: float) -> Report:
    """Attack a running API; it is stopped early where the process grows too much."""
    port = url.rpartition(":")[2]
    idle = most = api.memory_info().rss
    slowest, answered = 0.0, True
    command = [sys.executable, "-m", "tests.attack", "--strike", name, port, str(connections), str(seconds)]
    striking = subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True)
    try:
        next_look = time.monotonic()
        while striking.poll() is None:
            most = max(most, api.memory_info().rss)
            if most - idle > 2 * MOST_MEMORY * MIB:
                break
            if time.monotonic() >= next_look:
                started = time.monotonic()
                answered = answered and _answers(url)
                slowest = max(slowest, time.monotonic() - started)
                next_look = time.monotonic() + 0.5
            time.sleep(0.01)
    finally:
        striking.kill()
    # What an early end has printed is nothing.
    out, _ = striking.communicate()
    strike = Strike(**json.loads(out or "{}"))
    after = time.monotonic() + 3
    while time.monotonic() < after:
        most = max(most, api.memory_info().rss)
        time.sleep(0.01)
    left = api.memory_info().rss - idle
    answered = answered and _answers(url)
    return Report(name, strike.opened, strike.sent, strike.answers, (most - idle) / MIB, left / MIB, slowest, answered)


def _answers(url: str) -> bool:
    """Whether somebody who asks again after a refusal is answered."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urlopen(f"{url}/livez", timeout=PATIENCE):
            return True
        time.sleep(0.1)
    return False


def run(
    service: Path, scratch: Path, names: Sequence[str], connections: int, seconds: float, python: Path | None = None
) -> Iterator[Report]:
    """Run attacks one after the other, each on an API process of its own."""
    with Topology(
        service, scratch, NAME, python=python, API_KEYS=KEY, SERVE_METRICS="true", LOG_LEVEL="ERROR"
    ) as topology:
        topology.start_engine()
        for name in names:
            url = topology.start_api()
            with httpx.Client(base_url=url) as client:
                for _ in range(50):  # A process that has answered nothing yet grows by itself.
                    for path in ("/livez", "/metrics", "/jobs"):
                        client.get(path)
            api = psutil.Process(topology.running["api"].pid)
            yield attack(name, url, api, connections, seconds)
            topology.stop("api", signal.SIGKILL)


def make_service(parent: Path, *options: str) -> Path:
    """A service, made by the command."""
    command = [sys.executable, "-m", "resonate_scaffold", "new", NAME, "--defaults", "--no-git", "--into", str(parent)]
    subprocess.run([*command, *options], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return parent / NAME


def _print_row(cells: Sequence[str]) -> None:
    first, *others = cells
    print(" | ".join([first.ljust(40), *(cell.rjust(14) for cell in others)]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description="A service's port under attack.")
    parser.add_argument("--service", type=Path, help="an installed service to use, instead of a new one")
    parser.add_argument("--python", type=Path, help="the interpreter that has what the service needs")
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each attack lasts")
    parser.add_argument("--only", action="append", metavar="TEXT", help="attacks whose name has this; may be repeated")
    parser.add_argument("--strike", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.strike:
        name, port, connections, seconds = given.strike
        strike = asyncio.run(_strike(ATTACKS[name], int(port), int(connections), float(seconds)))
        print(json.dumps({"opened": strike.opened, "sent": strike.sent, "answers": strike.answers}))
        return
    names = [name for name in ATTACKS if not given.only or any(text in name for text in given.only)]
    parent = Path(tempfile.mkdtemp(prefix="attack-"))
    service = (given.service or make_service(parent)).resolve()
    _print_row(Report.TITLES)
    holds = True
    for report in run(service, parent, names, given.connections, given.seconds, given.python):
        _print_row(report.cells(given.seconds))
        holds = holds and report.holds
    shutil.rmtree(parent)
    if not holds:
        sys.exit(f"fails: more than {MOST_MEMORY} MiB above idle, or no answer to others")


if __name__ == "__main__":
    main()

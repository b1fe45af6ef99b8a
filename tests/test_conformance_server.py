"""The embedded engine beside a Resonate server that runs, with requests that are new each time.

TEST_RESONATE_SERVER names the server's binary; TEST_RESONATE_POSTGRES a PostgreSQL for it, else it is
on SQLite. TEST_RESONATE_SEED repeats a run, TEST_RESONATE_SCENARIOS is how many there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance import Replay
from tests.live_server import LiveServer, live_server

BINARY = os.environ.get("TEST_RESONATE_SERVER")
SCENARIOS = int(os.environ.get("TEST_RESONATE_SCENARIOS", "20"))
REQUESTS = 100

pytestmark = pytest.mark.skipif(not BINARY, reason="TEST_RESONATE_SERVER does not name the binary of a Resonate server")


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with live_server(Path(BINARY or ""), os.environ.get("TEST_RESONATE_POSTGRES")) as server:
        yield server


@pytest.fixture(scope="module")
def first_seed() -> int:
    return int(os.environ.get("TEST_RESONATE_SEED") or int.from_bytes(os.urandom(4)))


@pytest.mark.parametrize("number", range(SCENARIOS))
def test_new_requests_are_answered_alike(server: LiveServer, first_seed: int, number: int) -> None:
    replay, seed = Replay(), first_seed + number
    for at, line in enumerate(server.lines(seed, REQUESTS, replay.state)):
        assert replay.line(line) is None, f"TEST_RESONATE_SEED={seed}, line {at}: {line}"

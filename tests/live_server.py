"""A Resonate server whose clock stands still between requests, to record what it answers.

With `--debug` the server takes the time of a request from its head, and its loops rest after `debug.start`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx

from resonate_scaffold.devserver.protocol import State
from resonate_scaffold.devserver.protocol.tasks import PROTOCOL_VERSION
from tests.asking import FIRST, Asker
from tests.topology import PATIENCE, free_port


class LiveServer:
    """One that answers; on PostgreSQL it is not asked for what it counts in a way of its own there."""

    def __init__(self, url: str, *, on_postgres: bool) -> None:
        self._client = httpx.Client(base_url=url, timeout=30)
        self._on_postgres = on_postgres

    def close(self) -> None:
        self._client.close()

    def ask(self, kind: str, data: Any, at: int | None = None) -> tuple[int, Any]:
        """The status and the data of an answer to a request made at `at` (ms)."""
        head = {"corrId": "c", "version": PROTOCOL_VERSION} | ({"resonate:debug_time": at} if at else {})
        answer = self._client.post("/", json={"kind": kind, "head": head, "data": data}).json()
        return answer["head"]["status"], answer["data"]

    def debug(self, kind: str, **data: Any) -> Any:
        status, answer = self.ask(f"debug.{kind}", data)
        assert status == 200, answer
        return answer

    def lines(self, seed: int, requests: int, state: State) -> Iterator[dict[str, Any]]:
        """Reset the server, then ask it: each answer as a line of a recording.

        `state` is another engine's, which the caller keeps in step: what is asked is chosen by it.
        """
        self.debug("reset")
        asker, now = Asker(Random(seed), state), FIRST
        for number in range(requests):
            if pause := asker.pause():
                now += pause
                self.debug("tick", time=now)
                yield {"at": now, "tick": True}
            kind, data = asker.request(now)
            if self._on_postgres and kind == "promise.register_callback" and _resumes_at_once(state, data, now):
                continue
            status, answer = self.ask(kind, data, now)
            yield {"at": now, "kind": kind, "data": data, "status": status, "answer": answer}
            if number % 10 == 9:
                yield {"at": now, "state": self.debug("snap")}


def _resumes_at_once(state: State, data: Any, now: int) -> bool:
    """Whether a callback resumes a suspended task at once, since what it awaits has settled.

    With SQLite the server counts that among the task's resumes. With PostgreSQL it does not: the statement that resumes
    the task does not see that it has, and notes no callback. No SDK sends such a request.
    """
    awaited, awaiter = (
        state.find(data[name]) if isinstance(data.get(name), str) else None for name in ("awaited", "awaiter")
    )
    if awaited is None or awaiter is None or awaiter.task is None:
        return False
    return awaiter.task.state == "suspended" and (not awaited.is_pending or awaited.is_over(now))


@contextlib.contextmanager
def live_server(binary: Path, postgres: str | None = None) -> Iterator[LiveServer]:
    """A server of its own, on SQLite in memory, or on an empty database of this URL."""
    port = free_port()
    options = ["dev", "--debug", f"--server-port={port}", "--server-bind=127.0.0.1", "--level=error"]
    options += ["--observability-metrics-port=0"]
    if postgres is not None:
        options += ["--storage-type=postgres", f"--storage-postgres-url={postgres}"]
    # It reads RESONATE_* as its settings.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RESONATE_")}
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen([binary, *options], cwd=directory, env=environment, stdout=subprocess.DEVNULL)
        server = LiveServer(f"http://127.0.0.1:{port}", on_postgres=postgres is not None)
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                with contextlib.suppress(httpx.TransportError):
                    server.debug("start")
                    break
                assert process.poll() is None and time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.05)
            yield server
        finally:
            server.close()
            process.terminate()
            process.wait()

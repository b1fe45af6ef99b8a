"""Clients of the service while its containers are replaced: jobs go in, and each is followed to its end.

A request goes to an API that says it is ready, as a load balancer sends it. What gets no answer, or a 503, is repeated
with the same key, as the service's documents ask for; any other answer is a fault.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from itertools import count
from types import TracebackType
from typing import Any

import httpx

from tests.image.stack import Failed
from tests.topology import SECRET, signed

CLIENTS = 4
LOOK_EVERY = 0.2
"""Seconds between two looks at whether an API is ready; compose.yaml has SHUTDOWN_DELAY at its default of 1 s."""
GIVE_UP_AFTER = 120.0
"""Seconds from a job's first request to its end."""


class Balancer:
    """Sends requests to the APIs that are ready, each in its turn."""

    def __init__(self) -> None:
        self._ready: dict[str, bool] = {}
        self._turns = count()
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Balancer:
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._watcher.join()

    def add(self, url: str) -> None:
        """Begin to send requests to an API, which is ready."""
        self._ready[url] = True

    def next(self) -> str:
        """An API that is ready; any, where none is."""
        known = list(self._ready)
        known = [url for url in known if self._ready[url]] or known
        return known[next(self._turns) % len(known)]

    def _watch(self) -> None:
        with httpx.Client(timeout=2) as client:
            while not self._ended.wait(LOOK_EVERY):
                for url in list(self._ready):
                    try:
                        self._ready[url] = client.get(f"{url}/readyz").status_code == 200
                    except httpx.TransportError:
                        self._ready[url] = False


class Load:
    """Clients that submit jobs, one in five of which asks for an approval, and wait for the end of each."""

    def __init__(self, balancer: Balancer, key: str) -> None:
        self._balancer = balancer
        self._headers = {"Authorization": f"Bearer {key}"}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.ended: list[str] = []
        """Ids of the jobs that succeeded."""
        self.slowest = 0.0
        """Seconds that the slowest of them took."""
        self.repeated = Counter[str]()
        """Requests that got no answer, or a 503, by what they got."""
        self._faults: list[str] = []

    def __enter__(self) -> Load:
        self._threads = [threading.Thread(target=self._submit, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Start no more jobs, and wait for the end of those that are under way."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        if self._faults and error is None:
            raise Failed(f"{len(self._faults)} jobs went wrong, such as: {self._faults[0]}")

    def until_more(self, jobs: int) -> None:
        """Wait until so many more jobs have ended."""
        deadline, wanted = time.monotonic() + GIVE_UP_AFTER, len(self.ended) + jobs
        while len(self.ended) < wanted:
            if self._faults or time.monotonic() > deadline:
                raise Failed(f"jobs do not end: {self._faults[:1] or len(self.ended)}")
            time.sleep(0.05)

    def _submit(self, client_number: int) -> None:
        with httpx.Client(timeout=30, headers=self._headers) as client:
            for number in count():
                if self._stopping.is_set():
                    return
                try:
                    self._run_job(client, f"load-{client_number}-{number}", asks=number % 5 == 4)
                except Failed as fault:
                    self._faults.append(str(fault))

    def _run_job(self, client: httpx.Client, key: str, *, asks: bool) -> None:
        began = time.monotonic()
        deadline = began + GIVE_UP_AFTER
        body = {"account_id": "acc-1", "requires_approval": asks}
        accepted = self._ask(client, deadline, "POST", "/jobs", 202, json=body, headers={"Idempotency-Key": key})
        id, place = accepted.json()["id"], accepted.headers["Location"]
        if asks:
            decision = json.dumps({"job_id": id, "approved": True}).encode()
            self._ask(client, deadline, "POST", "/webhooks/approvals", 200, content=decision)
        status = "running"
        while status == "running":
            answer = self._ask(client, deadline, "GET", place, 200, headers={"Prefer": "wait=20"})
            status = answer.json()["status"]
        if status != "succeeded":
            raise Failed(f"{id} ended as {status}")
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.ended.append(id)

    def _ask(
        self, client: httpx.Client, deadline: float, method: str, path: str, wanted: int, **request: Any
    ) -> httpx.Response:
        while True:
            if "content" in request:  # A signature is good for one delivery.
                request["headers"] = {"Content-Type": "application/json", **signed(request["content"], SECRET)}
            try:
                answer = client.request(method, self._balancer.next() + path, **request)
            except httpx.TransportError as error:
                self.repeated[type(error).__name__] += 1
            else:
                if answer.status_code == wanted:
                    return answer
                if answer.status_code != 503:
                    raise Failed(f"{method} {path} was answered with {answer.status_code} {answer.text}")
                why = re.search(r'"type": ?"[^"]*?([\w-]+)"', answer.text)
                self.repeated[f"503 {why[1] if why else answer.text[:80]}"] += 1
            if time.monotonic() > deadline:
                raise Failed(f"{method} {path} got no good answer within {GIVE_UP_AFTER:g} s")
            time.sleep(0.2)

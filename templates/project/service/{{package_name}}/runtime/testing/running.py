"""A whole service running in the test's process, and what tests do with it."""

import asyncio
import base64
import json
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from time import sleep, time
from typing import Any, Protocol

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from msgspec import convert
from pydantic import BaseModel
from resonate.codec import Codec, NoopEncryptor
from resonate.connections import LocalConnection
from resonate.types import Value

from ..durable.gate import Delivery, Gate
from ..durable.rpc import Rpc
from ..engine.client import EngineClient
from ..engine.misfits import NOTES
from ..engine.offers import WorkerResonate
from ..http.protocol import BoundedHttp
from ..http.signatures import STANDARD
from ..http.webhooks import Webhook, webhooks_of
from ..http.work import Outcome, Status, wait_for_end
from ..settings import ServiceSettings
from ..telemetry.runs import last_error

SECRET = "whsec_" + base64.b64encode(b"a secret that is for tests only.").decode()
"""The secret of every webhook in tests."""

TIMEOUT = 10
"""Seconds after which what a test waits for counts as never coming."""

_CODEC = Codec(NoopEncryptor())


@dataclass(frozen=True)
class RunningService:
    """A running service, and an HTTP client of it."""

    app: FastAPI
    http: httpx.AsyncClient
    settings: ServiceSettings

    @property
    def client(self) -> EngineClient:
        """Its client of the engine in this process."""
        client: EngineClient = self.app.state.client
        return client

    async def run[Q: BaseModel, R: BaseModel](self, contract: Rpc[Q, R], promise_id: str, request: Q) -> R:
        """Run a durable function to its end, as the API would start it; fail the test if it does not succeed."""
        return await run_to_end(self.client, contract, promise_id, request)

    async def outcome[Q: BaseModel](self, contract: Rpc[Q, Any], promise_id: str, request: Q) -> Outcome:
        """Run a durable function to its end, whatever that is; fail the test if it has none."""
        return await outcome_of(self.client, contract, promise_id, request)

    async def send_signed(
        self,
        path: str,
        body: object,
        *,
        secret: str = SECRET,
        message_id: str | None = None,
        age: int = 0,
        headers: dict[str, str] | httpx.Headers | None = None,
    ) -> httpx.Response:
        """Send a webhook, signed as the webhook at this path wants it.

        ``body`` is sent as JSON, or as it is where it is bytes. ``age`` is the signature's, in seconds. ``headers``
        take the place of the signature.
        """
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        if headers is None:
            webhook = webhook_at(self.app, path)
            scheme = webhook.scheme if webhook is not None else STANDARD
            # What is no UTF-8 has no signature in Standard Webhooks: it gets another's.
            signable = raw.decode(errors="replace").encode()
            headers = scheme.sign(secret, signable, message_id=message_id, now=time() - age)
        return await self.http.post(path, content=raw, headers=headers)

    async def answer[P: BaseModel](self, gate: Gate[P], root: str, answer: P) -> None:
        """Answer some work at a gate, as soon as there is such work; run it beside that, with `asyncio.gather`."""

        async def deliver() -> bool:
            delivery, _ = await gate.deliver(self.client, root, answer)
            return delivery is Delivery.TAKEN

        await self.poll_until(deliver, f"an answer to gate {gate.name} of {root} is taken")

    async def poll_until_asked(self, gate: Gate[Any], root: str, number: int = 1) -> None:
        """Wait until some work waits at a gate, for the first or a later time."""
        question = gate.question_id(root, number)
        await self.poll_until(lambda: self.client.find(question), f"{root} waits at gate {gate.name}")

    async def poll_until[T](self, probe: Callable[[], Awaitable[T | None]], what: str = "") -> T:
        """Poll ``probe`` until it returns something else than None and False, and return that.

        Fails the test after :data:`TIMEOUT`, and says which calls are open; ``what`` says what it waits for.
        """
        try:
            async with asyncio.timeout(TIMEOUT):
                while True:
                    found = await probe()
                    if found is not None and found is not False:
                        return found
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pytest.fail(f"{what or 'what the test waits for'}: not within {TIMEOUT} s\n{open_calls(self.client)}")


class StartService(Protocol):
    """Starts a service: ``async with start_service(api_keys="alice:secret1") as service``."""

    def __call__(self, served: Any = (), **settings: Any) -> AbstractAsyncContextManager[RunningService]:
        """Start it with these settings; ``served`` is served besides what the service serves."""


class CallFunction(Protocol):
    """Runs a durable function to its end, on an engine of its own: the same id runs the function again."""

    async def __call__[Q: BaseModel, R: BaseModel](self, contract: Rpc[Q, R], call_id: str, request: Q, /) -> R:
        """Its result; fails the test if it does not succeed."""


async def run_to_end[Q: BaseModel, R: BaseModel](
    client: EngineClient, contract: Rpc[Q, R], promise_id: str, request: Q
) -> R:
    """The result of a durable function; fails the test if it does not succeed."""
    outcome = await outcome_of(client, contract, promise_id, request)
    if outcome.status is not Status.SUCCEEDED:
        reason = f" ({raised})" if (raised := last_error(client.namespace.engine_id(promise_id))) else ""
        error = outcome.error.message if outcome.error else "it has not ended"
        pytest.fail(f"{contract.name} {promise_id}: {outcome.status}: {error}{reason}")
    return contract.result.model_validate(outcome.result)


async def outcome_of[Q: BaseModel](client: EngineClient, contract: Rpc[Q, Any], promise_id: str, request: Q) -> Outcome:
    """How a durable function ends; fails the test if it does not, and says what it waits for."""
    started = await contract.start(client, promise_id, request)
    record = await wait_for_end(client, started, TIMEOUT)
    if record.state == "pending":
        pytest.fail(f"{contract.name} {promise_id}: not done after {TIMEOUT} s\n{open_calls(client)}")
    return Outcome.of(record)


def open_calls(client: EngineClient) -> str:
    """The calls that are open on an engine in this process: who should serve each, and what it last raised."""
    assert isinstance(client.network, LocalConnection)
    lines: list[str] = []
    for promise in client.network.state.promises.values():
        if promise.state != "pending":
            continue
        task = _CODEC.decode(convert(promise.param, Value))
        target = promise.tags.get("resonate:target", "").rpartition("@")[2]
        if isinstance(task, dict) and "func" in task:
            served = client.resonate._registry.get(task["func"], task.get("version", 1)) is not None
            who = f"group {target}" + ("" if served else ", and nothing here serves it")
            what = f"{task['func']}, of {who}"
        else:
            what = "a step that runs" if promise.tags.get("resonate:scope") == "local" else "an answer from outside"
        if client.namespace.local_id(promise.id).startswith(NOTES):
            continue
        if raised := last_error(promise.id):
            what += f"; its last run raised {raised}"
        elif (why := _misfit(client, promise.id)) and "nothing here serves it" not in what:
            what += f"; its code does not fit it: {why}"
        lines.append(f"  {promise.id}: {what}")
    return "\n".join(["open calls:", *lines]) if lines else "no call is open"


def _misfit(client: EngineClient, engine_id: str) -> str | None:
    return client.resonate.misfits.why(engine_id) if isinstance(client.resonate, WorkerResonate) else None


@contextmanager
def serve_on_port(app: FastAPI, *, limit_concurrency: int | None = None) -> Iterator[str]:
    """Serve an application as in production, but in a thread; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options: dict[str, Any] = {"http": BoundedHttp, "ws": "none", "log_config": None, "access_log": False}
        server = uvicorn.Server(uvicorn.Config(app, limit_concurrency=limit_concurrency, **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while thread.is_alive() and not server.started:
                sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def webhook_at(app: FastAPI, path: str) -> Webhook | None:
    """The webhook whose messages are sent to a path."""
    known = {webhook.name: webhook for webhook in webhooks_of(app.routes)}
    for template, operations in app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\\{[^}]*\\}", ".+", re.escape(template)), path) and "post" in operations:
            return known.get(operations["post"].get("x-webhook"))
    return None


def problem(response: httpx.Response) -> tuple[int, str]:
    """The status and type of a response, which must be an RFC 9457 problem that leaks nothing."""
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    assert {"type", "title", "status", "detail"} <= set(body)
    for leak in ("Traceback", "__py_pickle", SECRET):
        assert leak not in response.text
    return response.status_code, body["type"]

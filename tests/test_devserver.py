"""The engine as clients meet it: over HTTP and SSE, with the SDK, through restarts and signals."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
import pytest
from multidict import CIMultiDict
from resonate.context import Context
from resonate.error import ServerError
from resonate.resonate import Resonate
from resonate.retry import Never
from resonate.types import TaskData, Value

from resonate_scaffold.devserver import EngineError, Running, running, serve
from resonate_scaffold.devserver.engine import Engine
from resonate_scaffold.devserver.protocol import Task
from resonate_scaffold.devserver.protocol.tasks import PROTOCOL_VERSION

WORKERS = "poll://any@workers"
PATIENCE = 20.0


def in_time[T](scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a scenario; one that hangs fails."""

    async def bounded() -> T:
        return await asyncio.wait_for(scenario(), 2 * PATIENCE)

    return asyncio.run(bounded())


async def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "this did not come true in time"
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def client(url: str, group: str) -> AsyncIterator[Resonate]:
    resonate = Resonate(url=url, group=group, retry_policy=Never())
    try:
        yield resonate
    finally:
        await asyncio.wait_for(resonate.stop(), PATIENCE)


async def submit(resonate: Resonate, id: str, func: str, *args: Any, group: str = "workers") -> None:
    lineage = dict.fromkeys(("resonate:origin", "resonate:branch", "resonate:parent"), id)
    data = TaskData(func=func, args=args, kwargs={}, version=1)
    tags = lineage | {"resonate:scope": "global", "resonate:target": f"poll://any@{group}"}
    await resonate.promises.create(id, 1 << 50, Value(data=data), tags)


async def result(resonate: Resonate, id: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while (record := await resonate.promises.get(id)).state == "pending":
        assert time.monotonic() < deadline, f"{id} is still pending"
        await asyncio.sleep(0.01)
    assert record.state == "resolved", record
    return record.value.data


def task_of(server: Running, id: str) -> Task:
    """The task of a promise, as the engine has it."""
    promise = server.engine.state.find(id)
    assert promise is not None and promise.task is not None
    return promise.task


async def post(session: aiohttp.ClientSession, url: str, body: bytes | dict[str, Any]) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    async with session.post(url + "/", data=data) as response:
        return response.status, await response.json()


json_of = msgspec.json.encode


def envelope(kind: str, **data: Any) -> dict[str, Any]:
    return {"kind": kind, "head": {"corrId": "c-1", "version": PROTOCOL_VERSION}, "data": data}


# -- the protocol --------------------------------------------------------------------------------------------


def test_a_request_is_answered_in_the_envelope_and_as_http_status() -> None:
    async def scenario() -> None:
        async with running() as server, aiohttp.ClientSession() as session:
            create = envelope("promise.create", id="a", timeoutAt=1 << 50, tags={})
            status, answer = await post(session, server.url, create)
            assert (status, answer["kind"]) == (200, "promise.create")
            assert answer["head"] == {"corrId": "c-1", "status": 200, "version": PROTOCOL_VERSION}
            assert answer["data"]["promise"]["id"] == "a"
            missing = await post(session, server.url, envelope("promise.get", id="b"))
            assert missing[0] == missing[1]["head"]["status"] == 404
            assert missing[1]["data"] == "Promise not found"
            async with session.get(server.url + "/health") as health:
                assert health.status == 200

    in_time(scenario)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"3",
        b"[" * 100_000,
        b'{"kind": "promise.get"}',
        b'{"kind": "", "head": {}, "data": {}}',
        b'{"kind": "promise.get", "head": {}, "data": []}',
        b'{"kind": "promise.get", "head": {"corrId": "1"}, "data": {"id": "a"}}',
        b'{"kind": "promise.get", "head": {"corrId": 1, "version": "2026-04-01"}, "data": {"id": "a"}}',
        b'{"kind": "promise.get", "head": {"corrId": "1", "version": "1"}, "data": {"id": "a"}}',
        b'{"kind": "promise.get", "head": {"corrId": "1", "version": "2026-04-01"}, "data": []}',
        b'{"kind": "promise.get", "head": {"corrId": "1", "version": "2026-04-01"}, "data": {"id": "\\ud800"}}',
        b'{"kind": "no.such", "head": {"corrId": "1", "version": "2026-04-01"}, "data": {}}',
    ],
)
def test_nonsense_is_a_400_and_the_engine_lives_on(body: bytes) -> None:
    async def scenario() -> None:
        async with running() as server, aiohttp.ClientSession() as session:
            status, answer = await post(session, server.url, body)
            assert status == answer["head"]["status"] == 400
            assert isinstance(answer["data"], str) and answer["data"]
            assert (await post(session, server.url, envelope("promise.get", id="b")))[0] == 404

    in_time(scenario)


def test_the_largest_request_is_that_of_the_server() -> None:
    """A service allows values of 1 MiB, which base64 makes a third larger; more than 2 MiB no engine takes."""

    async def scenario() -> None:
        async with running() as engine, client(engine.url, "workers") as resonate:
            await submit(resonate, "large", "f", "x" * (1024 * 1024 - 2))
            assert (await resonate.promises.get("large")).state == "pending"
            async with aiohttp.ClientSession() as session, session.post(engine.url, data=b" " * (2 << 20)) as response:
                assert response.status == 400
            async with aiohttp.ClientSession() as session, session.post(engine.url, data=b" " * (3 << 20)) as response:
                assert response.status == 413

    in_time(scenario)


def test_the_sdk_sees_a_refusal_as_its_server_error() -> None:
    async def scenario() -> None:
        async with running() as server, client(server.url, "api") as resonate:
            with pytest.raises(ServerError, match="must extend its resonate:origin") as refused:
                await resonate.promises.create("a", 1 << 50, Value(), {"resonate:origin": "b"})
            assert refused.value.code == 400

    in_time(scenario)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:1"}, 404),
        ({"Host": "LOCALHOST"}, 404),
        ({"Host": "[::1]:80"}, 404),
        ({"Host": "rebound.example.com"}, 403),
        ({"Host": "127.0.0.1.example.com"}, 403),
        ({"Host": "example.com@127.0.0.1"}, 403),
        ({"Host": "127.0.0.1/example.com"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": "127.0.0.1:x"}, 403),
        ({"Host": "localhost."}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "http://127.0.0.1:8001"}, 403),
        ({"Origin": "http://evil.example@127.0.0.1"}, 403),
        ({"Origin": "https://example.com"}, 403),
        ({"Origin": "http://[::1"}, 403),
        ({"Origin": "http://[malformed"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "none"}, 404),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 403),
        (CIMultiDict([("Origin", "http://localhost"), ("Origin", "http://evil.example")]), 403),
        (CIMultiDict([("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site")]), 403),
    ],
)
def test_a_web_page_cannot_reach_it(headers: Mapping[str, str], status: int) -> None:
    async def scenario() -> None:
        async with running() as server, aiohttp.ClientSession(headers=headers) as session:
            assert (await post(session, server.url, envelope("promise.get", id="b")))[0] == status
            if status == 403:
                for path in ("/poll/workers/p1", "/health", "/nowhere"):
                    async with session.get(server.url + path) as answer:
                        assert answer.status == status

    in_time(scenario)


@pytest.mark.parametrize("hosts", [[], ["localhost", "evil.example"], ["evil.example", "localhost"]])
def test_exactly_one_host_is_named(hosts: list[str]) -> None:
    async def scenario() -> None:
        async with running() as server:
            parts = urlsplit(server.url)
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            lines = ["GET /health HTTP/1.1", *(f"Host: {host}" for host in hosts), "Connection: close"]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            assert (await reader.read()).split()[1] in {b"400", b"403"}
            writer.close()

    in_time(scenario)


def test_a_stream_carries_work_and_stays_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resonate_scaffold.devserver.server.KEEP_ALIVE", 0.02)

    async def scenario() -> None:
        async with running() as server, aiohttp.ClientSession() as session:
            async with session.get(server.url + "/poll/workers/p1") as stream:
                assert stream.content_type == "text/event-stream"
                assert await stream.content.readline() == b": keep-alive\n"
                assert await stream.content.readline() == b"\n"
                tags = {"resonate:target": WORKERS}
                await post(session, server.url, envelope("promise.create", id="a", timeoutAt=1 << 50, tags=tags))
                while (line := await stream.content.readline()) in (b"\n", b": keep-alive\n"):
                    pass
                message = msgspec.json.decode(line.removeprefix(b"data: "))
                head = {"serverUrl": server.url}
                assert message == {"kind": "execute", "head": head, "data": {"task": {"id": "a", "version": 0}}}
            await until(lambda: not server.engine.router._groups)

    in_time(scenario)


def jwt(**claims: Any) -> str:
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b"{}", json_of(claims), b"x"))


@pytest.mark.parametrize(
    ("token", "given", "id", "status"),
    [
        ("secret", "secret", "a", 404),
        ("secret", "other", "a", 401),
        ("secret", None, "a", 401),
        (jwt(role="admin"), jwt(role="admin"), "a", 404),
        (jwt(prefix="shop/"), jwt(prefix="shop/"), "shop/job/1", 404),
        (jwt(prefix="shop/"), jwt(prefix="shop/"), "other/job/1", 403),
        (jwt(prefix=""), jwt(prefix=""), "a", 404),
        (jwt(sub="x"), jwt(sub="x"), "a", 403),
        (jwt(role="admin", exp=1), jwt(role="admin", exp=1), "a", 401),
    ],
)
def test_a_token_is_asked_for_as_the_server_does(token: str, given: str | None, id: str, status: int) -> None:
    async def scenario() -> None:
        async with running(token=token) as server, aiohttp.ClientSession() as session:
            asked = envelope("promise.get", id=id)
            if given is not None:
                asked["head"]["auth"] = given
            assert (await post(session, server.url, asked))[0] == status
            headers = {"Authorization": f"Bearer {given}"} if given else {}
            async with session.get(server.url + "/poll/workers/p1", headers=headers) as stream:
                assert stream.status == (401 if status == 401 else 200)
            async with session.get(server.url + "/health") as health:
                assert health.status == 200

    in_time(scenario)


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        ("promise.search", {}, 403),
        ("task.search", {}, 403),
        ("task.heartbeat", {"pid": "p", "tasks": [{"id": "shop/1", "version": 1}]}, 200),
        ("task.heartbeat", {"pid": "p", "tasks": [{"id": "shop/1", "version": 1}, {"id": "x", "version": 1}]}, 403),
        ("promise.register_listener", {"awaited": "shop/1", "address": "poll://uni@a/b"}, 404),
        ("promise.register_listener", {"awaited": "x", "address": "poll://uni@a/b"}, 403),
        ("schedule.create", {"id": "shop/s", "promiseId": "x"}, 403),
        ("task.create", {"action": {"data": {"id": "x"}}}, 403),
        ("task.create", {"action": {"data": {"id": "shop/1"}}}, 400),
    ],
)
def test_a_prefix_covers_what_it_covers_on_the_server(kind: str, data: dict[str, Any], status: int) -> None:
    engine = Engine(token=jwt(prefix="shop/"))
    asked = envelope(kind, **data)
    asked["head"]["auth"] = jwt(prefix="shop/")
    assert engine.request(json_of(asked))[0] == status


def test_the_sdk_brings_its_token_and_is_served() -> None:
    async def scenario() -> None:
        async with running(token="secret") as server:
            resonate = Resonate(url=server.url, group="workers", retry_policy=Never(), token="secret")
            try:
                resonate.register(add, name="add")
                await submit(resonate, "job/1", "add", 1, 2)
                assert await result(resonate, "job/1") == 3
            finally:
                await asyncio.wait_for(resonate.stop(), PATIENCE)

    in_time(scenario)


# -- the SDK's clients ---------------------------------------------------------------------------------------


async def add(ctx: Context, a: int, b: int) -> int:
    return a + b


async def total(ctx: Context, numbers: list[int]) -> int:
    """A workflow in one group that calls a function of another, once a number."""
    remote = ctx.options(target="db")
    so_far = 0
    for number in numbers:
        so_far = await remote.rpc("add", so_far, number)
    return so_far


def test_a_workflow_calls_across_groups() -> None:
    async def scenario() -> None:
        async with running() as server, client(server.url, "workers") as w, client(server.url, "db") as d:
            w.register(total, name="total")
            d.register(add, name="add")
            await asyncio.gather(*(submit(w, f"job/{n}", "total", [n, 1, 2]) for n in range(20)))
            assert [await result(w, f"job/{n}") for n in range(20)] == [n + 3 for n in range(20)]
            # A handle: told of the end by a message to this process.
            assert await asyncio.wait_for(w.rpc("job/handle", "total", [1, 2]).result(), PATIENCE) == 3

    in_time(scenario)


def test_two_members_share_the_work() -> None:
    async def scenario() -> None:
        served: dict[int, int] = {1: 0, 2: 0}

        def member(number: int) -> Callable[[Context], Coroutine[Any, Any, int]]:
            async def work(ctx: Context) -> int:
                served[number] += 1
                return number

            return work

        async with (
            running() as server,
            client(server.url, "workers") as one,
            client(server.url, "workers") as two,
        ):
            one.register(member(1), name="work")
            two.register(member(2), name="work")
            await until(lambda: len(server.engine.router._groups["workers"]) == 2)
            await asyncio.gather(*(submit(one, f"job/{n}", "work") for n in range(10)))
            for n in range(10):
                await result(one, f"job/{n}")
            assert served == {1: 5, 2: 5}

    in_time(scenario)


def test_a_backlog_is_taken_once() -> None:
    """Jobs that were posted while no worker ran: each is offered, taken and fulfilled, and no acquire is refused."""

    async def scenario() -> None:
        async with running() as server, client(server.url, "api") as api:
            await asyncio.gather(*(submit(api, f"job/{n}", "add", n, 1) for n in range(150)))
            asked, ask = Counter[tuple[str, int]](), server.engine.request

            def counted(body: bytes) -> tuple[int, bytes]:
                status, answer = ask(body)
                asked[msgspec.json.decode(body)["kind"], status] += 1
                return status, answer

            server.engine.request = counted  # type: ignore[method-assign]
            async with client(server.url, "workers") as w:
                w.register(add, name="add")
                for n in range(150):
                    assert await result(api, f"job/{n}") == n + 1
            acquires = {status: count for (kind, status), count in asked.items() if kind == "task.acquire"}
            assert acquires == {200: 150}

    in_time(scenario)


def test_a_durable_sleep_ends() -> None:
    async def nap(ctx: Context) -> str:
        await ctx.sleep(timedelta(milliseconds=200))
        return "rested"

    async def scenario() -> None:
        async with running() as server, client(server.url, "workers") as w:
            w.register(nap, name="nap")
            await submit(w, "job/nap", "nap")
            assert await result(w, "job/nap") == "rested"

    in_time(scenario)


def test_a_name_that_nobody_registered_is_no_hot_loop() -> None:
    async def scenario() -> None:
        async with running() as server, client(server.url, "workers") as w:
            await submit(w, "job/1", "unknown")
            await until(lambda: task_of(server, "job/1").version == 1)
            started = time.monotonic()
            await until(lambda: task_of(server, "job/1").version == 2)
            assert time.monotonic() - started > 0.5

    in_time(scenario)


def test_work_waits_for_its_group_and_for_the_next_after_a_lost_one() -> None:
    async def scenario() -> None:
        async with running() as server, aiohttp.ClientSession() as session:
            async with (
                session.get(server.url + "/poll/db/mute") as stream,
                client(server.url, "workers") as w,
            ):
                await submit(w, "job/1", "add", 1, 2, group="db")
                assert b'"job/1"' in await stream.content.readline()
            # That stream has gone with the task it was given; the next member of its group gets it.
            await until(lambda: not server.engine.router._groups.get("db"))
            async with client(server.url, "db") as d:
                d.register(add, name="add")
                assert await result(d, "job/1") == 3

    in_time(scenario)


# -- restarts ------------------------------------------------------------------------------------------------


async def gated(ctx: Context) -> str:
    first = await ctx.options(target="db").rpc("add", 1, 1)
    decision = await ctx.promise()
    return f"{first} {decision}"


def test_a_workflow_that_waits_is_still_there_after_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "journal"

    async def before() -> None:
        async with (
            running(journal) as server,
            client(server.url, "workers") as w,
            client(server.url, "db") as d,
        ):
            w.register(gated, name="gated")
            d.register(add, name="add")
            await submit(w, "job/1", "gated")
            await until(lambda: server.engine.state.find("job/1:2") and task_of(server, "job/1").state == "suspended")
            await submit(w, "job/2", "add", 2, 2, group="nobody yet")

    async def after() -> None:
        async with running(journal) as server, client(server.url, "workers") as w:
            w.register(gated, name="gated")
            await w.promises.resolve("job/1:2", Value(data="approved"))
            assert await result(w, "job/1") == "2 approved"
            async with client(server.url, "nobody yet") as late:
                late.register(add, name="add")
                assert await result(late, "job/2") == 4

    in_time(before)
    in_time(after)


def test_a_client_lives_through_an_engine_that_restarts_on_its_port(tmp_path: Path) -> None:
    journal = tmp_path / "journal"

    async def scenario() -> None:
        async with contextlib.AsyncExitStack() as clients:
            async with running(journal) as server:
                port = int(server.url.rsplit(":", 1)[1])
                w = await clients.enter_async_context(client(server.url, "workers"))
                w.register(add, name="add")
                await submit(w, "job/1", "add", 1, 2)
                assert await result(w, "job/1") == 3
            async with running(journal, port=port):
                await submit(w, "job/2", "add", 3, 4)
                assert await result(w, "job/1") == 3
                assert await result(w, "job/2") == 7

    in_time(scenario)


ENGINE = """
import asyncio, pathlib, sys
from resonate_scaffold.devserver import serve
def ready(url): print(url, flush=True)
asyncio.run(serve(port=0, journal=pathlib.Path(sys.argv[1]), ready=ready))
"""


@contextlib.contextmanager
def process(journal: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """An engine in a process of its own, and its URL."""
    engine = subprocess.Popen([sys.executable, "-c", ENGINE, journal], stdout=subprocess.PIPE, text=True)
    try:
        assert engine.stdout is not None
        yield engine, engine.stdout.readline().strip()
    finally:
        engine.kill()
        engine.wait()
        assert engine.stdout is not None
        engine.stdout.close()


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    acknowledged: list[str] = []

    async def write(url: str, engine: subprocess.Popen[str]) -> None:
        async with aiohttp.ClientSession() as session:

            async def one(number: int) -> None:
                id = f"p{number}"
                create = envelope("promise.create", id=id, timeoutAt=1 << 50, tags={})
                with contextlib.suppress(aiohttp.ClientError):
                    if (await post(session, url, create))[0] == 200:
                        acknowledged.append(id)
                    if len(acknowledged) == 150:
                        engine.kill()

            await asyncio.gather(*(one(number) for number in range(400)))

    with process(journal) as (engine, url):
        in_time(lambda: write(url, engine))

    async def read() -> None:
        async with running(journal) as server:
            assert set(acknowledged) <= server.engine.state.promises.keys()

    assert len(acknowledged) >= 150
    in_time(read)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to handle")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_at_once_though_streams_are_open(tmp_path: Path, number: signal.Signals) -> None:
    with process(tmp_path / "journal") as (engine, url):

        async def scenario() -> None:
            async with aiohttp.ClientSession() as session, session.get(url + "/poll/workers/p") as stream:
                started = time.monotonic()
                engine.send_signal(number)
                assert await stream.content.read() in (b"", b": keep-alive\n\n")
                code = await asyncio.to_thread(engine.wait, PATIENCE)
                assert code == 0
                assert time.monotonic() - started < 2

        in_time(scenario)


# -- what it refuses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(EngineError, match="does not listen on") as refused:
        asyncio.run(serve(host=host, port=0))
    assert refused.value.hint


def test_a_port_in_use_is_an_error_and_lets_go_of_the_journal(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match=f"port {port} on 127.0.0.1 is in use") as refused:
            asyncio.run(serve(port=port, journal=tmp_path / "journal"))
        assert "--port" in refused.value.hint

    async def again() -> None:
        async with running(tmp_path / "journal"):
            pass

    in_time(again)


def test_a_port_out_of_range_is_an_error() -> None:
    with pytest.raises(EngineError, match="there is no port 70000"):
        asyncio.run(serve(port=70_000))


def test_a_cancelled_serve_leaves_no_task_and_no_signal_handler() -> None:
    async def scenario() -> None:
        handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        tasks = asyncio.all_tasks()
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(serve(port=0, ready=listening.set_result))
        await listening
        assert signal.getsignal(signal.SIGTERM) != handlers[0]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers
        assert asyncio.all_tasks() == tasks

    in_time(scenario)


def test_an_engine_whose_time_stands_still_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        def broken(url: str) -> None:
            monkeypatch.setattr("resonate_scaffold.devserver.engine.Engine.tick", fail)

        def fail(_: object) -> None:
            raise RuntimeError("out of order")

        with pytest.raises(RuntimeError, match="out of order"):
            await serve(port=0, ready=broken)

    in_time(scenario)

"""Input that nobody sends by mistake: it is refused with a problem, starts nothing, and stops nobody else."""

import base64
import gzip
import json
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep{% if not bare %}, time{% endif %}
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict
from resonate.context import Context
from resonate.retry import Never
from resonate.types import PromiseSettleReq, Value
from sqlalchemy import text

from {{ package_name }} import (
    dev,
    ids,
    logs,
)
from {{ package_name }}.api import (
    limits,
    server,
)
from {{ package_name }}.api.answers import (
    Accepted,
    accepted,
    read_now,
)
from {{ package_name }}.api.bodies import (
    MAX_DEPTH,
)
from {{ package_name }}.api.dependencies import (
    ForCallers,
    submission_of,
)
from {{ package_name }}.api.idempotency import (
    start as start_work,
)
from {{ package_name }}.api.webhooks import (
    SignedBody,
    parse,
)
{%- if not bare %}
from {{ package_name }}.contracts.workflows import (
    Aggregate,
    ProcessJob,
)
{%- endif %}
from {{ package_name }}.db.database import (
    Database,
)
{%- if not bare %}
from {{ package_name }}.pickles import (
    SafeErrors,
)
{%- endif %}
from {{ package_name }}.rpc import (
    Failure,
    Rpc,
{%- if not bare %}
    fingerprint,
{%- endif %}
    serve,
)
from {{ package_name }}.settings import (
    Settings,
)

from .conftest import SECRET, Service, Start, on_a_port, problem

MIB = 1024 * 1024


class Note(BaseModel):
    """Holds whatever JSON can say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = ""
    number: int = 0
    ratio: float = 0
    any: Any = None


keep = Rpc(name="keep", group="tests", request=Note, result=Note)
router = APIRouter()
routes = APIRouter(route_class=ForCallers)


async def kept(_: Context, note: Note) -> Note:
    return note


@routes.post("/hostile/notes", status_code=202)
async def submit(body: Note, request: Request, response: Response) -> Accepted:
    asked = submission_of(request)
    location, root = f"/hostile/notes/{asked.public}", ids.root("note", asked.public)
    started = await start_work(asked.engine, keep, root, body, keep.timeout, location)
    return accepted(started, asked.public, location, response)


@routes.get("/hostile/notes/{text}")
async def read(text: str, request: Request, number: int = 0, ratio: float = 0) -> Note:
    asked = submission_of(request, "none")
    return await read_now(asked, keep, ids.root("note", asked.public), Note(text=text, number=number, ratio=ratio))


@router.post("/webhooks/hostile")
async def hook(body: SignedBody) -> Note:
    return parse(Note, body)


@pytest.fixture
async def service(start: Start) -> AsyncIterator[Service]:
    async with start(served=[serve(keep, kept)], sync_wait=10) as service:
        service.app.include_router(routes)
        service.app.include_router(router)
        yield service


async def post(service: Service, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
    """A note with the key `hostile`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Content-Type": "application/json", "Idempotency-Key": "hostile", **named}
    return await service.http.post("/hostile/notes", content=content, headers=sent)


async def was_started(service: Service) -> bool:
    return await service.engine.find("note/hostile") is not None


NOT_JSON = {
    "empty": b"",
    "truncated": b'{"text": "a',
    "two documents": b"{}{}",
    "a comment": b"{} // so",
    "single quotes": b"{'text': 'a'}",
    "not UTF-8": b'{"text": "\xff"}',
    "a surrogate as UTF-8": b'{"text": "\xed\xa0\x80"}',
    "an overlong slash": b'{"text": "\xc0\xaf"}',
    "UTF-16": '{"text": "a"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"text": "a"}'.encode("utf-16-le"),
    "UTF-32": '{"text": "a"}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"text": "a"}',
    "NUL": b'{"text": "a\x00"}',
    "NUL after the end": b"{}\x00",
    "escaped NUL": b'{"text": "a\\u0000"}',
    "escaped NUL in a name": b'{"any": {"a\\u0000": 1}}',
    "escaped NUL far below": b'{"any": [[{"a": ["\\u0000"]}]]}',
    "half a pair": b'{"text": "\\ud83d"}',
    "the other half": b'{"text": "\\ude00"}',
    "a pair in the wrong order": b'{"any": ["\\ude00\\ud83d"]}',
    "a name twice": b'{"text": "a", "text": "b"}',
    "a name twice, spelled otherwise": b'{"text": "a", "te\\u0078t": "a"}',
    "a name twice, below": b'{"any": [{"a": 1, "a": 1}]}',
    "NaN": b'{"ratio": NaN}',
    "Infinity": b'{"ratio": Infinity}',
    "minus Infinity": b'{"any": [-Infinity]}',
    "a huge exponent": b'{"ratio": 1e999}',
    "a huge negative": b'{"any": -1e999}',
    "10,000 digits": b'{"number": ' + b"9" * 10_000 + b"}",
    "10,000 digits and a point": b'{"ratio": ' + b"9" * 10_000 + b".5}",
    "beyond 64 bits": b'{"number": 9223372036854775808}',
    "100,000 brackets": b'{"any": ' + b"[" * 100_000,
    "100,000 pairs of brackets": b'{"any": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 objects": b'{"any": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "a level too deep": b'{"any": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}",
    "compressed": gzip.compress(b'{"text": "a"}'),
    "text": b"hello",
    "another shape": b'[{"text": "a"}]',
    "not an object": b'"text"',
    "an unknown name": b'{"text": "a", "__proto__": {}}',
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
async def test_bodies_that_are_refused(service: Service, body: bytes) -> None:
    refused = await post(service, body)
    assert problem(refused) == (422, "invalid-request"), refused.text
    assert len(refused.content) < 500
    signed = await service.send_signed("/webhooks/hostile", body)
    assert problem(signed) == (422, "invalid-request"), signed.text
    assert not await was_started(service)


async def test_a_compressed_body_is_not_unpacked(service: Service) -> None:
    bomb = gzip.compress(b'{"text": "' + b"a" * 100 * MIB + b'"}')
    assert len(bomb) < MIB
    assert problem(await post(service, bomb, Content_Encoding="gzip")) == (422, "invalid-request")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "nonsense", ""],
)
async def test_other_kinds_of_content(service: Service, content_type: str) -> None:
    assert problem(await post(service, b'{"text": "a"}', Content_Type=content_type))[0] == 422
    assert not await was_started(service)


async def test_other_encodings_are_not_believed(service: Service) -> None:
    body = '{"text": "a"}'.encode("utf-16")
    assert problem(await post(service, body, Content_Type="application/json; charset=utf-16"))[0] == 422


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (b'{"text": "\\ud83d\\ude00 \\\\u0000 \\t"}', {"text": "\U0001f600 \\u0000 \t"}),
        ('{"text": "ü€😀"}'.encode(), {"text": "ü€😀"}),
        (b'{"number": -9223372036854775808}', {"number": -(2**63)}),
        (b'{"number": 9223372036854775807}', {"number": 2**63 - 1}),
        (b'{"number": 3.0, "ratio": 3}', {"number": 3, "ratio": 3}),
        (b'{"number": 1e3, "ratio": 5e-324}', {"number": 1000, "ratio": 5e-324}),
        (b'{"any": {"": [true, null, {"a": 1.5}]}}', {"any": {"": [True, None, {"a": 1.5}]}}),
        (b'{"any": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", {}),
        (b'{"any": "' + b"[" * 1000 + b'"}', {"any": "[" * 1000}),
        (b" \r\n\t{}\n", {}),
    ],
)
async def test_bodies_that_are_taken(service: Service, body: bytes, note: dict[str, Any]) -> None:
    async def in_single_bytes() -> AsyncIterator[bytes]:
        for byte in body:
            yield bytes([byte])

    assert (await post(service, in_single_bytes())).status_code == 202
    signed = await service.send_signed("/webhooks/hostile", body)
    assert signed.status_code == 200, signed.text
    result = await service.run(keep, "note/hostile", Note())  # It is there: this finds its result.
    assert note.items() <= result.model_dump().items()
    assert note.items() <= signed.json().items()


async def test_bodies_that_are_too_large(service: Service) -> None:
    body = b'{"text": "' + b"a" * MIB + b'"}'

    async def in_pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 65536):
            yield body[at : at + 65536]

    for content in (body, in_pieces()):
        assert problem(await post(service, content)) == (413, "body-too-large")
    assert problem(await service.send_signed("/webhooks/hostile", body)) == (413, "body-too-large")
    for length in ("9" * 18, "9" * 5000):
        assert problem(await post(service, b"{}", Content_Length=length)) == (413, "body-too-large")
    assert not await was_started(service)


@pytest.mark.parametrize(
    "path",
    ["/hostile/notes/a%00b", "/hostile/notes/a?ratio=inf", "/hostile/notes/a?ratio=nan", "/hostile/notes/a?ratio=1e999"]
    + [f"/hostile/notes/a?number={number}" for number in (2**63, -(2**64), "9" * 4000, "9" * 10_000, "%00")],
)
async def test_paths_and_queries_that_are_refused(service: Service, path: str) -> None:
    assert problem(await service.http.get(path)) == (422, "invalid-request")


@pytest.mark.parametrize("text", ["%ff", "%ed%a0%80", "%c0%af", "..%5c..", "%0d%0aX-Injected:%20a", "%F0%9F%98%80"])
async def test_paths_that_are_text(service: Service, text: str) -> None:
    answer = await service.http.get(f"/hostile/notes/{text}")
    assert answer.status_code == 200, answer.text
    assert "X-Injected" not in answer.headers


async def test_headers_that_make_no_sense(start: Start) -> None:
    async with start(served=[serve(keep, kept)], api_keys="alice:secret1") as service:
        service.app.include_router(routes)
        good = (b"Authorization", b"Bearer secret1")

        async def answer(*headers: tuple[bytes, bytes]) -> int:
            sent = httpx.Headers([(b"Content-Type", b"application/json"), *headers])
            answer = await service.http.post("/hostile/notes", content=b"{}", headers=sent)
            return answer.status_code if answer.status_code == 202 else problem(answer)[0]

        for value in (b"", b"Bearer", b"Bearer ", b"Bearer \xff\xfe", b"bearer secret1 x", b"Bearer " + b"a" * 60_000):
            assert await answer((b"Authorization", value)) == 401
        assert await answer((b"Authorization", b"Bearer wrong"), good) == 401
        assert await answer(good, (b"Authorization", b"Bearer wrong")) == 401
        assert await answer(good, (b"Idempotency-Key", b"k" * 60_000)) == 400
        assert await answer(good, (b"Idempotency-Key", b"a"), (b"Idempotency-Key", b"b")) == 400
        for prefer in (b"wait=" + b"9" * 60_000, b"wait=-1", b"\xff", b"wait=" * 10_000, b'wait="'):
            assert await answer(good, (b"Prefer", prefer)) == 202


@pytest.fixture
def port(sqlite_url: str, no_settings: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The service on a port of its own, with little patience."""
    monkeypatch.setattr(limits, "BODY_WITHIN", 0.5)
    monkeypatch.setattr(server, "HEAD_WITHIN", 0.5)
    settings = Settings(webhook_secret=SECRET, database_url=sqlite_url, _env_file=None)
    app = dev.build(settings, tick=0.05, extra=[serve(keep, kept)])
    app.include_router(routes)
    with on_a_port(app) as url:
        yield int(url.rpartition(":")[2])
        assert httpx.get(f"{url}/livez").status_code == 200


def exchange(port: int, *parts: bytes) -> bytes:
    """Send, and receive until the other side closes."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        with suppress(ConnectionResetError):
            while got := connection.recv(65536):
                received += got
    return received


NO_REQUESTS = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an unknown method": b"BREW /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method in lower case": b"get /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "an unknown version": b"GET /livez HTTP/7.3\r\nHost: a\r\n\r\n",
    "an authority for a path": b"CONNECT evil:80 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "TRACE": b"TRACE /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "dots": b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "escaped dots": b"GET /%2e%2e/%2e%2e%2fetc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "an escaped NUL": b"GET /livez%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "a long path": b"GET /" + b"a" * 30_000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "NUL in a header": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "a space in a header's name": b"GET /livez HTTP/1.1\r\nHost: a\r\nX Y: a\r\n\r\n",
    "two lengths": b"POST /hostile/notes HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length that is none": b"POST /hostile/notes HTTP/1.1\r\nHost: a\r\nContent-Length: two\r\n\r\n{}",
    "a negative length": b"POST /hostile/notes HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\n{}",
    "an endless length": b"POST /hostile/notes HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
    "a length, and chunks": b"POST /hostile/notes HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a WebSocket": b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    "chunks of no length": b"POST /hostile/notes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
}


@pytest.mark.parametrize("sent", NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_what_is_no_request(port: int, sent: bytes) -> None:
    head, _, body = exchange(port, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 4")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["status"] == int(head[9:12])


def test_a_head_that_does_not_end(port: int) -> None:
    begun = monotonic()
    assert exchange(port) == b""
    assert exchange(port, b"GET /livez HTTP/1.1\r\nX: a") == b""
    # The second request of a connection.
    assert exchange(port, b"GET /livez HTTP/1.1\r\n\r\n", b"GET /livez HTTP/1.1\r\n").count(b"HTTP/1.1") == 1
    assert monotonic() - begun < 5


def test_a_head_without_bound(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_WITHIN", 60)
    begun = monotonic()
    with suppress(ConnectionError):
        exchange(port, b"GET /livez HTTP/1.1\r\n", *[b"X: " + b"a" * 8000 + b"\r\n"] * 1000)
    assert monotonic() - begun < 30


HEAD = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nIdempotency-Key: slow\r\n"


def test_a_body_that_does_not_end(port: int) -> None:
    begun = monotonic()
    for framing in (b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"):
        answer = exchange(port, HEAD % b"/hostile/notes" + framing)
        assert answer.startswith(b"HTTP/1.1 408 ") and b"body-too-slow" in answer
        # Also where nobody reads it.
        answer = exchange(port, HEAD % b"/nowhere" + framing)
        assert answer.startswith(b"HTTP/1.1 404 ") and b"connection: close" in answer
    assert monotonic() - begun < 8


def test_a_body_that_is_cut_off_starts_nothing(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HEAD % b"/hostile/notes" + b"Content-Length: 3\r\n\r\n{}")
    whole = exchange(port, HEAD % b"/hostile/notes" + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")
    assert whole.startswith(b"HTTP/1.1 202 ") and b"idempotent-replayed" not in whole.lower()


def test_one_who_sends_too_much_gets_to_know(port: int) -> None:
    for framing in (b"Content-Length: 3000002\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n2dc6c2\r\n"):
        end = b"\r\n0\r\n\r\n" if b"chunked" in framing else b""
        head = HEAD % b"/hostile/notes" + b"Connection: close\r\n" + framing
        answer = exchange(port, head, b'"' + b"a" * 3_000_000 + b'"' + end)
        assert answer.startswith(b"HTTP/1.1 413 ") and b"body-too-large" in answer


def test_idle_and_slow_clients_stop_nobody(tmp_path: Path) -> None:
    """1,000 connections that say nothing, and 50 that send a body byte by byte."""
    resource = pytest.importorskip("resource", reason="no limits of open files to set")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip(f"{hard} open files are too few")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "WEBHOOK_SECRET": SECRET,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'service.db'}",
        "API_KEYS": "",
        "PORT": str(port),
    }
    command = [sys.executable, "-m", "{{ package_name }}", "dev", "--no-reload"]

    with ExitStack() as stack, (tmp_path / "log").open("wb") as log:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        # A limit as low as some systems', which the service must raise itself.
        few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))  # noqa: E731
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, preexec_fn=few)
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)

        def asked(method: str, path: str, **request: Any) -> float:
            """Seconds until the answer."""
            begun = monotonic()
            answer = httpx.request(method, url + path, timeout=30, **request)
            assert answer.status_code in (200, 202), answer.text
            return monotonic() - begun

        deadline = monotonic() + 60
        while True:
            with suppress(httpx.TransportError):
                asked("GET", "/readyz")
                break
            assert process.poll() is None and monotonic() < deadline, (tmp_path / "log").read_text()
            sleep(0.1)

        for _ in range(1000):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30)) for _ in range(50)]
        for connection in slow:
            connection.sendall(HEAD % b"/jobs" + b"Content-Length: 1000\r\n\r\n{")
        done = threading.Event()

        def dribble() -> None:
            while not done.wait(0.05):
                for connection in slow:
                    connection.sendall(b" ")

        dribbling = threading.Thread(target=dribble)
        dribbling.start()
        try:
            took = [asked("GET", "/readyz") for _ in range(20)]
{%- if not bare %}
            took += [asked("POST", "/jobs", json={"account_id": "acc-1"}) for _ in range(20)]
{%- endif %}
        finally:
            done.set()
            dribbling.join()
        assert max(took) < 5, took


MARK = "leaked4711"


class Spill(BaseModel):
    value: str


spill = Rpc(name="spill", group="tests", request=Spill, result=Spill)


async def spills(ctx: Context, request: Spill) -> Spill:
    """Fails in the database, with a value of the request in the statement."""
    async with ctx.get_dependency(Database).read() as session:
        await session.execute(text("SELECT * FROM nowhere WHERE value = :value"), {"value": request.value})
    return request


refuse = Rpc(name="refuse", group="tests", request=Spill, result=Spill)


async def refuses(_: Context, request: Spill) -> Spill:
    """Fails in words for the client, with a value of the request in them."""
    raise Failure(f"{request.value!r} does not exist")


def logged(records: Sequence[logging.LogRecord]) -> str:
    """All that records hold, also what the service's own format leaves out."""
    formatter = logging.Formatter()
    return "\n".join(f"{formatter.format(record)} {vars(record)}" for record in records)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that is logged but by the tests' own client."""
    # The last of them is the handler's level as well.
    caplog.set_level(logging.WARNING, "httpx")
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "{{ package_name }}")
    caplog.handler.addFilter(logs.add_fields)
    yield caplog
    caplog.handler.removeFilter(logs.add_fields)


async def test_logs_hold_ids_and_no_secrets(start: Start, log: pytest.LogCaptureFixture) -> None:
    secret, key = f"webhook-secret-{MARK}", f"api-key-{MARK}"
    served = [serve(keep, kept), serve(spill, spills), serve(refuse, refuses)]
    async with start(served=served, webhook_secret=secret, api_keys=f"alice:{key}") as service:
        service.app.include_router(routes)
        service.app.include_router(router)
        http = service.http
        answers = [
            await http.post("/hostile/notes", json={"text": MARK}, headers={"Authorization": f"Bearer {key}"}),
            await http.post("/hostile/notes", json={"text": MARK}, headers={"Authorization": f"Bearer {MARK}"}),
            await service.send_signed("/webhooks/hostile", {"text": MARK}, secret=secret),
            await service.send_signed("/webhooks/hostile", {"text": MARK}, secret=MARK),
            await http.get(f"/hostile/notes/{MARK}?token={MARK}", headers={"Authorization": f"Bearer {key}"}),
            await http.get(f"/nowhere/{MARK}?token={MARK}", headers={"X-Token": MARK}),
        ]
        assert [answer.status_code for answer in answers] == [202, 401, 200, 401, 200, 404]
        for body in ({"text": MARK, MARK: 1}, {"text": [MARK]}, {"number": MARK}):
            bad = await http.post("/hostile/notes", json=body, headers={"Authorization": f"Bearer {key}"})
            assert problem(bad) == (422, "invalid-request")
        await service.engine.start_workflow(spill, "spill/1", Spill(value=MARK), timedelta(seconds=60), {})
        await service.engine.start_workflow(refuse, "refuse/1", Spill(value=MARK), timedelta(seconds=60), {})

        async def all_are_logged() -> bool:
            said = logged(log.records)
            return "nowhere" in said and "refuse failed" in said and answers[0].json()["id"] in said

        await service.eventually(all_are_logged)
    assert MARK not in logged(log.records)


async def test_logs_hold_no_password_of_the_database(start: Start, log: pytest.LogCaptureFixture) -> None:
    unreachable = f"postgresql://user:{MARK}@127.0.0.1:9/none"
    async with start(served=[serve(spill, spills)], database_url=unreachable) as service:
        await service.engine.start_workflow(spill, "spill/1", Spill(value=MARK), timedelta(seconds=60), {})

        async def is_logged() -> bool:
            return "spill/1" in logged(log.records)

        await service.eventually(is_logged)
    said = logged(log.records)
    assert "OperationalError" in said
    assert MARK not in said


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pickled = base64.b64encode(pickle.dumps(self)).decode()

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


class Private(Exception):
    """An exception of this process alone."""


wait = Rpc(name="wait", group="tests", request=Note, result=Note)
trip = Rpc(name="trip", group="tests", request=Note, result=Note)
STUMBLES = {"failure": Failure("a"), "builtin": ValueError("b"), "private": Private("c")}


async def waits(ctx: Context, _: Note) -> Note:
    """Say what came of a promise that somebody else settles."""
    try:
        await ctx.promise(timeout=timedelta(seconds=60))
    except Exception as error:
        return Note(text=f"{type(error).__name__}: {error}")
    return Note(text="resolved")


async def trips(ctx: Context, note: Note) -> Note:
    """Say as what the exception of a step arrives."""

    async def step(_: Context) -> None:
        raise STUMBLES[note.text]

    try:
        await ctx.options(retry_policy=Never()).run(step)
    except Exception as error:
        return Note(text=f"{type(error).__name__}: {error}")
    return note


async def plant(service: Service, promise_id: str, bomb: Bomb, name: str = "__py_pickle") -> None:
    """Reject a promise with a pickle, as somebody can who writes to the engine."""
    raw = '{"message": "planted", "' + name + '": "' + bomb.pickled + '"}'
    value = Value(data=base64.b64encode(raw.encode()).decode())
    record = await service.engine.resonate.promises.sender.promise_settle(
        PromiseSettleReq(id=promise_id, state="rejected", value=value)
    )
    assert (record.state, record.value) == ("rejected", value)


@pytest.mark.parametrize("name", ["__py_pickle", "__py_\\u0070ickle"])
async def test_a_worker_opens_no_planted_pickle(start: Start, tmp_path: Path, name: str) -> None:
    real, bomb = Bomb(tmp_path / "real"), Bomb(tmp_path / "planted")
    pickle.loads(base64.b64decode(real.pickled))
    assert real.path.exists()
    async with start(served=[serve(wait, waits)]) as service:
        await service.engine.start_workflow(wait, "job/w", Note(), timedelta(seconds=60), {})
        await service.eventually(lambda: service.engine.find("job/w:1"))
        await plant(service, "job/w:1", bomb, name)
        assert (await service.run(wait, "job/w", Note())).text == "ApplicationError: planted"
    assert not bomb.path.exists()


async def test_known_exceptions_keep_their_kind(start: Start) -> None:
    async with start(served=[serve(trip, trips)]) as service:
        seen = [(await service.run(trip, f"job/{kind}", Note(text=kind))).text for kind in STUMBLES]
    assert seen == ["Failure: a", "ValueError: b", "ApplicationError: c"]
{%- if not bare %}


async def create(service: Service, promise_id: str, param: Any, **tags: str) -> None:
    named = {name.replace("_", ":"): value for name, value in tags.items()}
    await service.engine.create(promise_id, param, int((time() + 60) * 1000), named)


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_planted_pickle_is_never_opened(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The API opens none, even where nothing guards it."""
    if not guarded:
        monkeypatch.setattr(SafeErrors, "decrypt", lambda _, data: data)
    bomb = Bomb(tmp_path / "planted")
    job, summary = ProcessJob(account_id="acc-1"), Aggregate(account_ids=["acc-1"])
    await create(service, "job/p", {"args": [job.model_dump()]}, http_fingerprint=fingerprint(job))
    await create(service, "summary/p", {"args": [summary.model_dump()]}, http_fingerprint=fingerprint(summary))
    question = {"held": "job/p:1", "root": "job/p"}
    await create(service, "approve/p", question)
    await create(service, "job/p:1", None)
    for promise_id in ("job/p", "summary/p", "approve/p", "job/p:1"):
        await plant(service, promise_id, bomb)
    await create(service, "approve/q", question)  # A gate of work that has ended.

    key = {"Idempotency-Key": "p"}
    posted = await service.http.post("/jobs", json={"account_id": "acc-1"}, headers=key)
    assert (posted.status_code, posted.json()["status"]) == (202, "failed")
    assert posted.headers["Idempotent-Replayed"] == "true"
    answers = [posted]
    for path in ("/jobs/p", "/accounts/summary/p"):
        for headers in ({}, {"Prefer": "wait=1"}):
            answers.append(got := await service.http.get(path, headers=headers))
            assert (got.json()["status"], got.json()["error"]) == ("failed", "planted")
    wrapped = await service.http.post("/accounts/summary", json=summary.model_dump(), headers=key)
    answers.append(wrapped)
    assert problem(wrapped) == (500, "work-failed")
    for name in ("p", "q"):
        answers.append(decided := await service.send_signed(f"/webhooks/approvals/{name}", {"approved": True}))
        assert problem(decided) == (410, "too-late")

    for answer in answers:
        assert "pickle" not in answer.text and bomb.pickled not in answer.text
    assert not bomb.path.exists()
{%- endif %}

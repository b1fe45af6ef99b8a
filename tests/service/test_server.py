"""`http.server`: what is no HTTP, connections on which no request arrives, and what uvicorn is told."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from time import monotonic

import pytest
import uvicorn
from fastapi import FastAPI
from shop.runtime.http import protocol, server
from shop.runtime.service import Service
from shop.runtime.testing.databases import Databases
from shop.runtime.testing.plugin import make_settings

from .notes import serve_notes
from .raw_http import exchange


@pytest.fixture(scope="module")
def port(definition: Service, databases: Databases) -> Iterator[int]:
    """The port of a service that gives the head of a request half a second."""
    with pytest.MonkeyPatch.context() as patched, serve_notes(definition, databases) as port:
        patched.setattr(protocol, "HEAD_TIMEOUT", 0.5)
        yield port


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
    "two lengths": b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length that is none": b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Length: two\r\n\r\n{}",
    "a negative length": b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\n{}",
    "an endless length": b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
    "a length, and chunks": b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a WebSocket": b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    "chunks of no length": b"POST /notes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
}


@pytest.mark.parametrize("sent", NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_what_is_no_request_gets_a_problem(port: int, sent: bytes) -> None:
    head, _, body = exchange(port, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 4")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["status"] == int(head[9:12])


def test_a_head_that_does_not_end(port: int) -> None:
    started = monotonic()
    assert exchange(port) == b""
    assert exchange(port, b"GET /livez HTTP/1.1\r\nX: a") == b""
    # The second request of a connection.
    assert exchange(port, b"GET /livez HTTP/1.1\r\n\r\n", b"GET /livez HTTP/1.1\r\n").count(b"HTTP/1.1") == 1
    assert monotonic() - started < 5


def test_a_head_without_bound(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 60)
    started = monotonic()
    with suppress(ConnectionError):
        exchange(port, b"GET /livez HTTP/1.1\r\n", *[b"X: " + b"a" * 8000 + b"\r\n"] * 1000)
    assert monotonic() - started < 30


@pytest.mark.usefixtures("no_settings")
def test_what_uvicorn_is_told(definition: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[uvicorn.Config] = []

    def run(server: uvicorn.Server) -> None:
        server.started = True
        told.append(server.config)

    monkeypatch.setattr(server.DrainingServer, "run", run)
    app = FastAPI()
    settings = make_settings(definition, host="127.0.0.2", port=8123, keep_alive=90, shutdown_grace=0.5)
    server.serve(app, settings, reload=False)
    server.serve(app, make_settings(definition, keep_alive=timedelta(0)))
    config, other = told
    assert (config.app, config.host, config.port, config.reload) == (app, "127.0.0.2", 8123, False)
    assert (config.timeout_keep_alive, config.timeout_graceful_shutdown) == (90, 1)
    assert (config.proxy_headers, config.forwarded_allow_ips) == (True, "127.0.0.1,::1")
    assert config.http is protocol.BoundedHttp and config.ws == "none"
    assert config.limit_concurrency == 1000
    # Its own logging is off: the service logs requests itself.
    assert config.log_config is None and config.access_log is False
    assert other.timeout_keep_alive == 0

"""Clients of the example's jobs that cost the measuring process next to nothing: prepared bytes out, a body in."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""One that is kept alive."""


async def connect(url: str) -> Connection:
    """A connection to the host of a URL."""
    address = urlsplit(url)
    return await asyncio.open_connection(address.hostname, address.port)


async def ask(connection: Connection, request: bytes, expected: int) -> bytes:
    """The body of the answer, which has the expected status and says its length, as these APIs' do."""
    reader, writer = connection
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    body = await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r")[0]))
    if int(head.split(b" ", 2)[1]) != expected:
        sys.exit(f"error: {request.decode()}\nwas answered with {head.decode()}{body.decode()}")
    return body


async def wait_for_end(connection: Connection, look: bytes) -> None:
    """Wait for the success of a job; what ends otherwise ends this program."""
    status = "running"
    while status == "running":
        status = json.loads(await ask(connection, look, 200))["status"]
    if status != "succeeded":
        sys.exit(f"error: a job ended as {status}: {look.decode()}\nRun the service's own tests.")


async def run_jobs(url: str, count: int, in_flight: int) -> tuple[list[float], list[float]]:
    """Run so many jobs, some at a time, to success: when each had ended, in order, and how long each took, in s."""
    ends, taken = list[float](), list[float]()
    keys = (b"%d-%d" % (time.time_ns(), number) for number in range(count))
    submit, look = submission(url), polling(url)

    async def run_some() -> None:
        connection = await connect(url)
        for key in keys:
            begun = time.perf_counter()
            await ask(connection, submit % key, 202)
            await wait_for_end(connection, look % key)
            ends.append(time.perf_counter())
            taken.append(ends[-1] - begun)
        connection[1].close()

    await asyncio.gather(*(run_some() for _ in range(in_flight)))
    return ends, taken


def submission(url: str, account: str = "acc-1") -> bytes:
    """`POST /jobs` but for its key, at ``%b``."""
    body = f'{{"account_id": "{account}", "requires_approval": false}}'
    return request("POST", "/jobs", url, ("Content-Type", "application/json"), ("Idempotency-Key", "%b"), body=body)


def polling(url: str) -> bytes:
    """`GET /jobs/…` but for its key, at ``%b``; it waits for the end."""
    return request("GET", "/jobs/%b", url, ("Prefer", "wait=25"))


def request(method: str, path: str, url: str, *headers: tuple[str, str], body: str = "") -> bytes:
    """A request of HTTP/1.1, as it is sent."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers), "", body]).encode()

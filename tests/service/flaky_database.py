"""A PostgreSQL behind a proxy that can be stopped, or that lets packets vanish."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import URL, make_url


class FlakyDatabase:
    """``url`` leads through the proxy to a server."""

    def __init__(self, server: URL) -> None:
        self._server = server
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._port = 0

    @property
    def url(self) -> str:
        """Of the database, through the proxy."""
        return self._server.set(host="127.0.0.1", port=self._port, query={}).render_as_string(hide_password=False)

    async def start(self) -> None:
        """Let connections through."""
        self._flows.set()
        if self._listener is None:
            self._listener = await asyncio.start_server(self._forward, "127.0.0.1", self._port)
            self._port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End all connections, and refuse new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        for writer in list(self._writers):
            writer.transport.abort()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.sleep(0)

    def vanish(self) -> None:
        """Let no packet through, either way; connections stay open, and new ones are accepted."""
        self._flows.clear()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        await self._flows.wait()
        host, port = self._server.query.get("host") or self._server.host, self._server.port or 5432
        if str(host).startswith("/"):
            there = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            there = await asyncio.open_connection(str(host), port)
        self._writers.add(there[1])
        for source, target in ((reader, there[1]), (there[0], writer)):
            pump = asyncio.create_task(self._pump(source, target))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._flows.wait()
                target.write(data)
                await target.drain()
        target.close()


@asynccontextmanager
async def flaky_database(url: str) -> AsyncIterator[FlakyDatabase]:
    """One for the database at a URL, running."""
    flaky = FlakyDatabase(make_url(url))
    await flaky.start()
    try:
        yield flaky
    finally:
        await flaky.stop()

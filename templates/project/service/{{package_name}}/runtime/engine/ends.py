"""Notifications: the engine tells this process of the end of the work that it waits for.

To poll instead costs the engine a request each time, and the answer comes late by half a pause. A message can be lost,
where a stream broke: so whoever waits still asks now and then.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from resonate.transport import Message, UnblockMsg
from resonate_base.connections import Source

from .connections import ReconnectingSSE
from .postgres import ResilientPostgres


class Ends:
    """What this process hears on ``source``. It is made before the connection is started."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        source.recv(self._hear)

    @property
    def address(self) -> str:
        """Where the engine is to send its messages."""
        return self._source.unicast()

    @property
    def are_heard(self) -> bool:
        """Whether messages arrive just now."""
        return not isinstance(self._source, ReconnectingSSE | ResilientPostgres) or self._source.connected

    async def start(self) -> None:
        """Begin to hear, in a process that serves no functions: its client starts no source."""
        if isinstance(self._source, ReconnectingSSE):
            await self._source.start()
        elif isinstance(self._source, ResilientPostgres):
            await self._source.pause()  # It hears as soon as it sends. Work for this group is not taken from the queue.

    async def stop(self) -> None:
        """Hear no more, in such a process."""
        if isinstance(self._source, ReconnectingSSE):
            await self._source.stop()

    @contextmanager
    def listen(self, engine_id: str) -> Iterator[asyncio.Future[None]]:
        """A future that is done once the engine has told that a promise has settled."""
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(engine_id, set()).add(told)
        try:
            yield told
        finally:
            waiting = self._waiting[engine_id]
            waiting.discard(told)
            if not waiting:
                del self._waiting[engine_id]

    def _hear(self, text: str) -> None:
        try:
            message = msgspec.json.decode(text, type=Message)
        except msgspec.DecodeError:
            return  # Of a kind that this SDK does not know.
        if isinstance(message, UnblockMsg):
            for told in self._waiting.get(message.promise.id, ()):
                if not told.done():
                    told.set_result(None)

"""Who gets which message: groups, the processes that listen in them, and what waits for one to come."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import re
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from resonate_scaffold.devserver.protocol import Execute, Unblock
from resonate_scaffold.devserver.protocol.deadlines import Deadlines

logger = logging.getLogger(__name__)

#: A task that was handed to a process which did not take it up is handed out again after this long, then
#: after twice as long: a process that lives may just be busy, and has it in its queue.
RESEND_MS = 30_000
RESEND_MAX_MS = 60_000

#: So many offers that it has not taken up are handed to a process within `FRESH_MS`; the others wait here, for the
#: first process that takes what it was given. What it has not taken up by then is not counted: it may be held back
#: there, such as runs of a function that has enough places, and what comes after it must not wait for that.
MOST_FRESH = 128
FRESH_MS = 500

#: A process that is told of a settled promise and does not come to hear of it within this time is forgotten.
#: Clients ask again for what they still wait for every 60 s, so none waits for ever.
UNBLOCK_MS = 60_000

_ADDRESS = re.compile(r"poll://(?P<cast>any|uni)@(?P<group>[^/]+)(?:/(?P<pid>.+))?")


@dataclass(frozen=True)
class Address:
    """``poll://any@group`` (`pid` None: any one member), or ``poll://uni@group/pid``."""

    group: str
    pid: str | None

    @classmethod
    def parse(cls, text: str) -> Address | None:
        """None for an address that this engine does not serve."""
        match = _ADDRESS.fullmatch(text)
        if match is None or (match["cast"] == "uni" and match["pid"] is None):
            return None
        return cls(match["group"], match["pid"] if match["cast"] == "uni" else None)


@dataclass(eq=False)
class Poller:
    """One open stream. Its server writes `take()` to it; eq by identity, since a pid may connect twice."""

    group: str
    pid: str
    closed: bool = False
    #: Tasks handed to this stream that nobody is known to have taken up yet, in order, each with the time (ms).
    tasks: dict[str, int] = field(default_factory=dict)
    _queue: deque[str] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def has_room(self, now: int) -> bool:
        """Whether it should be handed more tasks."""
        fresh = itertools.takewhile(lambda at: at > now - FRESH_MS, reversed(self.tasks.values()))
        return sum(1 for _ in fresh) < MOST_FRESH

    def put(self, payload: str) -> None:
        self._queue.append(payload)
        self._wake.set()

    def close(self) -> None:
        self.closed = True
        self._wake.set()

    def take(self) -> list[str]:
        payloads = list(self._queue)
        self._queue.clear()
        self._wake.clear()
        return payloads

    async def wait(self, seconds: float) -> None:
        """Return when there is something to take, when the stream is to end, or after `seconds`."""
        if self._queue or self.closed:
            return
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return


@dataclass(eq=False)
class _Execute:
    """A task on its way: waiting (`poller` None), or handed to a process that may not have taken it up."""

    address: Address
    task_id: str
    version: int
    poller: Poller | None = None
    silent: Poller | None = None
    again_ms: int = RESEND_MS


class Router:
    """Messages to processes, at least once for work, best effort for news.

    ``execute`` (work): goes to one member of its group in turn, or waits for one to connect. Until the task
    is taken up it is this router's to hand out again: at once to the next member when the stream it was
    written to ends, and after a while when the process stays silent. A task that was taken up is the lease's
    business: when its process dies, the lease (60 s unless the client says otherwise) runs out first, as with
    the real server.

    ``unblock`` (a promise has settled): goes to every stream of its process, or waits a minute for one.
    """

    def __init__(self, is_pending: Callable[[str, int], bool]) -> None:
        self._is_pending = is_pending
        #: What messages tell as the address of this engine.
        self.server_url = ""
        self._groups: defaultdict[str, deque[Poller]] = defaultdict(deque)
        self._executes: dict[str, _Execute] = {}
        self._waiting: defaultdict[Address, dict[str, None]] = defaultdict(dict)
        self._resends = Deadlines()
        self._unblocks: defaultdict[Address, deque[tuple[int, str]]] = defaultdict(lambda: deque(maxlen=1_000))
        self._unserved: set[str] = set()

    # -- streams ---------------------------------------------------------------------------------------------

    def connect(self, group: str, pid: str, now: int) -> Poller:
        """Add a stream, and give it what has been waiting for it."""
        poller = Poller(group, pid)
        self._groups[group].append(poller)
        logger.info("%s/%s connected", group, pid)
        self._hand_out_waiting(Address(group, pid), now)
        self._hand_out_waiting(Address(group, None), now)
        for until, payload in self._unblocks.pop(Address(group, pid), ()):
            if now < until:
                poller.put(payload)
        return poller

    def disconnect(self, poller: Poller, now: int) -> None:
        """Remove a stream. What it was given and has not been taken up goes to the next."""
        poller.close()
        members = self._groups[poller.group]
        members.remove(poller)
        if not members:
            del self._groups[poller.group]
        logger.info("%s/%s disconnected", poller.group, poller.pid)
        for task_id in list(poller.tasks):
            self._hand_out(self._executes[task_id], now)

    def close(self) -> None:
        """End every stream."""
        for members in self._groups.values():
            for poller in members:
                poller.close()

    # -- messages --------------------------------------------------------------------------------------------

    def execute(self, offer: Execute, now: int, delay_ms: int = 0) -> None:
        """Hand out a task at this version, after `delay_ms`; a version handed out already is left alone."""
        task_id, version = offer.task_id, offer.version
        to = self._address(offer.address)
        known = self._executes.get(task_id)
        if to is None or (known is not None and known.version == version):
            return
        if known is not None:
            self._forget(known)
        execute = self._executes[task_id] = _Execute(to, task_id, version)
        if delay_ms:
            self._resends.set(task_id, now + delay_ms)
        else:
            self._hand_out(execute, now)

    def taken(self, task_id: str, now: int) -> None:
        """Note that somebody asked for a task: if it waits no more, another one can be handed out in its place."""
        known = self._executes.get(task_id)
        if known is not None and not self._is_pending(task_id, known.version):
            self._forget(known)
            self._hand_out_waiting(known.address, now)

    def unblock(self, news: Unblock, now: int) -> None:
        """Tell a process that a promise it asked about has settled."""
        to = self._address(news.address)
        if to is None:
            return
        payload = self._payload("unblock", {"promise": news.promise})
        streams = [p for p in self._groups.get(to.group, ()) if to.pid in (None, p.pid)]
        for poller in streams:
            poller.put(payload)
        if not streams:
            self._unblocks[to].append((now + UNBLOCK_MS, payload))

    def tick(self, now: int) -> None:
        """Hand out again what nobody has taken up; forget news that nobody came for."""
        for task_id in self._resends.pop_due(now):
            self._hand_out(self._executes[task_id], now)
        for waiting in list(self._waiting):
            self._hand_out_waiting(waiting, now)
        for address in [a for a, news in self._unblocks.items() if news[-1][0] <= now]:
            del self._unblocks[address]

    def _hand_out(self, execute: _Execute, now: int) -> None:
        """Put a task at the end of those that wait for a process, and hand out what can be."""
        execute.silent = execute.poller
        self._forget(execute)
        if self._is_pending(execute.task_id, execute.version):
            self._executes[execute.task_id] = execute
            self._waiting[execute.address][execute.task_id] = None
            self._hand_out_waiting(execute.address, now)

    def _hand_out_waiting(self, address: Address, now: int) -> None:
        """Hand out what waits at an address, oldest first, while there is a process with room."""
        while waiting := self._waiting.get(address):
            execute = self._executes[next(iter(waiting))]
            poller = self._next(address, execute.silent, now)
            if poller is None:
                return
            self._forget(execute)
            if not self._is_pending(execute.task_id, execute.version):
                continue
            self._executes[execute.task_id] = execute
            execute.poller = poller
            poller.tasks[execute.task_id] = now
            poller.put(self._payload("execute", {"task": {"id": execute.task_id, "version": execute.version}}))
            self._resends.set(execute.task_id, now + execute.again_ms)
            execute.again_ms = min(2 * execute.again_ms, RESEND_MAX_MS)

    def _forget(self, execute: _Execute) -> None:
        """Remove every trace of a task that is not on its way any more, or not like this."""
        self._executes.pop(execute.task_id, None)
        self._resends.discard(execute.task_id)
        if execute.poller is not None:
            execute.poller.tasks.pop(execute.task_id, None)
            execute.poller = None
        waiting = self._waiting.get(execute.address)
        if waiting is not None:
            waiting.pop(execute.task_id, None)
            if not waiting:
                del self._waiting[execute.address]

    def _next(self, address: Address, silent: Poller | None, now: int) -> Poller | None:
        """The stream to use, of those that have room: the group's members in turn, or the one process's newest.

        Not the one that has been silent, if there is another.
        """
        members = self._groups.get(address.group, ())
        fit = [p for p in members if address.pid in (None, p.pid) and p.has_room(now)]
        if not fit:
            return None
        if address.pid is not None:
            return fit[-1]
        chosen = fit[1] if fit[0] is silent and len(fit) > 1 else fit[0]
        # Its turn is over.
        self._groups[address.group].remove(chosen)
        self._groups[address.group].append(chosen)
        return chosen

    def _address(self, text: str) -> Address | None:
        address = Address.parse(text)
        if address is None and text not in self._unserved:
            self._unserved.add(text)
            logger.warning("cannot deliver to %r: this engine serves poll://any@group and poll://uni@group/pid", text)
        return address

    def _payload(self, kind: str, data: Any) -> str:
        encoded = msgspec.json.encode({"kind": kind, "head": {"serverUrl": self.server_url}, "data": data})
        if encoded.isascii():
            return encoded.decode()
        # ASCII only: the SDK decodes a stream chunk by chunk, and drops one that ends inside a character.
        return json.dumps(msgspec.json.decode(encoded), ensure_ascii=True, separators=(",", ":"))

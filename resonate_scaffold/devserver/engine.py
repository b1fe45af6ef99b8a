"""One engine: a state, the journal that outlives it, and the router that speaks for it. No sockets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from resonate_scaffold.devserver.auth import Token
from resonate_scaffold.devserver.compaction import Compaction
from resonate_scaffold.devserver.entries import RequestEntry, TickEntry
from resonate_scaffold.devserver.journal import Journal
from resonate_scaffold.devserver.protocol import (
    Execute,
    Message,
    Refused,
    State,
    apply,
    changes_nothing,
    parse,
    tick,
)
from resonate_scaffold.devserver.protocol.requests import TaskAcquire, check_lineage
from resonate_scaffold.devserver.protocol.tasks import PROTOCOL_VERSION
from resonate_scaffold.devserver.router import Poller, Router

logger = logging.getLogger(__name__)

type Clock = Callable[[], int]
"""Gives the time in ms since 1970."""

#: A task that its process gave back is not handed out again at once. A function that nobody has registered,
#: or a result that cannot be serialised, is given back every time: without a pause that is a hot loop.
RELEASE_PAUSE_MS = 1_000


#: A journal is compacted when it has grown by this much (bytes), and by an eighth: a restart reads what it has grown by
#: one request after the other, which takes ten times as long as what was compacted.
GROWN = 16 << 20
#: For how long (s) a tick may work at a compaction, or pack what rests.
AT_A_TIME = 0.01
#: A family that nobody looked at for this long, and at most twice as long, is packed.
REST_MS = 30_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class _Head(msgspec.Struct, rename="camel"):
    corr_id: str
    version: str
    auth: str | None = None


class _Envelope(msgspec.Struct):
    kind: str
    head: _Head
    data: msgspec.Raw


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_encode = msgspec.json.Encoder().encode


class Engine:
    """Applies requests and ticks one at a time, each journalled before it takes effect.

    `journal` None keeps everything in memory; with a `token`, every request and stream must bring it. Raises
    EngineError when the journal cannot be used. After a start on a journal that is not new, leases begin anew and every
    task that waits is handed out again.
    """

    def __init__(self, journal: Path | None = None, clock: Clock = now_ms, token: str | None = None) -> None:
        self._clock = clock
        self._token = Token(token) if token else None
        self._now = 0
        self.state = State()
        self.router = Router(self.state.is_pending)
        self._looked_at: set[str] = set()
        self._resting: list[str] = []
        self._rest_again = 0
        self._compaction: Compaction | None = None
        self._compact_at = GROWN
        self._journal = Journal(journal) if journal is not None else None
        if self._journal is not None:
            try:
                self._resume(self._journal)
            except BaseException:
                self._journal.close()
                raise

    def _resume(self, journal: Journal) -> None:
        self._now = journal.read(self.state)
        self.state.update_index()  # now, rather than in the first request
        self.state.index.sort()
        now = self.now()
        self.state.rearm_leases(now)
        if journal.is_current:
            journal.go_on(now)
        else:
            self.compact()
        self._deliver(self.state.waiting_offers(now), now)

    def compact(self) -> None:
        """Make the journal as small as it can be. Raises EngineError when that cannot be written."""
        assert self._journal is not None
        if self._compaction is not None:
            self._compaction.abandon()
        try:
            self._compaction = Compaction(self._journal, self.state, self.now())
            self._compaction.step(float("inf"))
            self._end_compaction(self._compaction)
        except OSError as error:
            if self._compaction is not None:
                self._compaction.abandon()
            raise self._journal.unusable(error) from error
        finally:
            self._compaction = None

    def _work_on_compaction(self, journal: Journal) -> None:
        """Begin one when the journal has grown, go on with one that was begun."""
        compaction = self._compaction
        try:
            if compaction is None:
                if journal.size >= self._compact_at:
                    self._compaction = Compaction(journal, self.state, self._now)
            elif not compaction.is_written:
                compaction.step(AT_A_TIME)
            elif compaction.is_synced:
                self._end_compaction(compaction)
                self._compaction = None
        except OSError as error:
            logger.error("the journal cannot be compacted: %s", error)
            if self._compaction is not None:
                self._compaction.abandon()
            self._compaction, self._compact_at = None, journal.size + GROWN

    def _end_compaction(self, compaction: Compaction) -> None:
        assert self._journal is not None
        before = self._journal.size
        compaction.finish()
        self._compact_at = self._journal.size + max(GROWN, self._journal.size // 8)
        logger.info("the journal was compacted, from %d to %d bytes", before, self._journal.size)

    def _pack_what_rests(self, now: int) -> None:
        self.state.update_index()
        if now >= self._rest_again:
            self._resting += self._looked_at - self.state.recent
            self._looked_at, self.state.recent = self.state.recent, set()
            self._rest_again = now + REST_MS
        deadline = time.perf_counter() + AT_A_TIME
        while self._resting and time.perf_counter() < deadline:
            self.state.pack(self._resting.pop())

    def now(self) -> int:
        """The time in ms, which never goes back: the journal's order is the order of time."""
        self._now = max(self._now, self._clock())
        return self._now

    def request(self, body: bytes) -> tuple[int, bytes]:
        """Answer one protocol envelope: the status and the response envelope, for whatever bytes come in."""
        try:
            envelope = _decode_envelope(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _respond(*_names_in(body), 400, f"invalid request envelope: {error}")
        kind, corr_id = envelope.kind, envelope.head.corr_id
        try:
            status, data = self._request(envelope)
        except Refused as refused:
            status, data = refused.status, refused.reason
        except Exception as error:
            logger.exception("a request of kind %r failed", kind)
            status, data = 500, f"internal error: {type(error).__name__}"
        if kind == "task.fence" and status == 200:
            data["action"]["head"]["corrId"] = corr_id
        return _respond(kind, corr_id, status, data)

    def _request(self, envelope: _Envelope) -> tuple[int, Any]:
        kind, data = envelope.kind, envelope.data
        if not kind or memoryview(data)[0] != ord("{"):
            raise Refused(400, "invalid request envelope: wanted a kind, and an object as data")
        if envelope.head.version != PROTOCOL_VERSION:
            raise Refused(400, f"unsupported protocol version {envelope.head.version!r}: this is {PROTOCOL_VERSION}")
        if self._token is not None:
            self._token.check(envelope.head.auth, self.now())
            self._token.check_prefix(kind, data)
        request = parse(kind, data)
        check_lineage(request)
        now = self.now()
        if self._journal is not None and not changes_nothing(self.state, now, request):
            try:
                self._journal.append(RequestEntry(now, kind, data))
            except OSError as error:
                logger.error("the journal cannot be written: %s", error)
                raise Refused(500, f"the journal cannot be written: {error.strerror or error}") from error
        answer, messages = apply(self.state, now, request)
        if isinstance(request, TaskAcquire):
            self.router.taken(request.id, now)
        self._deliver(messages, now, RELEASE_PAUSE_MS if kind == "task.release" else 0)
        return answer.status, answer.data

    def tick(self) -> None:
        """Let time pass: deadlines, leases, schedules, deliveries. Cheap when nothing is due."""
        now = self.now()
        if self.state.is_due(now):
            if self._journal is not None:
                try:
                    self._journal.append(TickEntry(now))
                except OSError as error:
                    # Nothing has happened yet; the next tick tries again.
                    logger.error("the journal cannot be written: %s", error)
                    return
            self._deliver(tick(self.state, now), now)
        self.router.tick(now)
        if self._journal is not None:
            self._work_on_compaction(self._journal)
        self._pack_what_rests(now)

    def admits(self, token: str | None) -> bool:
        """Whether a stream that brings this token may connect."""
        try:
            if self._token is not None:
                self._token.check(token, self.now())
        except Refused:
            return False
        return True

    def connect(self, group: str, pid: str) -> Poller:
        return self.router.connect(group, pid, self.now())

    def disconnect(self, poller: Poller) -> None:
        self.router.disconnect(poller, self.now())

    def sync(self) -> None:
        """Make what has happened survive a power cut. Blocks for as long as the disk takes."""
        if self._journal is not None:
            self._journal.sync()
        if (compaction := self._compaction) is not None and compaction.is_written and not compaction.is_synced:
            compaction.sync()

    def close(self) -> None:
        self.router.close()
        if self._compaction is not None:
            self._compaction.abandon()
        if self._journal is not None:
            self._journal.close()

    def _deliver(self, messages: Iterable[Message], now: int, delay_ms: int = 0) -> None:
        for message in messages:
            if isinstance(message, Execute):
                self.router.execute(message, now, delay_ms)
            else:
                self.router.unblock(message, now)


def _names_in(body: bytes) -> tuple[str, str]:
    """The kind and the corrId of what is no valid envelope, where it has them."""
    try:
        envelope = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        envelope = None
    kind = envelope.get("kind") if isinstance(envelope, dict) else None
    head = envelope.get("head") if isinstance(envelope, dict) else None
    corr_id = head.get("corrId") if isinstance(head, dict) else None
    return kind if isinstance(kind, str) else "unknown", corr_id if isinstance(corr_id, str) else "0"


def _respond(kind: str, corr_id: str, status: int, data: Any) -> tuple[int, bytes]:
    head = {"corrId": corr_id, "status": status, "version": PROTOCOL_VERSION}
    return status, _encode({"kind": kind, "head": head, "data": data})

"""One engine: a state, the journal that outlives it, and the router that speaks for it. No sockets."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import msgspec
from resonate.connections.local import unwrap_request_envelope, wrap_response_envelope
from resonate.error import ServerError
from resonate.timing import Clock, now_ms

from resonate_scaffold.devserver import journal as log
from resonate_scaffold.devserver.router import Poller, Router
from resonate_scaffold.devserver.state import EngineState

logger = logging.getLogger(__name__)

#: A task that its process gave back is not handed out again at once. A function that nobody has registered,
#: or a result that cannot be serialised, is given back every time: without a pause that is a hot loop.
RELEASE_PAUSE_MS = 1_000


class Engine:
    """Applies requests and ticks one at a time, each journalled before it takes effect.

    `journal` None keeps everything in memory. Raises EngineError when the journal cannot be used. After a
    start on a journal that is not new, leases begin anew and every task that waits is handed out again.
    """

    def __init__(self, journal: Path | None = None, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._now = 0
        self.state = EngineState()
        self.router = Router(self.state.is_pending)
        self._journal = log.Journal(journal) if journal is not None else None
        if self._journal is not None:
            try:
                self._resume(self._journal)
            except BaseException:
                self._journal.close()
                raise

    def _resume(self, journal: log.Journal) -> None:
        for entry in journal.read():
            match entry:
                case log.Header(now=now):
                    self._now = now
                case log.RequestEntry(now=now, request=request):
                    self._now = now
                    self._apply(now, request)
                case log.TickEntry(now=now):
                    self._now = now
                    self.state.tick(now)
                case _:
                    log.restore(self.state, entry)
        self.state.drain()  # messages of the past; what still matters is sent below
        now = self.now()
        self.state.rearm_leases(now)
        journal.replace(log.snapshot(self.state, now))
        for address, task_id, version in self.state.pending_executes(now):
            self.router.execute(address, task_id, version, now)

    def now(self) -> int:
        """The time in ms, which never goes back: the journal's order is the order of time."""
        self._now = max(self._now, self._clock())
        return self._now

    def request(self, body: bytes) -> tuple[int, bytes]:
        """Answer one protocol envelope: the status and the response envelope, for whatever bytes come in."""
        try:
            envelope = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _refusal("unknown", "0", 400, f"invalid request: not JSON: {error}")
        head = envelope.get("head") if isinstance(envelope, dict) else None
        kind = envelope.get("kind") if isinstance(envelope, dict) else None
        corr_id = head.get("corrId") if isinstance(head, dict) else None
        corr_id = corr_id if isinstance(corr_id, str) else "0"
        if not isinstance(kind, str) or not kind or not isinstance(head, dict):
            return _refusal(kind if isinstance(kind, str) else "unknown", corr_id, 400, _WANTED)
        if not isinstance(envelope.get("data"), dict):
            return _refusal(kind, corr_id, 400, _WANTED)
        flat = unwrap_request_envelope(envelope)
        now = self.now()
        if self._journal is not None and not self.state.is_read(now, flat):
            try:
                self._journal.append(log.RequestEntry(now, flat))
            except OSError as error:
                logger.error("the journal cannot be written: %s", error)
                return _refusal(kind, corr_id, 500, f"the journal cannot be written: {error.strerror or error}")
        answer = self._apply(now, flat)
        self._deliver(now, RELEASE_PAUSE_MS if kind == "task.release" else 0)
        status = answer.get("status", 200)
        if status >= 400:
            why = answer.get("error") or f"{kind}: refused in this state ({status})"
            return _refusal(kind, corr_id, status, why)
        return status, msgspec.json.encode(wrap_response_envelope({**answer, "corrId": corr_id}))

    def tick(self) -> None:
        """Let time pass: deadlines, leases, schedules, deliveries. Cheap when nothing is due."""
        now = self.now()
        if self.state.is_due(now):
            if self._journal is not None:
                try:
                    self._journal.append(log.TickEntry(now))
                except OSError as error:
                    # Nothing has happened yet; the next tick tries again.
                    logger.error("the journal cannot be written: %s", error)
                    return
            self.state.tick(now)
            self._deliver(now)
        self.router.tick(now)

    def connect(self, group: str, pid: str) -> Poller:
        return self.router.connect(group, pid, self.now())

    def disconnect(self, poller: Poller) -> None:
        self.router.disconnect(poller, self.now())

    def sync(self) -> None:
        """Make what has happened survive a power cut. Blocks for as long as the disk takes."""
        if self._journal is not None:
            self._journal.sync()

    def close(self) -> None:
        self.router.close()
        if self._journal is not None:
            self._journal.close()

    def _apply(self, now: int, flat: dict[str, Any]) -> dict[str, Any]:
        """The flat response, also of what is refused or fails: a replay must come to the same state."""
        try:
            return self.state.apply(now, flat)
        except ServerError as error:
            return {"status": error.code, "error": error.message}
        except Exception as error:
            logger.exception("a request of kind %r failed", flat.get("kind"))
            return {"status": 500, "error": f"internal error: {type(error).__name__}"}

    def _deliver(self, now: int, delay_ms: int = 0) -> None:
        for outgoing in self.state.drain():
            message = outgoing.message
            if message["kind"] == "execute":
                task = message["data"]["task"]
                self.router.execute(outgoing.address, task["id"], task["version"], now, delay_ms)
            else:
                self.router.unblock(outgoing.address, message, now)


_WANTED = "invalid request: expected {kind: string, head: object, data: object}"


def _refusal(kind: str, corr_id: str, status: int, error: str) -> tuple[int, bytes]:
    answer = wrap_response_envelope({"kind": kind, "corrId": corr_id, "status": status})
    answer["data"] = error
    return status, msgspec.json.encode(answer)

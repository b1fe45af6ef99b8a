"""What the SDK reports of work that it could not do: said with the promise, or left out where nothing is wrong."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from resonate.error import ResonateError, ServerError
from resonate.observability import BackgroundTaskFailed, Event, logging_observer
from resonate.send import Sender, TaskAcquireResult, TaskFenceResult
from resonate.transport import Transport
from resonate.types import PromiseCreateReq, PromiseRecord, PromiseSettleReq

from ..errors import EngineRefused
from .offers import current_run
from .settled import SettledRecords

logger = logging.getLogger(__name__)

REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
"""What the engine answers where RESONATE_TOKEN is not good for a request."""

REFUSED_PAUSE = 2.0
"""Seconds after which a run's request is made again that was answered so."""

_TAKEN = "another worker has it, or it has ended:"


_HANDED_BACK = "handed back: "


class HandedBack(ResonateError):
    """A run ends here without an outcome: the engine offers it again, to any process of its group.

    No fault, and logged by whoever knows the reason.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(_HANDED_BACK + reason)


class TaskSender(Sender):
    """The SDK's requests for runs.

    A task that cannot be taken is named in the error, which the SDK logs without. And what the engine sends along with
    the answer for one step, all steps of the run so far, is left unread: the run has made them or got them when it
    began. To read them each time made a run of 1,000 steps read a million. Nor is the engine asked again for a call that
    this process has seen settled.

    A token that the engine refuses, such as one that has expired meanwhile, is no fault of the run: its requests are made
    again until the engine takes them, or the process stops.
    """

    def __init__(self, transport: Transport, auth: str | None) -> None:
        super().__init__(transport, auth)
        self.settled = SettledRecords()

    async def _send_envelope(
        self, kind: str, data: Any, *, allow_409: bool, routes_by: str | None = None
    ) -> tuple[int, Any]:
        while True:
            try:
                return await super()._send_envelope(kind, data, allow_409=allow_409, routes_by=routes_by)
            except ServerError as error:
                if error.code not in REFUSALS:
                    raise
                refused = EngineRefused(error.code)
                logger.error("runs wait: %s", refused, extra={"promise": routes_by})
                if kind == "task.acquire":  # Which the engine offers again.
                    raise HandedBack(str(refused)) from None
            await asyncio.sleep(REFUSED_PAUSE)

    def _parse_task_fence(self, data: Any) -> TaskFenceResult:
        result = super()._parse_task_fence({**data, "preload": []})
        if run := current_run():
            run.note_call(result.promise)
        return result

    async def task_acquire(self, id: str, version: int, pid: str, ttl: int) -> TaskAcquireResult:
        """Take a task.

        Raises:
            ServerError: 409 where another worker was quicker, which is no fault: a task is offered to several.
        """
        try:
            taken = await super().task_acquire(id, version, pid, ttl)
        except ServerError as error:
            what = _TAKEN if error.code == HTTPStatus.CONFLICT else f"{error.message}:"
            raise ServerError(error.code, f"{what} {id}") from error
        self.settled.begin(taken.promise, taken.task.version)
        return taken

    async def task_fence_create(self, id: str, version: int, req: PromiseCreateReq) -> TaskFenceResult:
        """Make a call or a step, or find it. One that is known to have settled is found without a request."""
        if known := self.settled.find(id, req.id):
            return TaskFenceResult(promise=known, preload=[])
        return self._noted(id, await super().task_fence_create(id, version, req))

    async def task_fence_settle(self, id: str, version: int, req: PromiseSettleReq) -> TaskFenceResult:
        """Record the end of a step."""
        return self._noted(id, await super().task_fence_settle(id, version, req))

    def _noted(self, run: str, result: TaskFenceResult) -> TaskFenceResult:
        self.settled.keep(run, result.promise)
        return result

    async def task_fulfill(self, id: str, version: int, action: PromiseSettleReq) -> PromiseRecord:
        """End a run."""
        self.settled.forget(id)
        return await super().task_fulfill(id, version, action)

    async def task_release(self, id: str, version: int) -> None:
        """Hand a run back."""
        self.settled.forget(id)
        await super().task_release(id, version)


def is_fault(record: logging.LogRecord) -> bool:
    """Whether what the SDK logs is more than a run that is handed back: a filter."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(getattr(error, "cause", error), HandedBack)


def observe(event: Event) -> None:
    """The SDK's observer: logs what it would, but for tasks that others have taken, or that were handed back."""
    if not isinstance(event, BackgroundTaskFailed):
        logging_observer(event)
    elif _TAKEN in event.cause or _HANDED_BACK in event.cause:
        logger.debug("%s", event.cause)
    else:
        logger.error("work that the engine sent was not done here: %s", event.cause)

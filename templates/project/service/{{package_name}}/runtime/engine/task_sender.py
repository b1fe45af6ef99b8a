"""The SDK's requests for runs: fewer, with the promise in their errors, and patient where a token is refused."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from resonate.error import ServerError
from resonate.send import Sender, TaskAcquireResult, TaskFenceResult
from resonate.transport import Transport
from resonate.types import PromiseCreateReq, PromiseRecord, PromiseSettleReq

from ..errors import EngineRefused
from .offers import current_run
from .sdk_events import PASSED_ON, TAKEN, HandedBack
from .settled import SettledRecords

logger = logging.getLogger(__name__)

REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
"""What the engine answers where RESONATE_TOKEN is not good for a request."""

CANCEL = ":cancel"
"""How the id of the promise ends which says that a run is to be canceled (see `durable.cancel_requests`)."""

REFUSED_PAUSE = 2.0
"""Seconds after which a run's request is made again that was answered so."""


class TaskSender(Sender):
    """What the SDK asks of the engine while it runs something.

    A task that cannot be taken is named in the error, which the SDK logs without. And what the engine sends along with
    the answer for one step, all steps of the run so far, is left unread: the run has made them or got them when it
    began. To read them each time made a run of 1,000 steps read a million. Read is only that the run is to be canceled. Nor is the engine asked again for a call that
    this process has seen settled.

    A token that the engine refuses, such as one that has expired meanwhile, is no fault of the run: its requests are made
    again until the engine takes them, or the process stops.
    """

    def __init__(self, transport: Transport, auth: str | None) -> None:
        super().__init__(transport, auth)
        self.settled = SettledRecords()

    async def task_acquire(self, id: str, version: int, pid: str, ttl: int) -> TaskAcquireResult:
        """Take a task."""
        taken = await super().task_acquire(id, version, pid, ttl)
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

    async def task_fulfill(self, id: str, version: int, action: PromiseSettleReq) -> PromiseRecord:
        """End a run."""
        self.settled.forget(id)
        return await super().task_fulfill(id, version, action)

    async def task_release(self, id: str, version: int) -> None:
        """Hand a run back."""
        self.settled.forget(id)
        await super().task_release(id, version)

    def _noted(self, run: str, result: TaskFenceResult) -> TaskFenceResult:
        self.settled.keep(run, result.promise)
        if here := current_run():
            here.note_call(result.promise)
        return result

    def _parse_task_fence(self, data: Any) -> TaskFenceResult:
        told = [promise for promise in data.get("preload", ()) if promise["id"].endswith(CANCEL)]
        return super()._parse_task_fence({**data, "preload": told})

    async def _send_envelope(
        self, kind: str, data: Any, *, allow_409: bool, routes_by: str | None = None
    ) -> tuple[int, Any]:
        """Send a request.

        Raises:
            ServerError: 409 for a task that another worker has, which is no fault: it was offered to several, or its
                lease ended while this process was held up.
        """
        while True:
            try:
                return await super()._send_envelope(kind, data, allow_409=allow_409, routes_by=routes_by)
            except ServerError as error:
                if error.code not in REFUSALS:
                    if kind.startswith("task."):
                        raise _with_promise(error, kind, routes_by) from error
                    raise
                refused = EngineRefused(error.code)
                logger.error("runs wait: %s", refused, extra={"promise": routes_by})
                if kind == "task.acquire":  # Which the engine offers again.
                    raise HandedBack(str(refused)) from None
            await asyncio.sleep(REFUSED_PAUSE)


def _with_promise(error: ServerError, kind: str, promise: str | None) -> ServerError:
    what = error.message
    if error.code == HTTPStatus.CONFLICT:
        what = TAKEN if kind == "task.acquire" else PASSED_ON
    return ServerError(error.code, f"{what}: {promise}")

"""What the SDK reports of work that it could not do: said with the promise, or left out where nothing is wrong."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from resonate.error import ResonateError, ServerError, StoppedError
from resonate.observability import BackgroundTaskFailed, Event, logging_observer
from resonate.send import Sender, TaskFenceResult

from ..errors import EngineRefused
from .offers import current_run

logger = logging.getLogger(__name__)

REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
"""What the engine answers where RESONATE_TOKEN is not good for a request."""

REFUSED_PAUSE = 2.0
"""Seconds after which a run's request is made again that was answered so."""

_TAKEN = "another worker has it, or it has ended"
_PASSED_ON = "its lease has passed on, so another worker goes on with it"
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
    began. To read them each time made a run of 1,000 steps read a million.

    A token that the engine refuses, such as one that has expired meanwhile, is no fault of the run: its requests are made
    again until the engine takes them, or the process stops.
    """

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
                    raise _with_promise(error, kind, routes_by) from error
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


def _with_promise(error: ServerError, kind: str, promise: str | None) -> ServerError:
    if not kind.startswith("task."):
        return error
    what = error.message
    if error.code == HTTPStatus.CONFLICT:
        what = _TAKEN if kind == "task.acquire" else _PASSED_ON
    return ServerError(error.code, f"{what}: {promise}")


def is_fault(record: logging.LogRecord) -> bool:
    """Whether what the SDK logs is more than a run that goes on elsewhere: a filter."""
    error = record.exc_info[1] if record.exc_info else None
    # PlatformError has several.
    return not all(_goes_on_elsewhere(cause) for cause in getattr(error, "causes", [error]))


def _goes_on_elsewhere(cause: BaseException | None) -> bool:
    is_conflict = isinstance(cause, ServerError) and cause.code == HTTPStatus.CONFLICT
    return is_conflict or isinstance(cause, HandedBack | StoppedError)


def observe(event: Event) -> None:
    """The SDK's observer: logs what it would, but for runs that go on elsewhere."""
    if not isinstance(event, BackgroundTaskFailed):
        logging_observer(event)
    elif any(text in event.cause for text in (_TAKEN, _HANDED_BACK, str(StoppedError()))):
        logger.debug("%s", event.cause)
    elif _PASSED_ON in event.cause:
        logger.info("%s", event.cause.partition(": ")[2])
    else:
        logger.error("work that the engine sent was not done here: %s", event.cause)

"""What the SDK reports of work that it could not do: said with the promise, or left out where nothing is wrong."""

import logging
from http import HTTPStatus

from resonate.error import ServerError
from resonate.observability import BackgroundTaskFailed, Event, logging_observer
from resonate.send import Sender, TaskAcquireResult

logger = logging.getLogger(__name__)

_TAKEN = "another worker has it, or it has ended:"


class TaskSender(Sender):
    """The SDK's requests; a task that cannot be taken is named in the error, which the SDK logs without."""

    async def task_acquire(self, id: str, version: int, pid: str, ttl: int) -> TaskAcquireResult:
        """Take a task.

        Raises:
            ServerError: 409 where another worker was quicker, which is no fault: a task is offered to several.
        """
        try:
            return await super().task_acquire(id, version, pid, ttl)
        except ServerError as error:
            what = _TAKEN if error.code == HTTPStatus.CONFLICT else f"{error.message}:"
            raise ServerError(error.code, f"{what} {id}") from error


def observe(event: Event) -> None:
    """The SDK's observer: logs what it would, but for tasks that others have taken."""
    if not isinstance(event, BackgroundTaskFailed):
        logging_observer(event)
    elif _TAKEN in event.cause:
        logger.debug("%s", event.cause)
    else:
        logger.error("work that the engine sent was not done here: %s", event.cause)

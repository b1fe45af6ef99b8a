"""What the SDK reports of work that it could not do: said with the promise, or left out where nothing is wrong."""

import logging
from http import HTTPStatus

from resonate.error import ResonateError, ServerError, StoppedError
from resonate.observability import BackgroundTaskFailed, Event, logging_observer

logger = logging.getLogger(__name__)

TAKEN = "another worker has it, or it has ended"
PASSED_ON = "its lease has passed on, so another worker goes on with it"
_HANDED_BACK = "handed back: "


class HandedBack(ResonateError):
    """A run ends here without an outcome: the engine offers it again, to any process of its group.

    No fault, and logged by whoever knows the reason.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(_HANDED_BACK + reason)


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
    elif any(text in event.cause for text in (TAKEN, _HANDED_BACK, str(StoppedError()))):
        logger.debug("%s", event.cause)
    elif PASSED_ON in event.cause:
        logger.info("%s", event.cause.partition(": ")[2])
    else:
        logger.error("work that the engine sent was not done here: %s", event.cause)

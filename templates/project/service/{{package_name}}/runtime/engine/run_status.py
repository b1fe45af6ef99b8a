"""How far a piece of work is, read from its promise."""

from enum import StrEnum

from resonate.types import PromiseRecord

from .client import error_of

CANCELED = "canceled"
"""The code of a failure which says that somebody canceled the work."""


class Status(StrEnum):
    """How far a piece of work is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"


_STATUS = {
    "pending": Status.RUNNING,
    "resolved": Status.SUCCEEDED,
    "rejected": Status.FAILED,
    "rejected_canceled": Status.CANCELED,
    "rejected_timedout": Status.TIMED_OUT,
}

STATES = {
    Status.RUNNING: ("pending",),
    Status.SUCCEEDED: ("resolved",),
    Status.FAILED: ("rejected",),
    # By the engine, or by the work itself, which noticed it and raised a failure.
    Status.CANCELED: ("rejected_canceled", "rejected"),
    Status.TIMED_OUT: ("rejected_timedout",),
}
"""In which states of its promise work of a status can be."""


def status_of(record: PromiseRecord) -> Status:
    """How far the work of a record is; a failure whose code is :data:`CANCELED` counts as canceled."""
    status = _STATUS[record.state]
    if status is Status.FAILED and error_of(record).code == CANCELED:
        return Status.CANCELED
    return status

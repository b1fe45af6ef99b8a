"""The time, and new uuids, for steps and database functions.

A workflow reads neither, since it runs again from the top whenever it wakes; a step does, and its result is recorded.
Ask here rather than `datetime` and `uuid`: the crash tests replace both, so that what runs again after a crash must
come to the same rows.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from resonate.context import Context


def _now(_: Context) -> datetime:
    return datetime.now(UTC)


def _uuid(_: Context) -> uuid.UUID:
    return uuid.uuid4()


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the time and uuids come from: a dependency of every durable function, which tests replace."""

    now: Callable[[Context], datetime] = _now
    new_uuid: Callable[[Context], uuid.UUID] = _uuid


def now(ctx: Context) -> datetime:
    """The time, in UTC. Call it in a step or a database function, never in a workflow."""
    return ctx.get_dependency(Clock).now(ctx)


def new_uuid(ctx: Context) -> uuid.UUID:
    """A new random uuid. Call it in a step or a database function, never in a workflow."""
    return ctx.get_dependency(Clock).new_uuid(ctx)

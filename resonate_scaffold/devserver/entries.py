"""What a journal's lines say, and how it happens to a state."""

from __future__ import annotations

import logging

import msgspec

from resonate_scaffold.devserver.protocol import Promise, Refused, Schedule, State, apply, parse, tick
from resonate_scaffold.devserver.protocol.families import Packed, ended_at

logger = logging.getLogger(__name__)

FORMAT = 2


class Header(msgspec.Struct, tag="journal", tag_field="entry"):
    """The first line; `now` is the engine's clock (ms) when the file was written."""

    format: int
    now: int


class PromiseEntry(msgspec.Struct, tag="promise", tag_field="entry"):
    """A promise with its task; `deadline` is the task's."""

    promise: Promise
    deadline: int | None


class FamilyEntry(msgspec.Struct, tag="family", tag_field="entry"):
    """A promise that rests, with all that descends from it, packed."""

    root: str
    packed: Packed


class ScheduleEntry(msgspec.Struct, tag="schedule", tag_field="entry"):
    schedule: Schedule


class RequestEntry(msgspec.Struct, tag="request", tag_field="entry"):
    now: int
    kind: str
    data: msgspec.Raw


class TickEntry(msgspec.Struct, tag="tick", tag_field="entry"):
    now: int


class ResumeEntry(msgspec.Struct, tag="resume", tag_field="entry"):
    """An engine has begun to go on from here: leases were given anew."""

    now: int


type Entry = Header | PromiseEntry | FamilyEntry | ScheduleEntry | RequestEntry | TickEntry | ResumeEntry

decode = msgspec.json.Decoder[Entry](
    Header | PromiseEntry | FamilyEntry | ScheduleEntry | RequestEntry | TickEntry | ResumeEntry
).decode
decode_header = msgspec.json.Decoder(Header).decode
encode = msgspec.json.Encoder().encode


def carry_out(state: State, now: int, kind: str, data: bytes | msgspec.Raw) -> None:
    """Apply a request again. What was refused, or failed, is and does so again."""
    try:
        apply(state, now, parse(kind, data))
    except Refused:
        pass
    except Exception:
        logger.exception("a request of kind %r failed", kind)


def entries_of(state: State, root: str) -> list[PromiseEntry] | list[FamilyEntry]:
    """The entries that put one family back."""
    packed = state.packed_copy(root)
    if packed is not None:
        return [FamilyEntry(root, packed)]
    return [PromiseEntry(promise, deadline) for promise, deadline in state.family(root)]


def has_ended(state: State, root: str, before: int) -> bool:
    """Whether all of a family ended before this time (ms)."""
    packed = state.packed.get(root)
    at = packed.ended_at if packed is not None else ended_at(state.family(root))
    return at is not None and at < before


class Damaged(Exception):
    """A line that cannot stand where it does."""


def replay(state: State, entry: Entry, *, is_first: bool = False) -> int | None:
    """Let what an entry says happen to `state`; the time that it tells, if it does."""
    if is_first != isinstance(entry, Header):
        raise Damaged("a journal begins with its header, and has only one")
    match entry:
        case Header(now=now):
            return now
        case PromiseEntry(promise, deadline):
            state.add(promise, deadline)
        case FamilyEntry(root, packed):
            state.add_packed(root, packed)
        case ScheduleEntry(schedule):
            state.add_schedule(schedule)
        case RequestEntry(now, kind, data):
            carry_out(state, now, kind, data)
            return now
        case TickEntry(now):
            tick(state, now)
            return now
        case ResumeEntry(now):
            state.rearm_leases(now)
            return now
    return None

"""Calls as the engine keeps them: those that a run has made, and those of a group that have succeeded.

A run numbers its calls from 1. Each has its number at the end of its id, but a detached one: that has a digest of what
its id would be.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from resonate.connections import LocalConnection
from resonate.context import _hash_id
from resonate.error import ServerError
from resonate.ids import join_id, origin_of
from resonate.types import PromiseRecord

from ..errors import OperatorError
from .call_names import group_of
from .client import EngineClient
from .postgres import ResilientPostgres

PAGE = 100
"""Records that are asked for at a time."""

PAGE_TIMEOUT = 60.0
"""Seconds that the engine has for a page: it may look through all that it keeps."""

_FIRST_CALLS, _MOST_CALLS = 4, 32  # That are asked for at a time.


async def succeeded_calls(client: EngineClient, group: str) -> AsyncIterator[PromiseRecord]:
    """Every call of a group that has succeeded and that the engine still keeps, in no order; ids are the engine's.

    Raises:
        OperatorError: this engine tells nobody, or not this process.
    """
    if isinstance(client.network, LocalConnection):
        for promise in list(client.network.state.promises.values()):
            if promise.value is None:
                continue  # It has not ended, or nobody has ended it.
            record = msgspec.convert(promise.to_record(), PromiseRecord)
            if _is_succeeded_call(client, group, record):
                yield client.resonate.promises.codec.decode_promise(record)
        return
    target = client.namespace.target(group)
    after: str | None = None
    while True:
        page, after = await _page(client, target, after)
        for record in page:
            yield record
        if after is None:
            return


async def calls_of(client: EngineClient, parent: str) -> AsyncIterator[PromiseRecord]:
    """The calls that a run, step or call has made itself, in their order, detached ones included.

    A few are asked for at a time, and more where there are more. The calls of a `fan_out` that is just making them may
    have gaps: these are passed over, but not at the end of what is asked for at a time.
    """

    async def find(number: int) -> PromiseRecord | None:
        promise = join_id(parent, str(number))
        return await client.find(promise) or await client.find(detached_id(client, promise))

    first, at_once = 1, _FIRST_CALLS
    while True:
        found = await asyncio.gather(*map(find, range(first, first + at_once)))
        for call in found:
            if call is not None:
                yield call
        if found[-1] is None:
            return
        first, at_once = first + at_once, min(at_once * 2, _MOST_CALLS)


def detached_id(client: EngineClient, promise: str) -> str:
    """The id of a call if it is detached; ``promise`` is the one that its number stands for otherwise."""
    # The SDK has no public function for it; the minor version is pinned for this line.
    return join_id(origin_of(promise), f"d{_hash_id(client.namespace.engine_id(promise))}")


def is_detached(call: PromiseRecord) -> bool:
    """Whether a call was left to itself by the run that made it."""
    return call.id.partition(":")[2].startswith("d")


async def calls_of_job(client: EngineClient, group: str, job: str) -> AsyncIterator[PromiseRecord]:
    """The calls of a group that one run of a job has made and that have succeeded, on every engine. ``job``: ``job/order-4711``."""
    root = await client.find(job)
    left = [] if root is None else [root]
    while left:
        record = left.pop()
        if _is_succeeded_call(client, group, record):
            yield msgspec.structs.replace(record, id=client.namespace.engine_id(record.id))
        left += [call async for call in calls_of(client, record.id)]


def _is_succeeded_call(client: EngineClient, group: str, record: PromiseRecord) -> bool:
    return record.state == "resolved" and group_of(record) == client.namespace.group(group)


async def _page(client: EngineClient, target: str, after: str | None) -> tuple[list[PromiseRecord], str | None]:
    try:
        async with asyncio.timeout(PAGE_TIMEOUT):
            if isinstance(client.network, ResilientPostgres):
                rows = await client.network.resolved_promises(target, after or "", PAGE)
                if rows is None:
                    raise OperatorError(
                        "this role may not read the engine's table resonate.promises",
                        "Grant SELECT on it, or name the jobs.",
                    )
                decode = client.resonate.promises.codec.decode_promise
                page = [decode(msgspec.json.decode(row, type=PromiseRecord)) for row in rows]
                return page, page[-1].id if len(page) == PAGE else None
            answered = await client.resonate.promises.search("resolved", {"resonate:target": target}, PAGE, after)
            return answered.promises, answered.cursor
    except ServerError as error:
        raise OperatorError(f"the engine does not list what it keeps: {error}", "Name the jobs.") from None
    except TimeoutError:
        raise OperatorError(f"the engine did not answer within {PAGE_TIMEOUT:.0f} s", "Name the jobs.") from None

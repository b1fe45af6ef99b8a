"""The calls of a group that have succeeded, as the engine keeps them: all of them, or those of some jobs."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from resonate.connections import LocalConnection
from resonate.error import ServerError
from resonate.types import PromiseRecord

from ..errors import OperatorError
from .client import EngineClient
from .postgres import ResilientPostgres

PAGE = 100
"""Records that are asked for at a time."""

PAGE_TIMEOUT = 60.0
"""Seconds that the engine has for a page: it may look through all that it keeps."""


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


async def calls_of_job(client: EngineClient, group: str, job: str) -> AsyncIterator[PromiseRecord]:
    """The calls of a group that one run of a job has made and that have succeeded, on every engine. ``job``: ``job/order-4711``."""
    left = [job]
    while left:
        promise = left.pop()
        record = await client.find(promise)
        if record is None:
            continue
        if _is_succeeded_call(client, group, record):
            yield msgspec.structs.replace(record, id=client.namespace.engine_id(record.id))
        # Calls are numbered from 1 without a gap.
        number, separator = 1, "." if ":" in promise else ":"
        while await client.find(f"{promise}{separator}{number}") is not None:
            left.append(f"{promise}{separator}{number}")
            number += 1


def _is_succeeded_call(client: EngineClient, group: str, record: PromiseRecord) -> bool:
    """Whether a record is of a call of this group. An engine in this process spells the address in its own way."""
    address = record.tags.get("resonate:target", "")
    return record.state == "resolved" and address.rpartition("@")[2] == client.namespace.group(group)


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

"""Remove what is old: the operations of `once`, and on resonate-pg what has ended.

An operation that is gone is done again by whoever runs its call again. So nothing is removed that a workflow may still
ask for: a job lives no longer than its deadline, and what is removed is older than the longest one (see
:func:`least_age`). Two others could ask: a job that `runs retry` started again, and `reconcile`. For them the table keeps
the moment before which operations may be gone: see :func:`~.once.may_be_pruned`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from resonate.context import Context
from sqlalchemy import delete, func, select, type_coerce
from sqlalchemy.exc import DBAPIError

from ..database import Database, Operation, database_url
from ..engine.client import EngineClient
from ..engine.namespace import Namespace
from ..engine.upkeep import remove_ended_of
from ..errors import EngineUnavailable, Failure, OperatorError
from ..outages import Lost
from ..settings import ServiceSettings
from .job_runs import first_began
from .once import PRUNED, may_be_pruned, note_pruned
from .rpc import Registration, Rpc, serve

logger = logging.getLogger(__name__)

BATCH = 5_000
"""Operations that are looked at in one transaction."""

MARGIN = timedelta(hours=1)
"""What is kept beyond the longest deadline: clocks differ, and a run may end a little after its deadline."""

NAME = "prune"
"""The schedule, and the durable function that it starts."""

_LOOKING = 2.0  # Seconds that are spent on what is only said beside.

type Tell = Callable[[str, int], None]
"""Told after each batch what is removed, and how many so far; of the engine's from a thread."""


class Prune(BaseModel):
    """What is older than this is removed."""

    older_than: timedelta


class Pruned(BaseModel):
    """What was removed, or would be.

    ``before`` is by the database's clock. ``promises`` is None where the engine removes nothing: ``engine`` says why, and
    ``has_failed`` whether it should have.
    """

    before: datetime
    operations: int
    promises: int | None = None
    engine: str | None = None
    has_failed: bool = False


def least_age(contracts: Iterable[Rpc[Any, Any]], job_timeout: timedelta) -> timedelta:
    """How old an operation is at least that no workflow asks for any more."""
    return max([job_timeout, *(it.timeout for it in contracts if it.timeout is not None)]) + MARGIN


def check_age(older_than: timedelta, least: timedelta) -> None:
    """See that nothing would be removed that a job which runs may still need.

    Raises:
        OperatorError: it would.
    """
    if older_than < least:
        raise OperatorError(
            f"what is {_shown(older_than)} old may still be needed: a job of this service may run for {_shown(least - MARGIN)}, "
            "and would do again what was removed",
            f"Give {_shown(least)} or more; or shorten JOB_TIMEOUT or the longest `timeout` of a contract.",
        )


async def prune(
    database: Database,
    settings: ServiceSettings,
    namespace: Namespace,
    older_than: timedelta,
    *,
    is_dry_run: bool = False,
    tell: Tell = lambda what, count: None,
) -> Pruned:
    """Remove what is older than that, in batches: one that is broken off is gone on with by the next.

    The engine's part comes first: an id whose operations are still there finds its writes done. What is wrong with the
    engine keeps the operations from nothing: it is said in the result.

    Raises:
        Lost: the database is away.
    """
    promises, engine, has_failed = None, _why_not(settings, namespace), False
    if engine is None and settings.resonate_url is not None:
        url = settings.resonate_url.get_secret_value()
        try:
            promises = await asyncio.to_thread(
                remove_ended_of, namespace.engine_id(""), url, older_than, is_dry_run=is_dry_run, tell=tell
            )
        except OperatorError as error:
            engine, has_failed = str(error), True
    async with database.read() as session:
        now = await session.scalar(select(type_coerce(func.now(), Operation.created_at.type)))
    assert now is not None
    before = now - older_than
    if not is_dry_run:
        async with database.write() as session:
            await note_pruned(session, before)
    operations = await _remove_operations(database, before, tell, is_dry_run=is_dry_run)
    return Pruned(before=before, operations=operations, promises=promises, engine=engine, has_failed=has_failed)


async def may_have_pruned(settings: ServiceSettings, client: EngineClient, run: str) -> bool:
    """Whether what earlier runs of a job wrote may have been removed; ``run`` is the id of any of them.

    False where that cannot be said at once: this process knows no database, or it does not answer.
    """
    if settings.database_url is None:
        return False
    url = settings.database_url.get_secret_value()
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        return False  # SQLite would make one.
    try:
        async with asyncio.timeout(_LOOKING), Database(url, settings) as database, database.read() as session:
            return await may_be_pruned(session, await first_began(client, run))
    except (TimeoutError, Lost, DBAPIError, EngineUnavailable):
        return False


def prune_contract(group: str) -> Rpc[Prune, Pruned]:
    """What the schedule calls: in one group of those that have a database."""
    return Rpc(name=f"runtime.{NAME}", group=group, request=Prune, result=Pruned, timeout=timedelta(hours=6))


def pruning(group: str, settings: ServiceSettings, least: timedelta) -> Registration[Prune, Pruned]:
    """The durable function that the schedule starts, as a group that has a database serves it."""

    @serve(prune_contract(group), retries=3)
    async def run(ctx: Context, request: Prune) -> Pruned:
        try:
            check_age(request.older_than, least)
        except OperatorError as error:
            raise Failure(error.problem, code="too-young-to-prune") from None
        done = await prune(ctx.get_dependency(Database), settings, ctx.get_dependency(Namespace), request.older_than)
        level = logging.WARNING if done.has_failed else logging.INFO
        logger.log(level, "pruned", extra=done.model_dump(mode="json"))
        return done

    return run


async def _remove_operations(database: Database, before: datetime, tell: Tell, *, is_dry_run: bool) -> int:
    """Walk through the table by its key, since it has no index by time: each write would pay for that."""
    removed, last = 0, ""
    while True:
        async with database.read() as session:
            beyond = select(Operation.id).where(Operation.id > last).order_by(Operation.id)
            upto = await session.scalar(beyond.offset(BATCH - 1).limit(1))
            old = [Operation.id > last, Operation.created_at < before, Operation.id != PRUNED]
            if upto is not None:
                old.append(Operation.id <= upto)
            count = await session.scalar(select(func.count()).select_from(Operation).where(*old)) or 0
        if count and not is_dry_run:
            async with database.write() as session:
                await session.execute(delete(Operation).where(*old), execution_options={"synchronize_session": False})
        removed += count
        tell("operations", removed)
        if upto is None:
            return removed
        last = upto


def _why_not(settings: ServiceSettings, namespace: Namespace) -> str | None:
    """Why the engine removes nothing here; None where it can."""
    if settings.resonate_url is None:
        return "RESONATE_URL is not set: what the engine keeps was not looked at"
    if not settings.resonate_url.get_secret_value().startswith("postgres"):
        return "it keeps what has ended: a Resonate server and the engine of `resonate-scaffold dev` remove nothing"
    if not namespace.name:
        return "NAMESPACE is empty: `engine remove-ended` removes what has ended, of every service on the engine"
    return None


def _shown(age: timedelta) -> str:
    hours = age / timedelta(hours=1)
    days, rest = divmod(hours, 24)
    if days >= 2:
        return f"{int(days)} d" + (f" {rest:g} h" if rest else "")
    return f"{hours:g} h" if hours >= 1 else f"{age.total_seconds():g} s"

"""Writes that happen once.

A durable function may run twice, also after its SQL has committed: a worker can die, or lose its lease, between the
commit and the answer. The engine fences the promise, not this database. So every write claims an operation id in the
transaction that does it, and a second run finds the claim and returns what the first recorded.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from pydantic import BaseModel
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

from ..database import Database, Operation
from ..errors import Failure, OperationConflict
from .fingerprints import fingerprint_of_operation, former_fingerprint
from .job_runs import WRITES_PRUNED, retried_work
from .json_values import validate

_UNDONE = "undone"
"""In the place of the request of an operation that was undone, or was not done and never will be."""

PRUNED = "db/pruned"
"""The row that keeps how far operations were removed. No operation has this id: those begin with db/op/."""

_CLOCKS_DIFFER = timedelta(minutes=5)  # Of the engine and the database, at most.


class OperationAsked(BaseException):
    """Raised by :func:`once` where it is only :func:`asking`. No function catches it by `except Exception`."""

    def __init__(self, operation_id: str, database: Database, is_recorded: bool) -> None:
        super().__init__(operation_id)
        self.operation_id = operation_id
        self._database = database
        self.is_recorded = is_recorded

    async def may_be_pruned(self, began: datetime | None) -> bool:
        """Whether it may have been recorded, and removed since, where its work began then. See :func:`may_be_pruned`."""
        async with self._database.read() as session:
            return await may_be_pruned(session, began)


@contextmanager
def asking() -> Iterator[None]:
    """Make :func:`once` raise :class:`OperationAsked` instead of doing anything, and allow no other write."""
    with Database.look_only():
        yield


_LOCK_NOT_AVAILABLE = "55P03"


async def once[R: BaseModel](
    database: Database,
    operation_id: str,
    request: BaseModel,
    result: type[R],
    effect: Callable[[AsyncSession], Awaitable[R]],
    *,
    match: Collection[str] | None = None,
) -> R:
    """Do ``effect`` once for ``operation_id``; its claim, its rows and its result are one transaction.

    A concurrent run waits for the first at the claim, however long that takes, and then reads what it recorded. What
    ``effect`` raises rolls all of it back.

    ``match`` names the fields of the request that must be as they were when the operation was done: those that say what
    is wanted. The others may differ, such as what a step has read from the world, since a job that runs again from its
    beginning (its engine was restored from a backup, or has forgotten it) reads it again. None: all fields but moments; none at all, `()`: the id
    alone says what is wanted. See :func:`~.fingerprints.fingerprint_of_operation`.

    Raises:
        OperationConflict: the id was used for another request, or the operation was undone.
        Failure: the job was started again, and what it wrote in an earlier run may have been pruned since (``writes-pruned``).
        ValueError: ``match`` names a field that the request does not have.
    """
    digest = fingerprint_of_operation(request, match)
    if database.looks_only():
        async with database.read() as session:
            recorded = await session.get(Operation, operation_id)
            raise OperationAsked(operation_id, database, recorded is not None)
    while True:
        async with database.write() as session:
            claimed = await _claim(session, operation_id, digest)
            if claimed is None:
                continue  # Without the connection meanwhile, which others may need.
            if claimed:
                await _check_not_pruned(session, operation_id)
                done = await effect(session)
                recording = update(Operation).where(Operation.id == operation_id)
                recording = recording.values(result=done.model_dump(mode="json"))
                await session.execute(recording, execution_options={"synchronize_session": False})
                return done
            recorded = await session.get_one(Operation, operation_id)
            if recorded.request == _UNDONE:
                raise OperationConflict(f"{operation_id} was undone, and is not done again")
            if recorded.request != digest and recorded.request not in _earlier_fingerprints(request):
                compared = "all but moments" if match is None else ", ".join(match)
                raise OperationConflict(
                    f"{operation_id} was done before with other arguments (compared are {compared}; see `match` of once)"
                )
            return validate(result, recorded.result)


async def undo_once[R: BaseModel](
    database: Database,
    operation_id: str,
    result: type[R],
    effect: Callable[[AsyncSession, R], Awaitable[None]],
) -> bool:
    """Undo what :func:`once` did under ``operation_id``, once, in one transaction; returns whether it was done at all.

    ``effect`` gets what the operation recorded, as ``result``. It is not called where the operation was not done: then
    it never will be, however late that comes; one that is under way just now is waited for.
    """
    if database.looks_only():
        async with database.read() as session:
            recorded = await session.get(Operation, operation_id)
            raise OperationAsked(operation_id, database, recorded is not None and recorded.request == _UNDONE)
    while True:
        async with database.write() as session:
            claimed = await _claim(session, operation_id, _UNDONE)
            if claimed is None:
                continue
            if claimed:
                return False
            mark = update(Operation).where(Operation.id == operation_id, Operation.request != _UNDONE)
            undoing = await session.scalar(
                mark.values(request=_UNDONE).returning(Operation.id), execution_options={"synchronize_session": False}
            )
            done = (await session.get_one(Operation, operation_id)).result
            if undoing is not None:
                await effect(session, validate(result, done))
            return done is not None


async def note_pruned(session: AsyncSession, before: datetime) -> None:
    """Keep that operations older than ``before`` are being removed, by the database's clock. The latest moment holds."""
    known = await _pruned_before(session)
    if known is None:
        await session.execute(_insert(session, id=PRUNED, request="", result=before.isoformat()))
    elif known < before:
        await session.execute(
            update(Operation).where(Operation.id == PRUNED).values(result=before.isoformat()),
            execution_options={"synchronize_session": False},
        )


async def may_be_pruned(session: AsyncSession, began: datetime | None) -> bool:
    """Whether operations of work that began at a moment, by the engine's clock, may be removed; None: nobody knows when."""
    before = await _pruned_before(session)
    return before is not None and (began is None or began < before + _CLOCKS_DIFFER)


async def _pruned_before(session: AsyncSession) -> datetime | None:
    kept = await session.scalar(select(Operation.result).where(Operation.id == PRUNED))
    return None if kept is None else datetime.fromisoformat(kept)


async def _check_not_pruned(session: AsyncSession, operation_id: str) -> None:
    began = retried_work()
    if began is not None and await _pruned_before(session) and await may_be_pruned(session, await began()):
        raise Failure(
            f"{operation_id} may have been done by an earlier run of this job, and pruned since: start new work instead",
            code=WRITES_PRUNED,
            status=409,
        )


def _earlier_fingerprints(request: BaseModel) -> tuple[str, ...]:
    """What a release before may have recorded for the same request: one without this ``match``, or of version 0.1.0."""
    return fingerprint_of_operation(request), former_fingerprint(request)


async def _claim(session: AsyncSession, operation_id: str, digest: str) -> bool | None:
    """Whether the operation is this run's to do; None when another run is still at it after DATABASE_LOCK_TIMEOUT."""
    try:
        return await session.scalar(_insert(session, id=operation_id, request=digest)) is not None
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        await session.rollback()
        return None


def _insert(session: AsyncSession, **values: str) -> ReturningInsert[tuple[str]]:
    """Insert an operation that is not there; returns its id if it was not."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return insert(Operation).values(**values).on_conflict_do_nothing().returning(Operation.id)

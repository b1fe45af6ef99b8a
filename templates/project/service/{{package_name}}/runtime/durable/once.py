"""Writes that happen once.

A durable function may run twice, also after its SQL has committed: a worker can die, or lose its lease, between the
commit and the answer. The engine fences the promise, not this database. So every write claims an operation id in the
transaction that does it, and a second run finds the claim and returns what the first recorded.
"""

from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from ..database import Database, Operation
from ..errors import OperationConflict
from .fingerprints import fingerprint
from .json_values import validate


_LOCK_NOT_AVAILABLE = "55P03"


async def once[R: BaseModel](
    database: Database,
    operation_id: str,
    request: BaseModel,
    result: type[R],
    effect: Callable[[AsyncSession], Awaitable[R]],
) -> R:
    """Do ``effect`` once for ``operation_id``; its claim, its rows and its result are one transaction.

    A concurrent run waits for the first at the claim, however long that takes, and then reads what it recorded. What
    ``effect`` raises rolls all of it back.

    Raises:
        OperationConflict: the id was used for another request.
    """
    digest = fingerprint(request, as_sent=True)
    while True:
        async with database.write() as session:
            claimed = await _claim(session, operation_id, digest)
            if claimed is None:
                continue  # Without the connection meanwhile, which others may need.
            if claimed:
                done = await effect(session)
                operation = await session.get_one(Operation, operation_id)
                operation.result = done.model_dump(mode="json")
                return done
            recorded = await session.get_one(Operation, operation_id)
            if recorded.request != digest:
                raise OperationConflict(f"{operation_id} was done before with other arguments")
            return validate(result, recorded.result)


async def _claim(session: AsyncSession, operation_id: str, digest: str) -> bool | None:
    """Whether the operation is this run's to do; None when another run is still at it after DATABASE_LOCK_TIMEOUT."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = insert(Operation).values(id=operation_id, request=digest)
    try:
        return await session.scalar(values.on_conflict_do_nothing().returning(Operation.id)) is not None
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        await session.rollback()
        return None

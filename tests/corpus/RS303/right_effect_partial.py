# file: parking/operations.py
from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


async def once[R: BaseModel](
    engine: AsyncEngine, operation_id: str, result: type[R], effect: Callable[[AsyncSession], Awaitable[R]]
) -> R:
    async with AsyncSession(engine) as session, session.begin():
        found = await session.scalar(text("SELECT result FROM operations WHERE id = :id"), {"id": operation_id})
        if found is not None:
            return result.model_validate_json(found)
        done = await effect(session)
        claim = text("INSERT INTO operations VALUES (:id, :result)")
        await session.execute(claim, {"id": operation_id, "result": done.model_dump_json()})
        return done

# file: parking/db.py
"""Effects at module level, bound with partial or a lambda; one calls a helper that writes."""

from functools import partial

from pydantic import BaseModel
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from parking.operations import once as exactly_once


class Ticket(BaseModel):
    plate: str
    cents: int


async def _log(session: AsyncSession, what: str) -> None:
    await session.execute(text("INSERT INTO log VALUES (:what)"), {"what": what})


async def _sell(plate: str, cents: int, session: AsyncSession) -> Ticket:
    await session.execute(text("INSERT INTO tickets VALUES (:plate, :cents)"), {"plate": plate, "cents": cents})
    await _log(session, f"sold {plate}")
    return Ticket(plate=plate, cents=cents)


async def _void(session: AsyncSession, plate: str) -> Ticket:
    await session.execute(text("DELETE FROM tickets WHERE plate = :plate"), {"plate": plate})
    return Ticket(plate=plate, cents=0)


async def sell(ctx: Context, sale: str, plate: str, cents: int) -> Ticket:
    engine = ctx.get_dependency(AsyncEngine)
    return await exactly_once(engine, f"db/op/sell/{sale}", Ticket, partial(_sell, plate, cents))


async def void(ctx: Context, sale: str, plate: str) -> Ticket:
    engine = ctx.get_dependency(AsyncEngine)
    return await exactly_once(engine, f"db/op/void/{sale}", Ticket, effect=lambda session: _void(session, plate))


def worker(url: str) -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)
    resonate = Resonate(url=url, group="db", retry_policy=policy, autostart=False)
    resonate.register(sell, name="db.sell")
    resonate.register(void, name="db.void")
    return resonate

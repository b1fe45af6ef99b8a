# file: bank/operations.py
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


class Database:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._engine) as session, session.begin():
            yield session


async def once[R: BaseModel](
    database: Database, operation_id: str, result: type[R], effect: Callable[[AsyncSession], Awaitable[R]]
) -> R:
    async with database.write() as session:
        row = await session.scalar(text("SELECT result FROM operations WHERE id = :id"), {"id": operation_id})
        if row is not None:
            return result.model_validate_json(row)
        done = await effect(session)
        await session.execute(
            text("INSERT INTO operations VALUES (:id, :result)"), {"id": operation_id, "result": done.model_dump_json()}
        )
        return done

# file: bank/functions.py
from pydantic import BaseModel
from resonate.context import Context
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from .operations import Database, once


class Deposit(BaseModel):
    transfer: str
    account: str
    cents: int


class Balance(BaseModel):
    cents: int


ADD = text("UPDATE accounts SET cents = cents + :cents WHERE id = :id RETURNING cents")


async def deposit(ctx: Context, request: Deposit) -> Balance:
    async def effect(session: AsyncSession) -> Balance:
        return Balance(cents=await session.scalar(ADD, {"cents": request.cents, "id": request.account}))

    return await once(ctx.get_dependency(Database), f"db/op/deposit/{request.transfer}", Balance, effect)

# file: bank/worker.py
import asyncio

from resonate.resonate import Resonate
from resonate.retry import Exponential
from sqlalchemy.ext.asyncio import create_async_engine

from .functions import deposit
from .operations import Database

GROUP = "db"


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)
    resonate = Resonate(url="http://localhost:8001", group=GROUP, retry_policy=policy)
    resonate.with_dependency(Database(create_async_engine("postgresql+psycopg://bank")))
    resonate.register(deposit, name="db.deposit")
    await asyncio.Event().wait()


asyncio.run(main())

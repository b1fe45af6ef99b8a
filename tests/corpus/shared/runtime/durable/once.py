from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from ..database import Database, Operation


async def once[R: BaseModel](
    database: Database,
    operation_id: str,
    request: BaseModel,
    result: type[R],
    effect: Callable[[AsyncSession], Awaitable[R]],
) -> R:
    async with database.write() as session:
        done = await session.get(Operation, operation_id)
        if done is not None:
            return result.model_validate_json(done.result)
        answer = await effect(session)
        session.add(Operation(id=operation_id, result=answer.model_dump_json()))
        return answer

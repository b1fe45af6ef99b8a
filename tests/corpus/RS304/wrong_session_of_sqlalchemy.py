"""A route and a step with the session that is not async."""

from fastapi import Depends, FastAPI, Request
from resonate.context import Context
from resonate.resonate import Resonate
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

engine = create_engine("postgresql+psycopg://farm")
Sessions = sessionmaker(engine)
app = FastAPI()


def session() -> Session:
    return Sessions()


@app.get("/fields/{field}")
async def field(field: int, request: Request, db: Session = Depends(session)) -> str:
    return db.scalar(text("SELECT name FROM fields WHERE id = :id"), {"id": field})  # want: RS304


async def water(ctx: Context, field: int) -> int:
    with Sessions() as db:
        db.execute(text("UPDATE fields SET wet = true WHERE id = :id"), {"id": field})  # want: RS304
        db.commit()
    return field


async def evening(ctx: Context, fields: list[int]) -> int:
    return sum([await ctx.run(water, it) for it in fields])


def register(resonate: Resonate) -> None:
    resonate.register(evening)

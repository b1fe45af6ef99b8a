import os
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from pydantic import BaseModel
from resonate.resonate import Resonate
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.db = create_async_engine(os.environ["DATABASE_URL"])
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="newsletter-api")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


class Preference(BaseModel):
    weekly: bool


@app.put("/readers/{reader}/preference", status_code=204)
async def set_preference(reader: int, preference: Preference) -> None:
    # One statement and no durable work beside it: there is nothing to fall apart.
    async with app.state.db.begin() as connection:
        await connection.execute(
            text("UPDATE readers SET weekly = :weekly WHERE id = :id"), {"weekly": preference.weekly, "id": reader}
        )


@app.post("/issues/{issue}/dispatch", status_code=202)
async def dispatch(issue: int) -> dict[str, str]:
    mailer = app.state.resonate.options(target="mailer", timeout=timedelta(hours=12))
    handle = mailer.rpc(f"issue/{issue}", "send_issue", issue)
    return {"id": await handle.id()}

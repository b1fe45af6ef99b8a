import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI, Request
from pydantic import BaseModel
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


class Trip(BaseModel):
    start: str
    end: str


def price(ctx: Context, start: str, end: str) -> int:
    return len(start) + len(end)


async def ride(ctx: Context, start: str, end: str, passengers: int) -> int:
    cents = await ctx.run(price, start, end)
    return cents * passengers


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="rides", retry_policy=policy)
    resonate.register(ride)
    await resonate.schedule("rides-warm", "*/5 * * * *", "ride", ("a", "b"))  # want: RS108
    app.state.resonate = resonate
    yield
    await asyncio.wait_for(resonate.stop(), timeout=10)


app = FastAPI(lifespan=lifespan)


@app.put("/rides/{number}", status_code=202)
async def submit(number: int, trip: Trip, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    patient = resonate.options(timeout=timedelta(hours=1))
    handle = patient.run(f"ride/{number}", ride, trip.start, trip.end)  # want: RS108
    return {"id": await handle.id()}

"""What a child that timed out raises, alone, in a tuple with others, and as any exception."""

from datetime import timedelta

from resonate.context import Context
from resonate.error import ApplicationError, ResonateError
from resonate.resonate import Resonate

TIMED_OUT = "unknown error: null"


async def forecast(ctx: Context, town: str) -> str:
    call = ctx.options(target="weather", timeout=timedelta(seconds=20))
    try:
        return await call.rpc("weather.forecast", town)
    except ApplicationError as error:
        if str(error) != TIMED_OUT:
            raise
    try:
        return await call.rpc("weather.yesterday", town)
    except (TimeoutError, ApplicationError):
        pass
    try:
        return await ctx.promise(timeout=timedelta(minutes=5))
    except ResonateError:
        pass
    try:
        return await call.rpc("weather.average", town)
    except Exception:
        return "unknown"


def register(resonate: Resonate) -> None:
    resonate.register(forecast)

"""A step that means to answer with the error. What is an exception is recorded as a rejection, and raised."""

import httpx
from resonate.context import Context
from resonate.resonate import Resonate


async def probe(ctx: Context, host: str) -> int | Exception:
    try:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"https://{host}/healthz")).status_code
    except httpx.HTTPError as error:
        return error  # want: RS306


async def survey(ctx: Context, hosts: list[str]) -> list[str]:
    calls = [(host, ctx.run(probe, host)) for host in hosts]
    return [host for host, call in calls if isinstance(await call, Exception)]


def register(resonate: Resonate) -> None:
    resonate.register(survey)

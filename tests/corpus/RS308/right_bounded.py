"""Each way to say how long: by keyword, by position, from a constant, a setting or a conditional."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

BRIEFLY = timedelta(seconds=30)


@dataclass
class Settings:
    patience: timedelta


async def repair(ctx: Context, bike: str, urgent: bool) -> str:
    patience = ctx.get_dependency(Settings).patience
    quote = await ctx.options(target="workshop", timeout=BRIEFLY).rpc("workshop.quote", bike)
    accepted = ctx.promise(patience)
    callback = ctx.promise(timeout=BRIEFLY if urgent else patience)
    call = ctx.options(timeout=patience, target="phone")
    await call.rpc("phone.ring", quote, await accepted.id(), await callback.id())
    return f"{await accepted} {await callback}"


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="bikes", retry_policy=policy)
    resonate.with_dependency(Settings(patience=timedelta(days=2)))
    resonate.register(repair)
    await asyncio.Event().wait()


asyncio.run(main())

"""A promise without a timeout in a function of its own: it ends with the call that waits for it, which has one."""

from datetime import timedelta
from typing import Any

from resonate.context import Context
from resonate.error import ApplicationError
from resonate.resonate import Resonate

HOLD = "gate.hold"


async def hold(ctx: Context) -> Any:
    return await ctx.promise()


async def tell(ctx: Context, patient: str, held: str) -> None:
    print(patient, held)


async def appointment(ctx: Context, patient: str) -> str:
    call = ctx.options(timeout=timedelta(hours=12)).rpc(HOLD)
    await ctx.run(tell, patient, await call.id())
    try:
        answer = await call
    except ApplicationError:
        return "no answer"
    return str(answer["slot"])


def register(resonate: Resonate) -> None:
    resonate.register(hold, name=HOLD)
    resonate.register(appointment)

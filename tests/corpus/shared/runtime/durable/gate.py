from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context

from ..engine.client import EngineClient

HOLD = "gate.hold"


async def hold(ctx: Context) -> Any:
    return await ctx.promise()


@dataclass(frozen=True, slots=True)
class Gate[P: BaseModel]:
    name: str
    payload: type[P]

    async def wait(self, ctx: Context, key: str, timeout: timedelta) -> P:
        held = ctx.options(timeout=timeout).rpc(HOLD)
        return self.payload.model_validate(await held)

    async def deliver(self, client: EngineClient, key: str, answer: P) -> P:
        record = await client.resolve(f"{self.name}/{key}", answer.model_dump(mode="json"))
        return self.payload.model_validate(record.value.data)

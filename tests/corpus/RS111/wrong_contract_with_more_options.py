# file: sauna/__init__.py
# file: sauna/rpc.py
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture


@dataclass(frozen=True, slots=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)
    version: int = 1

    def __call__(self, ctx: Context, request: Q) -> ResonateFuture[Any]:
        options = ctx.options(target=self.group, version=self.version).options(timeout=self.timeout)  # want: RS111
        return options.rpc(self.name, request.model_dump(mode="json"))
# file: sauna/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Heat(BaseModel):
    degrees: int


class Warm(BaseModel):
    minutes: int


heat = Rpc(name="stove.heat", group="stove", request=Heat, result=Warm)
# file: sauna/evening.py
from datetime import timedelta

from resonate.context import Context

from .contracts import Heat, Warm, heat


async def evening(ctx: Context, guests: int) -> int:
    warm = Warm.model_validate(await heat(ctx, Heat(degrees=70 + guests)))
    await ctx.sleep(timedelta(minutes=warm.minutes))
    return warm.minutes

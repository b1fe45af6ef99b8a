# file: cinema/rpc.py
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture
from resonate.error import ApplicationError


class Failure(Exception):
    pass


class DurableCall[R: BaseModel]:
    def __init__(self, rpc: "Rpc[Any, R]", future: ResonateFuture[Any]) -> None:
        self._rpc = rpc
        self._future = future

    def __await__(self) -> Generator[Any, None, R]:
        try:
            value = yield from self._future.__await__()
        except ApplicationError as error:
            raise Failure(f"{self._rpc.name} failed: {error}") from None
        return self._rpc.result.model_validate(value)


@dataclass(frozen=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        options = ctx.options(target=self.group, timeout=self.timeout)
        return DurableCall(self, options.rpc(self.name, request.model_dump(mode="json")))

# file: cinema/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from cinema.rpc import Rpc


class Hold(BaseModel):
    seat: str


class Held(BaseModel):
    until: str


hold_seat = Rpc(name="seats.hold", group="seats", request=Hold, result=Held, timeout=timedelta(seconds=30))

# file: cinema/sell.py
from resonate.context import Context

from cinema.contracts import Hold, hold_seat


async def sell(ctx: Context, seats: list[str]) -> str:
    for seat in seats:
        try:
            held = await hold_seat(ctx, Hold(seat=seat))
        except TimeoutError:  # want: RS309
            continue
        return held.until
    return "sold out"

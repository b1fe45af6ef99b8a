# file: shop/rpc.py
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture


class DurableCall[R: BaseModel]:
    def __init__(self, future: ResonateFuture[Any], result: type[R]) -> None:
        self._future, self._result = future, result

    def __await__(self) -> Generator[Any, None, R]:
        return self._result.model_validate((yield from self._future.__await__()))


@dataclass(frozen=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        options = ctx.options(target=self.group, timeout=self.timeout)
        return DurableCall(options.rpc(self.name, request.model_dump(mode="json")), self.result)


@dataclass(frozen=True)
class Served:
    contract: Rpc[Any, Any]
    function: Callable[..., Awaitable[Any]]


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], function: Callable[[Context, Q], Awaitable[R]]
) -> Served:
    return Served(contract, function)
# file: shop/__init__.py
# file: shop/contracts.py
from pydantic import AwareDatetime, BaseModel

from .rpc import Rpc


class Pack(BaseModel):
    order_id: str
    asked_at: AwareDatetime


class Packed(BaseModel):
    order_id: str
    packed_at: AwareDatetime


pack = Rpc(name="pack", group="workers", request=Pack, result=Packed)
# file: shop/packing.py
from datetime import UTC, datetime, timedelta

from resonate.context import Context

from .contracts import Pack, Packed


async def pack_order(ctx: Context, request: Pack) -> Packed:
    await ctx.sleep(timedelta(minutes=5))
    return await ctx.run(close_box, request.order_id)


async def close_box(ctx: Context, order_id: str) -> Packed:
    return Packed(order_id=order_id, packed_at=datetime.now(UTC))
# file: shop/worker.py
from . import contracts
from .packing import pack_order
from .rpc import Served, serve

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.pack, pack_order)]
# file: shop/api.py
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request

from .contracts import Pack, pack

router = APIRouter()


@router.post("/orders/{order_id}/pack", status_code=202)
async def submit(order_id: str, request: Request) -> dict[str, str]:
    client = request.app.state.resonate
    asked = Pack(order_id=order_id, asked_at=datetime.now(UTC))
    start = client.options(target=pack.group, timeout=timedelta(hours=1))
    handle = start.rpc(f"pack/{order_id}", pack.name, asked.model_dump(mode="json"))
    return {"id": await handle.id()}

# file: shop/rpc.py (shared)
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

# file: shop/runtime/durable/rpc.py (shared)
# file: shop/runtime/durable/saga.py (shared)
# file: shop/workflows/visit.py
from resonate.context import Context

from ..runtime.durable.saga import saga


async def lock(ctx: Context, door: str) -> None: ...


async def unlock(ctx: Context, door: str) -> None: ...


async def visit(ctx: Context, door: str) -> None:
    async with saga(ctx) as s:
        await s.do(
            ctx.run(lock, door),
            undo=ctx.run(unlock, door),  # want: RS320
        )

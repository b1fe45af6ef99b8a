# file: reels/cutting.py
from datetime import timedelta

from resonate.context import Context


def cut(ctx: Context, reel: str, scenes: list[int]) -> str:
    return f"{reel}/{len(scenes)}"


async def premiere(ctx: Context, reel: str, scenes: list[int]) -> str:
    await ctx.sleep(timedelta(minutes=1))
    return await ctx.run(cut, reel, scenes)

# file: reels/worker.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Constant

from reels.cutting import cut


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="cutters", retry_policy=Constant(delay=4, max_retries=9))
    client.register(cut)
    await asyncio.Event().wait()

# file: reels/web.py
import os
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from resonate.resonate import Resonate

from reels import cutting

app = FastAPI()


class Order(BaseModel):
    reel: str
    scenes: list[int]


async def cutters() -> Resonate:
    if not hasattr(app.state, "resonate"):
        app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="web")
    client: Resonate = app.state.resonate
    return client


@app.put("/premieres/{number}", status_code=202)
async def order(number: int, body: Order, client: Annotated[Resonate, Depends(cutters)]) -> dict[str, str]:
    to = client.options(target="cutters", timeout=timedelta(hours=6))
    handle = to.rpc(f"premiere/{number}", cutting.premiere, body.reel, body.scenes)  # want: RS106
    return {"id": await handle.id()}

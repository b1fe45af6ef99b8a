# file: mail/__init__.py
# file: mail/rpc.py (shared)
# file: mail/engine.py
import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

from .rpc import Served

HOLD = "gate.hold"


async def hold(ctx: Context) -> Any:
    return await ctx.promise(timeout=timedelta(days=7))


async def run_worker(url: str, group: str, served: Sequence[Served]) -> None:
    policy = Exponential(delay=1, factor=2, max_delay=10, max_retries=3)
    resonate = Resonate(url=url, group=group, retry_policy=policy, autostart=False)
    resonate.register(hold, name=HOLD)
    for entry in served:
        resonate.register(entry.function, name=entry.contract.name, version=entry.contract.version)
    resonate.start()
    await asyncio.Event().wait()
# file: mail/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Letter(BaseModel):
    to: str


class Sent(BaseModel):
    number: int


send = Rpc(name="post.send", group="post", request=Letter, result=Sent)
campaign = Rpc(name="campaign", group="workers", request=Letter, result=Sent)
# file: mail/post/__init__.py
# file: mail/post/worker.py
from resonate.context import Context

from .. import contracts
from ..engine import run_worker
from ..rpc import serve

GROUP = "post"


async def post_letter(ctx: Context, letter: contracts.Letter) -> contracts.Sent:
    return contracts.Sent(number=len(letter.to))


SERVED = [serve(contracts.send, post_letter, retries=6)]


async def run(url: str) -> None:
    await run_worker(url, GROUP, SERVED)
# file: mail/workflows/__init__.py
# file: mail/workflows/worker.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import Letter, Sent, campaign, send
from ..engine import HOLD, run_worker
from ..rpc import serve

GROUP = "workers"


async def run_campaign(ctx: Context, letter: Letter) -> Sent:
    await ctx.options(timeout=timedelta(days=1)).rpc(HOLD)
    await ctx.options(target="post", timeout=timedelta(minutes=5)).rpc("post.send", letter.model_dump(mode="json"))
    return await send(ctx, letter)


SERVED = [serve(campaign, run_campaign)]


async def run(url: str) -> None:
    await run_worker(url, GROUP, SERVED)

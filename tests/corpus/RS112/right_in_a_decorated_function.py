# file: coins/runtime/durable/rpc.py (shared)
# file: coins/runtime/engine/client.py (shared)
# file: coins/contracts/db/find_coin.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class FindCoin(BaseModel):
    year: int


class Coin(BaseModel):
    title: str


find_coin = Rpc(name="db.find_coin", group="db", request=FindCoin, result=Coin)
# file: coins/catalogue.py
from dataclasses import dataclass


@dataclass
class Catalogue:
    title: str


@dataclass
class PrintedCatalogue(Catalogue):
    edition: int = 1
# file: coins/db/find_coin.py
from resonate.context import Context

from ..catalogue import PrintedCatalogue
from ..contracts.db import find_coin as contract
from ..contracts.db.find_coin import Coin, FindCoin
from ..runtime.durable.rpc import serve


@serve(contract.find_coin, retries=6)
async def find_coin(ctx: Context, request: FindCoin) -> Coin:
    catalogue = ctx.get_dependency(PrintedCatalogue)
    return Coin(title=f"{catalogue.title} {request.year}")
# file: coins/db/worker.py
import asyncio

from resonate.resonate import Resonate
from resonate.retry import Exponential

from ..catalogue import PrintedCatalogue
from ..runtime.durable.rpc import Registration
from .find_coin import find_coin

GROUP = "db"

SERVED: list[Registration] = [find_coin]


async def run(url: str) -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)
    client = Resonate(url=url, group=GROUP, retry_policy=policy, autostart=False)
    client.with_dependency(PrintedCatalogue("Coins", edition=7))
    for entry in SERVED:
        client.register(entry.run, name=entry.contract.name, version=entry.contract.version)
    client.start()
    await asyncio.Event().wait()

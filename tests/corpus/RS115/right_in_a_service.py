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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass
class Catalogue:
    title: str


class OpenAppraiser:
    @asynccontextmanager
    async def __call__(self, settings: object) -> AsyncIterator["Appraiser"]:
        yield Appraiser("Ada")


@dataclass
class Appraiser:
    name: str


@asynccontextmanager
async def open_catalogue(settings: object) -> AsyncIterator[Catalogue]:
    catalogue = Catalogue("Coins")
    yield catalogue
# file: coins/db/find_coin.py
from resonate.context import Context

from ..catalogue import Appraiser, Catalogue
from ..contracts.db import find_coin as contract
from ..contracts.db.find_coin import Coin, FindCoin
from ..runtime.durable.rpc import serve


@serve(contract.find_coin, retries=6)
async def find_coin(ctx: Context, request: FindCoin) -> Coin:
    catalogue, appraiser = ctx.get_dependency(Catalogue), ctx.get_dependency(Appraiser)
    return Coin(title=f"{catalogue.title} {request.year} {appraiser.name}")
# file: coins/db/worker.py
from ..catalogue import OpenAppraiser, open_catalogue
from ..runtime.durable.rpc import Registration
from .find_coin import find_coin

GROUP = "db"

SERVED: list[Registration] = [find_coin]

DEPENDENCIES = [open_catalogue, OpenAppraiser()]

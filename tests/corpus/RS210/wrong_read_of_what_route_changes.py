# file: shipping/prices.py
PRICES: dict[str, int] = {"letter": 85, "parcel": 549}


def change(kind: str, cents: int) -> None:
    PRICES[kind] = cents
# file: shipping/flow.py
from resonate.context import Context

from shipping.prices import PRICES


async def charge(ctx: Context, account: str, cents: int) -> bool:
    return cents > 0 and bool(account)


async def ship(ctx: Context, account: str, kind: str, count: int) -> bool:
    cents = PRICES[kind] * count  # want: RS210
    return await ctx.run(charge, account, cents)
# file: shipping/app.py
from fastapi import FastAPI
from resonate.resonate import Resonate

from shipping import prices
from shipping.flow import ship


def create_app(client: Resonate) -> FastAPI:
    client.register(ship)
    app = FastAPI()

    @app.put("/prices/{kind}")
    async def set_price(kind: str, cents: int) -> dict[str, int]:
        prices.change(kind, cents)
        return {kind: cents}

    return app

from dataclasses import dataclass

from pydantic import BaseModel
from resonate.context import Context


@dataclass
class Order:
    number: int
    state: str = "new"


class Parcel(BaseModel):
    label: str | None = None


async def pay(ctx: Context, order: Order) -> None:
    order.state = "paid"


async def stick(ctx: Context, parcel: Parcel, label: str) -> None:
    parcel.label = label


async def ship(ctx: Context, order: Order) -> Parcel:
    await ctx.run(pay, order)  # want: RS213
    if order.state != "paid":
        raise ValueError(order.number)
    parcel = Parcel()
    await ctx.run(stick, parcel, f"order {order.number}")  # want: RS213
    return parcel

"""The ids are made where nobody sees them: by the defaults of a model and of a dataclass."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from pydantic import BaseModel, Field
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


class Label(BaseModel):
    parcel: UUID = Field(default_factory=uuid4)
    address: str


@dataclass
class Pickup:
    address: str
    number: str = field(default_factory=lambda: uuid4().hex)


async def print_label(ctx: Context, label: Label) -> str:
    return str(label.parcel)


async def fetch(ctx: Context, pickup: Pickup) -> str:
    return pickup.number


async def send_parcel(ctx: Context, address: str, sender: str, known: UUID) -> list[str]:
    label = await ctx.run(print_label, Label(address=address))  # want: RS203
    again = await ctx.run(print_label, Label(address=address, parcel=known))
    pickup = Pickup(sender)  # want: RS203
    return [label, again, await ctx.run(fetch, pickup), await ctx.run(fetch, Pickup(sender, "7"))]


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="parcels", retry_policy=Constant(delay=1, max_retries=4))
    client.register(send_parcel)
    return client

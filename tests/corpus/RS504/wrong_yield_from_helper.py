# file: onboarding/shared.py
from resonate.context import Context


async def create(ctx: Context, kind: str, name: str) -> str:
    return f"{kind}/{name}"


def equip(ctx: Context, name: str):
    laptop = yield ctx.run(create, "laptop", name)  # want: RS504
    phone = yield ctx.run(create, "phone", name)
    return [laptop, phone]
# file: onboarding/flows.py
from resonate.context import Context
from resonate.resonate import Resonate

from onboarding.shared import create, equip


def employee(ctx: Context, name: str):
    things = yield from equip(ctx, name)  # want: RS504
    desk = yield ctx.run(create, "desk", name)
    return [*things, desk]


def install(client: Resonate) -> None:
    client.register(employee)

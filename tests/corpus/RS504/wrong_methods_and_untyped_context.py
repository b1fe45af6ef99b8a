"""Nothing is annotated here; that `heat` and `sauna` are durable shows where they are registered."""

from resonate.resonate import Resonate
from resonate.retry import Never


class Stove:
    def __init__(self, wood):
        self.wood = wood

    def burn(self, ctx, logs):
        return logs * self.wood

    def heat(self, ctx, degrees):
        reached = 0
        while reached < degrees:
            reached += yield ctx.run(self.burn, 2)  # want: RS504
        return reached


def sauna(ctx, guests):
    degrees = yield ctx.rpc("stove.heat", 90)  # want: RS504
    yield ctx.detached("stove.heat", 20)
    return f"{guests} guests at {degrees}"


async def build():
    client = Resonate(url="http://localhost:8001", group="sauna", retry_policy=Never())
    client.register(Stove(wood=3).heat, name="stove.heat")
    client.register(sauna)
    return client

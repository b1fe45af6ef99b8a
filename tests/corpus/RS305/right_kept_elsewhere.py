"""Futures in attributes, sets, dictionaries, lists of the caller, and in a variable of the function around."""

from resonate.context import Context, ResonateFuture
from resonate.resonate import Resonate


async def bake(ctx: Context, loaf: int) -> int:
    return loaf


class Oven:
    def __init__(self, resonate: Resonate) -> None:
        resonate.register(self.shift, name="oven.shift")

    async def fill(self, ctx: Context, oven: list[ResonateFuture[int]]) -> None:
        oven.append(ctx.run(bake, 1))
        again = oven
        again.append(ctx.run(bake, 2))

    async def shift(self, ctx: Context, loaves: int) -> int:
        self.last = ctx.run(bake, loaves)
        oven: list[ResonateFuture[int]] = []
        await self.fill(ctx, oven)
        done = sum([await loaf for loaf in oven])
        waiting = []
        for loaf in range(loaves):
            waiting.append(ctx.run(bake, loaf))
        while waiting:
            done += await waiting.pop()
        by_name = {"rye": ctx.run(bake, 7)}
        late = None

        def begin() -> None:
            nonlocal late
            late = ctx.run(bake, 8)

        begin()
        assert late is not None
        return done + await by_name["rye"] + await late + await self.last

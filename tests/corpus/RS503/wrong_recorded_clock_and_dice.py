"""The context had a clock and dice of its own once, whose values were recorded."""

from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


class Game:
    async def score(self, ctx: Context, points: int, at: float) -> None:
        print(points, at)

    async def play(self, ctx: Context, rounds: int) -> int:
        points = 0
        for _ in range(rounds):
            points += await ctx.random.randint(1, 6)  # want: RS503
            at = await ctx.time.time()  # want: RS503
            await ctx.run(self.score, points, at)
            await ctx.sleep(timedelta(seconds=5))
        return points


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="games", retry_policy=Constant(delay=1, max_retries=3))
    client.register(Game().play, name="game.play")
    return client

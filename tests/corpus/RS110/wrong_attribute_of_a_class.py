import asyncio
from datetime import timedelta

from resonate.connections import LocalConnection
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


class Kitchen:
    """Runs when the class is made, which is when this module is imported."""

    client = Resonate(network=LocalConnection(), retry_policy=Constant(delay=1, max_retries=3))  # want: RS110

    def __init__(self, cooks: int) -> None:
        self.cooks = cooks
        self.client.register(self.cook, name="cook")

    async def cook(self, ctx: Context, dish: str) -> str:
        return f"{dish} by {self.cooks} cooks"

    async def order(self, number: int, dish: str) -> str:
        hungry = self.client.options(timeout=timedelta(minutes=40))
        return await hungry.run(f"order/{number}", "cook", dish).result()


if __name__ == "__main__":
    print(asyncio.run(Kitchen(3).order(1, "soup")))

import socket
import sys
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Nodes:
    """Rolls a release out, one node after the other."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    async def drain(self, ctx: Context, node: str) -> None:
        print("drain", node)

    async def roll_out(self, ctx: Context, release: str) -> int:
        done = 0
        for node in self.names:
            if node == socket.gethostname():  # want: RS204
                continue
            await ctx.run(self.drain, node)
            if "--slow" in sys.argv:  # want: RS204
                await ctx.sleep(timedelta(minutes=5))
            done += 1
        return done


async def build(names: list[str]) -> Resonate:
    client = Resonate(url="http://localhost:8001", group="ops", retry_policy=Never())
    client.register(Nodes(names).roll_out, name="roll-out")
    return client

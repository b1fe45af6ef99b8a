# file: depot/state.py
from collections import Counter
from itertools import count

moved: Counter[str] = Counter()
numbers = count(1)
limit = 3


class Progress:
    def __init__(self) -> None:
        self.done = 0


progress = Progress()
# file: depot/flow.py
from depot import state
from depot.state import numbers, progress
from resonate.context import Context
from resonate.resonate import Resonate


async def move(ctx: Context, number: int, pallet: str) -> str:
    return f"{number}: {pallet}"


async def clear(ctx: Context, hall: str, pallets: list[str]) -> int:
    if len(pallets) > state.limit:  # want: RS210
        pallets = pallets[: state.limit]
    for pallet in pallets:
        await ctx.run(move, next(numbers), pallet)  # want: RS210
        progress.done += 1  # want: RS210
        state.moved[hall] += 1  # want: RS210
    return state.moved[hall]


def install(client: Resonate) -> None:
    client.register(clear, name="depot.clear")
# file: depot/web.py
from depot import state
from fastapi import FastAPI

app = FastAPI()


@app.put("/limit")
async def set_limit(number: int) -> int:
    state.limit = number
    return number

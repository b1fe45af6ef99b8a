"""Names as in the rule, of other things: a dict called requests, a parameter input, a method run, an own sleep."""

from dataclasses import dataclass

from resonate.context import Context
from resonate.resonate import Resonate


@dataclass
class Clock:
    ticks: int = 0

    def sleep(self, ticks: int) -> None:
        self.ticks += ticks


class Machine:
    def run(self, program: list[str]) -> int:
        return len(program)

    def connect(self, name: str) -> str:
        return f"{self}/{name}"


async def pending(ctx: Context, owner: str) -> dict[str, str]:
    return {"first": f"{owner}-1"}


async def simulate(ctx: Context, owner: str, input: list[str]) -> str:
    requests = await ctx.run(pending, owner)
    time, subprocess, sqlite3 = Clock(), Machine(), Machine()
    time.sleep(len(input))
    steps = subprocess.run(input)
    return f"{requests.get('first')} {steps} {time.ticks} {sqlite3.connect('plant')}"


def register(resonate: Resonate) -> None:
    resonate.register(simulate)

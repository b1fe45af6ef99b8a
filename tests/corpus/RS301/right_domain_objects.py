"""Names that databases use too: a plan that executes in memory, a draft with commit(), a queue of this process."""

import asyncio
from dataclasses import dataclass, field

from resonate.context import Context


@dataclass
class Draft:
    lines: list[str] = field(default_factory=list)
    done: bool = False

    def execute(self, line: str) -> None:
        self.lines.append(line.upper())

    def commit(self) -> str:
        self.done = True
        return "\n".join(self.lines)


async def translate(ctx: Context, line: str) -> str:
    return line[::-1]


async def publish_page(ctx: Context, lines: list[str]) -> str:
    session = Draft()
    todo: asyncio.Queue[str] = asyncio.Queue()
    for line in lines:
        await todo.put(line)
    while not todo.empty():
        session.execute(await ctx.run(translate, todo.get_nowait()))
    return session.commit()

"""A promise whose id goes out in a message before the workflow waits for it; and a pipeline kept in an object."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from resonate.context import Context, ResonateFuture
from resonate.resonate import Resonate


@dataclass
class Pending:
    calls: list[ResonateFuture[Any]] = field(default_factory=list)
    last: ResonateFuture[Any] | None = None


async def ask(ctx: Context, person: str, answer_at: str) -> None:
    print(person, "answers at", answer_at)


async def vote(ctx: Context, people: list[str]) -> int:
    pending = Pending()
    for person in people:
        ballot = ctx.promise(timeout=timedelta(hours=8))
        pending.calls.append(ballot)
        pending.last = ctx.run(ask, person, await ballot.id())
        await pending.last
    yes = 0
    while pending.calls:
        if (call := pending.calls.pop(0)) and await call:
            yes += 1
    return yes


def register(resonate: Resonate) -> None:
    resonate.register(vote)

"""An approval that nobody may ever give."""

from resonate.context import Context
from resonate.resonate import Resonate


async def ask(ctx: Context, manager: str, promise: str) -> None:
    print(manager, promise)


async def expense(ctx: Context, report: str, manager: str) -> bool:
    approval = ctx.promise()  # want: RS308
    await ctx.run(ask, manager, await approval.id())
    decision = await approval
    return bool(decision and decision["approved"])


def register(resonate: Resonate) -> None:
    resonate.register(expense, name="expense.report")

# file: rules/registry.py
from collections.abc import Callable

Check = Callable[[dict[str, int]], bool]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    def keep(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return keep


@check("positive")
def positive(order: dict[str, int]) -> bool:
    return all(cents > 0 for cents in order.values())


@check("small")
def small(order: dict[str, int]) -> bool:
    return sum(order.values()) < 100_000
# file: rules/flow.py
from resonate.context import Context
from resonate.resonate import Resonate

from rules.registry import CHECKS


async def reject(ctx: Context, why: str) -> str:
    return f"rejected: {why}"


async def accept(ctx: Context, order: dict[str, int]) -> str:
    return f"accepted: {len(order)}"


async def review(ctx: Context, order: dict[str, int]) -> str:
    """The registry is complete when the modules are imported: decorators fill it, and nothing after them."""
    for name, passes in CHECKS.items():
        if not passes(order):
            return await ctx.run(reject, name)
    return await ctx.run(accept, order)


def install(client: Resonate) -> None:
    client.register(review)

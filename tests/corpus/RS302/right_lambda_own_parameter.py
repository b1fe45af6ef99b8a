"""Lambdas: one uses its own parameter, one is only a sort key, and one gets its value before it is made."""

from resonate.context import Context
from resonate.resonate import Resonate


async def score(ctx: Context, essay: str) -> int:
    return len(set(essay))


async def rank(ctx: Context, essays: dict[str, str]) -> list[str]:
    batch = ctx.info.id
    scores: dict[str, int] = {}
    for name, essay in essays.items():
        scores[name] = await ctx.run(lambda step, essay=essay: step.run(score, essay))
    ranked = sorted(scores, key=lambda name: (-scores[name], name))
    header = await ctx.run(lambda _: f"batch {batch}: {len(ranked)}")
    return [header, *ranked]


def register(resonate: Resonate) -> None:
    resonate.register(rank)

import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Linear


async def score(ctx: Context, text: str) -> int:
    return len(text)


async def score_by_words(ctx: Context, text: str) -> int:
    return len(text.split())


async def grade(ctx: Context, texts: list[str], patient: bool) -> list[int]:
    newest = ctx.options(version=2, timeout=timedelta(minutes=1))
    if patient:
        newest = newest.options(timeout=timedelta(hours=1))  # want: RS111
    marks = [newest.rpc("score", text) for text in texts]
    return [await mark for mark in marks]


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="school", retry_policy=Linear(delay=1, max_retries=6))
    client.register(score)
    client.register(score_by_words, name="score", version=2)
    client.register(grade)
    slow = client.options(timeout=timedelta(days=1))
    print(await slow.run("grade/1", grade, ["a b", "c"], patient=True).result())


asyncio.run(main())

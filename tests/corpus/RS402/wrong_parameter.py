import os

from fastapi import FastAPI
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

app = FastAPI()


async def brew(ctx: Context, recipe: str) -> str:
    return f"brewed {recipe}"


async def open_bar(ctx: Context, recipes: list[str]) -> list[str]:
    return [await ctx.run(brew, recipe) for recipe in recipes]


def connect() -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="bar", retry_policy=policy)
    resonate.register(open_bar)
    return resonate


@app.post("/brews/{recipe}")
async def start_brew(ctx: Context, recipe: str) -> dict[str, str]:  # want: RS402
    return {"result": await ctx.run(brew, recipe)}

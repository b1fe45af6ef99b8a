"""What blocks is given to a thread, as a function or in a step's own helper."""

import asyncio
from functools import partial, wraps
from typing import Any

import boto3
from openai import OpenAI
from resonate.context import Context
from resonate.resonate import Resonate

s3 = boto3.client("s3")
client = OpenAI()


def in_a_thread(function: Any) -> Any:
    @wraps(function)
    async def step(ctx: Context, *args: Any) -> Any:
        return await asyncio.to_thread(function, ctx, *args)

    return step


def ask(text: str) -> str:
    return client.responses.create(model="gpt", input=text).output_text


@in_a_thread
def render(ctx: Context, text: str) -> str:
    return ask(text)


async def store(ctx: Context, key: str, text: str) -> str:
    await asyncio.to_thread(s3.put_object, Bucket="texts", Key=key, Body=text)
    await asyncio.get_running_loop().run_in_executor(None, partial(ask, text))
    return await asyncio.to_thread(ask, text)


async def publish(ctx: Context, key: str, text: str) -> str:
    await ctx.run(render, text)
    return await ctx.run(store, key, text)


def register(resonate: Resonate) -> None:
    resonate.register(publish)

"""Clients that a dependency has, that are made here, and that the module keeps: a finding stands at each request."""

import boto3
import grpc
import redis.asyncio as redis
from openai import AsyncOpenAI
from resonate.context import Context
from resonate.resonate import Resonate

from catalog import catalog_pb2_grpc

llm = AsyncOpenAI()


class Stores:
    def __init__(self, cache: redis.Redis) -> None:
        self.cache = cache
        session = boto3.Session(region_name="eu-west-1")
        self.files = session.client("s3")


async def keep(ctx: Context, sku: str, text: str) -> str:
    return f"{sku}: {text}"


async def describe(ctx: Context, sku: str) -> str:
    stores = ctx.get_dependency(Stores)
    known = await stores.cache.get(sku)  # want: RS206
    if known:
        return await ctx.run(keep, sku, str(known))
    channel = grpc.aio.insecure_channel("catalog:9000")
    stub = catalog_pb2_grpc.CatalogStub(channel)
    item = await stub.Find(sku)  # want: RS206
    answer = await llm.chat.completions.create(  # want: RS206
        model="small", messages=[{"role": "user", "content": item.name}]
    )
    text = answer.choices[0].message.content or ""
    stores.files.put_object(Bucket="texts", Key=sku, Body=text.encode())  # want: RS206
    return await ctx.run(keep, sku, text)


def install(client: Resonate) -> None:
    client.register(describe)

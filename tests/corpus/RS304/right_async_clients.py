"""The async clients of the same packages; and objects that only make a request, or close."""

import anthropic
import boto3
import openai
import redis.asyncio as redis
import stripe
from openai import AsyncOpenAI
from pymongo import AsyncMongoClient
from resonate.context import Context
from resonate.resonate import Resonate
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

client = AsyncOpenAI()
claude = anthropic.AsyncAnthropic()
cache = redis.Redis(host="cache")
mongo = AsyncMongoClient("mongodb://db")
engine = create_async_engine("postgresql+asyncpg://texts")
s3 = boto3.client("s3")


async def summarize(ctx: Context, words: str) -> str:
    answer = await client.chat.completions.create(model="gpt", messages=[])
    await claude.messages.create(model="claude", max_tokens=50, messages=[])
    await cache.set("text", words)
    await mongo.texts.kept.insert_one({"text": words})
    async with AsyncSession(engine) as session:
        await session.commit()
    await stripe.PaymentIntent.create_async(amount=100, currency="eur")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "texts", "Key": words})
    try:
        return answer.choices[0].message.content + url
    except openai.OpenAIError:
        return ""


async def sessions(url: str) -> Session:
    """It says that it gives the session of the other kind; what is awaited is of this one."""
    return AsyncSession(create_async_engine(url))


async def count(ctx: Context, url: str) -> int:
    session: Session = await sessions(url)
    return (await session.execute(text("SELECT count(*) FROM texts"))).scalar_one()


async def publish(ctx: Context, words: str) -> str:
    return str(await ctx.run(count, words)) + await ctx.run(summarize, words)


def register(resonate: Resonate) -> None:
    resonate.register(publish)

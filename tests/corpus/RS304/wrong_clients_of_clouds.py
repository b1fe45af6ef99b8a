import boto3
import redis
import stripe
from pymongo import MongoClient
from resonate.context import Context
from resonate.resonate import Resonate

s3 = boto3.client("s3")
cache = redis.Redis(host="cache")
mongo = MongoClient("mongodb://db")


async def store(ctx: Context, key: str, text: str) -> str:
    s3.put_object(Bucket="texts", Key=key, Body=text)  # want: RS304
    cache.set(key, text)  # want: RS304
    mongo.texts.kept.insert_one({"key": key})  # want: RS304
    return key


async def charge(ctx: Context, cents: int) -> str:
    return stripe.PaymentIntent.create(amount=cents, currency="eur").id  # want: RS304


async def publish(ctx: Context, key: str, text: str) -> str:
    await ctx.run(charge, 100)
    return await ctx.run(store, key, text)


def register(resonate: Resonate) -> None:
    resonate.register(publish)

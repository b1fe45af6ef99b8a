# file: backup/places.py
from os import environ, getenv


def region() -> str:
    return environ["AWS_REGION"]  # want: RS204


def bucket(database: str) -> str:
    prefix = getenv("BUCKET_PREFIX", "backup")  # want: RS204
    return f"{prefix}-{database}-{region()}"
# file: backup/flow.py
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate

from backup.places import bucket


async def dump(ctx: Context, database: str, into: str) -> str:
    return f"s3://{into}/{database}.sql"


async def verify(ctx: Context, path: str) -> bool:
    return path.endswith(".sql")


async def back_up(ctx: Context, database: str) -> bool:
    path = await ctx.run(dump, database, bucket(database))
    await ctx.sleep(timedelta(minutes=15))
    return await ctx.run(verify, path)


def install(client: Resonate) -> None:
    client.register(back_up)

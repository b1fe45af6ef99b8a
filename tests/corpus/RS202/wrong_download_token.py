from datetime import timedelta
from secrets import token_urlsafe as new_token

from resonate.context import Context
from resonate.resonate import Resonate


async def build_archive(ctx: Context, account: str) -> str:
    return f"exports/{account}.zip"


async def publish(ctx: Context, path: str, token: str) -> None:
    print("public:", path, token)


async def unpublish(ctx: Context, token: str) -> None:
    print("gone:", token)


async def export_data(ctx: Context, account: str) -> None:
    path = await ctx.run(build_archive, account)
    token = new_token(24)  # want: RS202
    await ctx.run(publish, path, token)
    await ctx.sleep(timedelta(days=7))
    await ctx.run(unpublish, token)


def install(client: Resonate) -> None:
    client.register(export_data, name="export-data")

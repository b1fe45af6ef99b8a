import socket

import boto3
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def is_up(host: str) -> bool:
    with socket.create_connection((host, 5432), timeout=2):  # want: RS206
        return True


async def restore(ctx: Context, key: str, host: str) -> str:
    return f"{key} into {host}"


async def restore_latest(ctx: Context, bucket: str, hosts: list[str]) -> str:
    s3 = boto3.client("s3")
    found = s3.list_objects_v2(Bucket=bucket, Prefix="daily/")  # want: RS206
    newest = max(item["Key"] for item in found["Contents"])
    target = next(host for host in hosts if is_up(host))
    return await ctx.run(restore, newest, target)


async def build() -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=60, max_retries=4)
    client = Resonate(url="http://localhost:8001", group="restores", retry_policy=policy)
    client.register(restore_latest)
    return client

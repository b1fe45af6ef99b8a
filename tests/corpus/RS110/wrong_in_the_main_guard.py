import asyncio
import os
import sys

from resonate.context import Context
from resonate.resonate import Resonate as Client
from resonate.retry import Never


async def echo(ctx: Context, text: str) -> str:
    return text


async def say(client: Client, text: str) -> str:
    client.register(echo)
    try:
        return await client.run("echo-1", echo, text).result()
    finally:
        await client.stop()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        there = Client(url=sys.argv[1], group="echo", retry_policy=Never(), autostart=True)  # want: RS110
    else:
        there = Client(group="echo", retry_policy=Never(), env=dict(os.environ))  # want: RS110
    print(asyncio.run(say(there, "hello")))

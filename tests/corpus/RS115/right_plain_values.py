"""Texts, numbers and dictionaries are found by their types as well."""

import asyncio
import os
from collections import defaultdict

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def greet(ctx: Context, name: str) -> str:
    word, often = ctx.get_dependency(str), ctx.get_dependency(int)
    names, seen = ctx.get_dependency(dict), ctx.get_dependency(defaultdict)
    return f"{word * often} {names.get(name, name)} {seen['times']}"


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="greetings", retry_policy=Never())
    client.with_dependency("Hello ").with_dependency(3)
    client.with_dependency({"ada": "Ada"}).with_dependency(defaultdict(int))
    client.register(greet)
    await asyncio.Event().wait()


asyncio.run(main())

from os import *  # noqa: F403
from sys import argv  # noqa: F401, I001

from resonate.context import Context


async def greet(ctx: Context, name: str) -> str:
    text = "hello, " + name + "!" if len(name) > 1 and not name.startswith(("a", "b", "c", "d", "e", "f", "g")) else name  # noqa: E501
    return text  # noqa

"""Syntax of Python 3.14 and 3.15, also where an older one runs the tool; what else is in the file is checked."""

lazy import json
from datetime import timedelta

from resonate.context import Context


async def note(ctx: Context, text: str) -> None: ...


async def greet(ctx: Context, names: dict[str, str]) -> str:
    try:
        await ctx.sleep(timedelta(minutes=1))
    except ValueError, TypeError:
        await ctx.run(note, "not slept")
    template = t"Dear {names['first']} {names["last"]:>{len(names)}}, " t"hello"
    raw = Rt'\{template!r}'
    await ctx.run(note, json.dumps([raw, str(template)]))
    return raw

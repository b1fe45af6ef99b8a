import sys


def report(queue):
    """Written for Python 2 and never run since."""
    for position, entry in enumerate(queue):
        print "%d: %s" % (position, entry)  # want: RS000
    sys.stdout.flush()

# file: modern.py
from resonate.context import Context


async def drain(ctx: Context, queue: list[str]) -> int:
    done = 0
    for entry in queue:
        done += await ctx.run(handle, entry)
    return done


async def handle(ctx: Context, entry: str) -> int:
    return 1 if entry else 0

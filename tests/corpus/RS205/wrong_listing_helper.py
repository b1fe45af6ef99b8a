# file: intake/inbox.py
import os


def waiting(folder: str) -> list[str]:
    """The files that wait in the folder, in order."""
    return sorted(name for name in os.listdir(folder) if name.endswith(".xml"))  # want: RS205


def done(folder: str, name: str) -> None:
    os.replace(os.path.join(folder, name), os.path.join(folder, "done", name))  # want: RS205
# file: intake/flow.py
from resonate.context import Context

from intake import inbox


async def load(ctx: Context, folder: str, name: str) -> int:
    return len(folder) + len(name)


async def take_in(ctx: Context, folder: str) -> int:
    total = 0
    for name in inbox.waiting(folder):
        total += await ctx.run(load, folder, name)
        inbox.done(folder, name)
    return total
# file: intake/worker.py
from resonate.resonate import Resonate
from resonate.retry import Constant

from intake.flow import take_in


async def start(url: str) -> Resonate:
    client = Resonate(url=url, group="intake", retry_policy=Constant(delay=5, max_retries=5))
    client.register(take_in)
    return client

# file: jobs/app.py
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

app = Resonate(url=os.environ.get("RESONATE_URL"), group="jobs", retry_policy=Never(), autostart=False)


async def real(ctx: Context, n: int) -> int:
    return n


async def fake(ctx: Context, n: int) -> int:
    return 0

# file: jobs/live.py
from jobs.app import app, real


async def main() -> None:
    app.register(real, name="job")
    app.start()

# file: jobs/dry.py
from jobs.app import app, fake


async def main() -> None:
    app.register(fake, name="job")
    app.start()

# file: alarm/ports.py
from typing import Protocol


class Notifier(Protocol):
    async def notify(self, text: str) -> None: ...


class Log:
    def write(self, line: str) -> None:
        print(line)


class FileLog(Log):
    pass


class RotatingLog(FileLog):
    def __init__(self, days: int) -> None:
        self.days = days

# file: alarm/adapters.py
from alarm.ports import Notifier


class Pager(Notifier):
    async def notify(self, text: str) -> None:
        print(f"beep: {text}")

# file: alarm/functions.py
from resonate.context import Context

from alarm import ports


async def raise_alarm(ctx: Context, text: str) -> None:
    ctx.get_dependency(ports.Log).write(text)  # want: RS112
    await ctx.get_dependency(ports.Notifier).notify(text)  # want: RS112

# file: alarm/worker.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Exponential

from alarm.adapters import Pager
from alarm.functions import raise_alarm
from alarm.ports import RotatingLog


def build() -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="alarms", retry_policy=policy)
    client.register(raise_alarm)
    return client.with_dependency(RotatingLog(days=7)).with_dependency(Pager())


async def main() -> None:
    build()
    await asyncio.Event().wait()

# file: metrics/pusher.py
import threading
from queue import SimpleQueue

_events: SimpleQueue[str] = SimpleQueue()


def _drain() -> None:
    while (event := _events.get()) != "stop":
        print("pushed", event)


def start_pushing() -> threading.Thread:
    worker = threading.Thread(target=_drain, daemon=True)  # want: RS207
    worker.start()
    return worker
# file: metrics/flow.py
from resonate.context import Context
from resonate.resonate import Resonate

from metrics.pusher import start_pushing


async def collect(ctx: Context, host: str) -> dict[str, float]:
    return {"cpu": 0.5, "host": float(len(host))}


async def survey(ctx: Context, hosts: list[str]) -> dict[str, float]:
    pusher = start_pushing()
    totals: dict[str, float] = {}
    for host in hosts:
        for name, value in (await ctx.run(collect, host)).items():
            totals[name] = totals.get(name, 0.0) + value
    pusher.join(timeout=1)
    return totals


def install(client: Resonate) -> None:
    client.register(survey)

"""Write a journal with the engine of a checkout: PYTHONPATH=CHECKOUT python tests/past/write_journal.py FILE

Two lives of the engine, so that the file holds a snapshot and requests. In each, jobs are left at every point where
one can wait; `tests/test_devserver_past.py` knows them. Nothing of the new engine is used.
"""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
from resonate.resonate import Resonate
from resonate.retry import Never
from resonate.types import TaskData, Value

from resonate_scaffold.devserver import running


async def add(ctx, a, b):
    return a + b


async def gated(ctx):
    first = await ctx.options(target="db").rpc("add", 1, 1)
    decision = await ctx.promise()
    return f"{first} {decision}"


async def waits_for_later(ctx):
    first = await ctx.options(target="db").rpc("add", 2, 2)
    second = await ctx.options(target="later").rpc("add", first, 1)
    return await ctx.run(add, second, 10)


async def submit(client, id, func, *args, group="workers"):
    lineage = dict.fromkeys(("resonate:origin", "resonate:branch", "resonate:parent"), id)
    data = TaskData(func=func, args=args, kwargs={}, version=1)
    tags = lineage | {"resonate:scope": "global", "resonate:target": f"poll://any@{group}"}
    await client.promises.create(id, 1 << 50, Value(data=data), tags)


async def ask(url, kind, **data):
    body = {"kind": kind, "head": {"corrId": "c", "version": "2026-04-01"}, "data": data}
    async with aiohttp.ClientSession() as session, session.post(url + "/", data=json.dumps(body)) as response:
        assert response.status < 300, await response.text()
        return await response.json()


async def until(holds):
    while not holds():
        await asyncio.sleep(0.02)


async def life(journal, number):
    async with running(Path(journal)) as server:
        state = server.engine.state
        worker = Resonate(url=server.url, group="workers", retry_policy=Never())
        db = Resonate(url=server.url, group="db", retry_policy=Never())
        worker.register(gated, name="gated")
        worker.register(waits_for_later, name="waits_for_later")
        db.register(add, name="add")
        await submit(worker, f"job/gated-{number}", "gated")
        await submit(worker, f"job/later-{number}", "waits_for_later")
        await submit(worker, f"job/done-{number}", "add", 3, 4, group="db")
        await submit(worker, f"job/unserved-{number}", "add", 5, 6, group="later")
        # Taken by a process that is never heard of again, whose lease is short.
        await submit(worker, f"job/held-{number}", "add", 7, 8, group="nobody")
        await ask(server.url, "task.acquire", id=f"job/held-{number}", version=0, pid="gone", ttl=1_000)
        await until(lambda: state.promises[f"job/done-{number}"].state == "resolved")
        for waiting in (f"job/gated-{number}", f"job/later-{number}"):
            await until(lambda waiting=waiting: f"{waiting}:2" in state.promises and state.tasks[waiting].state == "suspended")
        await ask(
            server.url, "schedule.create", id=f"s-{number}", cron="0 3 * * *", promiseId="{{.id}}-{{.timestamp}}",
            promiseTimeout=60_000, promiseTags={"resonate:target": "poll://any@workers"},
        )
        await worker.stop()
        await db.stop()
        if number == 2:
            # Taken and given back, and taken until the lease was over: the versions have moved on.
            await submit_raw(server.url, "job/moved", 4)
            await ask(server.url, "task.acquire", id="job/moved", version=0, pid="p", ttl=60_000)
            await ask(server.url, "task.release", id="job/moved", version=0)
            await ask(server.url, "task.acquire", id="job/moved", version=1, pid="p", ttl=1)
            await until(lambda: state.tasks["job/moved"].version == 2)


async def submit_raw(url, id, number):
    client = Resonate(url=url, group="api", retry_policy=Never())
    await submit(client, id, "add", number, number, group="later")
    await client.stop()


async def main(journal):
    for number in (1, 2):
        await life(journal, number)


asyncio.run(main(sys.argv[1]))

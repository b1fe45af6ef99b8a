"""Coroutines in lists, dictionaries, tasks and variables, which are awaited where they come out."""

import asyncio

from resonate.handle import ResonateHandle
from resonate.resonate import Resonate


class Ballot:
    id: int
    result: str


async def gathered(handles: list[ResonateHandle[int]]) -> list[int]:
    return await asyncio.gather(*(handle.result() for handle in handles))


async def counted(client: Resonate, ballots: list[Ballot]) -> dict[str, object]:
    handles = {ballot.id: client.rpc(f"count/{ballot.id}", "count", ballot.result) for ballot in ballots}
    waiting = [handle.result() for handle in handles.values()]
    tasks = []
    for handle in handles.values():
        tasks.append(asyncio.create_task(handle.result()))
    first = client.rpc("count/first", "count", "first")
    outcome = first.result()
    async with asyncio.timeout(5):
        value = await outcome
    values = []
    for one in waiting:
        values.append(await one)
    done, _ = await asyncio.wait(tasks)
    return {"id": await first.id(), "first": value, "all": values, "done": len(done), "ids": [it.id for it in ballots]}

"""Work is started in the route; what runs after the answer starts none."""

import asyncio
import logging

from fastapi import BackgroundTasks, FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()
logger = logging.getLogger(__name__)


async def start(resonate: Resonate, order: str) -> str:
    return await resonate.options(target="workers").rpc(f"order/{order}", "place", order).id()


def note(order: str) -> None:
    logger.info("asked for %s", order)


@app.post("/orders/{order}", status_code=202)
async def place(order: str, request: Request, tasks: BackgroundTasks) -> dict[str, str]:
    tasks.add_task(note, order)
    begun = asyncio.create_task(start(request.app.state.resonate, order))
    async with asyncio.timeout(5):
        return {"id": await begun}


class Board:
    """A board of tasks of our own."""

    def __init__(self) -> None:
        self.open: list[object] = []

    def add_task(self, what: object, order: str) -> None:
        self.open.append((what, order))


@app.post("/tasks/{order}", status_code=202)
async def plan(order: str, request: Request) -> dict[str, str]:
    Board().add_task(start, order)
    return {"id": await start(request.app.state.resonate, order)}

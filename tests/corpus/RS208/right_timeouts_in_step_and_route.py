# file: cameras/flow.py
import asyncio

from resonate.context import Context


async def snapshot(ctx: Context, camera: str) -> str:
    """A step may bound, race and pause as it likes."""
    async with asyncio.timeout(20):
        await asyncio.sleep(0.5)
        return await asyncio.wait_for(_connect(camera), timeout=5)


async def _connect(camera: str) -> str:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(asyncio.sleep(0.1, result=f"{camera}.jpg"))
    return task.result()


async def tour(ctx: Context, cameras: list[str]) -> list[str]:
    return [await ctx.run(snapshot, camera) for camera in cameras]
# file: cameras/app.py
import asyncio

from fastapi import FastAPI, HTTPException
from resonate.resonate import Resonate

from cameras.flow import tour


def create_app(client: Resonate) -> FastAPI:
    client.register(tour)
    app = FastAPI()

    @app.get("/tours/{id}")
    async def result(id: str) -> list[str]:
        handle = await client.get(f"tour/{id}")
        try:
            return await asyncio.wait_for(handle.result(), timeout=10)
        except TimeoutError:
            raise HTTPException(503, "not yet") from None

    return app

"""A stream of events goes on as long as somebody listens; and a worker that polls is no route."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from resonate.resonate import Resonate

app = FastAPI()


async def events(resonate: Resonate, root: str) -> AsyncIterator[str]:
    while True:
        record = await resonate.promises.get(root)
        yield f"data: {record.state}\n\n"
        if record.state != "pending":
            return
        await asyncio.sleep(1)


@app.get("/events/{root}")
async def stream(root: str, request: Request) -> StreamingResponse:
    return StreamingResponse(events(request.app.state.resonate, f"job/{root}"), media_type="text/event-stream")


async def watch(resonate: Resonate, root: str) -> None:
    while True:
        if (await resonate.promises.get(root)).state != "pending":
            break
        await asyncio.sleep(60)


async def main(url: str) -> None:
    await watch(Resonate(url=url, sources=[]), "nightly")

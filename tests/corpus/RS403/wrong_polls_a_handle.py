import asyncio

from quart import Quart
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> Quart:
    app = Quart(__name__)

    @app.post("/letters/<letter>")
    async def write(letter: str):
        handle = resonate.rpc(f"letter/{letter}", "write", letter)
        await handle.id()
        while not handle.done():  # want: RS403, RS412
            await asyncio.sleep(0.1)
        async with asyncio.timeout(1):
            return {"letter": await handle.result()}

    return app

import asyncio
import os
from datetime import timedelta

from fastapi import FastAPI
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Printer:
    def __init__(self, client: Resonate, tray: str) -> None:
        self.client, self.tray = client, tray
        client.register(self.page, name="page", version=2)
        client.register(self.book, name="book")

    async def page(self, ctx: Context, number: int) -> str:
        return f"{self.tray}:{number}"

    async def book(self, ctx: Context, pages: int) -> list[str]:
        calls = [ctx.options(timeout=timedelta(hours=1)).rpc(self.page, number) for number in range(pages)]
        return [await call for call in calls]

    async def start(self, pages: int) -> str:
        return await self.client.run(f"book/{pages}", self.book, pages).id()


def create_app() -> FastAPI:
    app = FastAPI()

    @app.put("/books/{pages}", status_code=202)
    async def order(pages: int) -> dict[str, str]:
        return {"id": await app.state.printer.start(pages)}

    return app


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="printers", retry_policy=Never())
    create_app().state.printer = Printer(client, "A4")
    await asyncio.Event().wait()

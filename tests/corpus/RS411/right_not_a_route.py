import asyncio
import os
from datetime import timedelta

from fastapi import FastAPI
from resonate.resonate import Resonate


class Poller:
    """Starts one run for every new file; the next round starts again what was not created."""

    def __init__(self, resonate: Resonate, folder: str) -> None:
        self.calls = resonate.options(target="imports", timeout=timedelta(hours=1))
        self.folder = folder

    async def run(self) -> None:
        while True:
            for name in await asyncio.to_thread(os.listdir, self.folder):
                self.calls.rpc(f"import/{name}", "import_file", name)
            await asyncio.sleep(60)


app = FastAPI()


@app.get("/livez")
async def livez() -> dict[str, str]:
    return {"status": "alive"}

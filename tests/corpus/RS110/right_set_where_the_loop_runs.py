# file: kiosk/__init__.py
# file: kiosk/app.py
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from resonate.resonate import Resonate

resonate: Resonate | None = None


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    global resonate
    url = os.environ["RESONATE_URL"]
    resonate = Resonate(url=url, group="kiosk")
    yield
    await resonate.stop()
    resonate = None


app = FastAPI(lifespan=lifespan)


@app.post("/tickets/{number}", status_code=202)
async def sell(number: int) -> dict[str, int]:
    assert resonate is not None
    await resonate.options(target="printers").rpc(f"ticket/{number}", "ticket", number).id()
    return {"number": number}


# file: kiosk/lazy.py
from resonate.resonate import Resonate

_client = None


def client() -> Resonate:
    global _client
    if _client is None:
        _client = Resonate(group="kiosk")
    return _client


# file: kiosk/first_use.py
import os

from resonate.resonate import Resonate


def opener():
    made: Resonate | None = None

    async def opened() -> Resonate:
        nonlocal made
        made = made or Resonate(url=os.environ["RESONATE_URL"], group="kiosk")
        return made

    return opened


# file: kiosk/startup.py
from fastapi import FastAPI
from resonate.resonate import Resonate

app = FastAPI()


@app.on_event("startup")
async def start() -> None:
    global engine, group
    group = "kiosk"
    engine = Resonate(group=group)


@app.on_event("shutdown")
async def stop() -> None:
    await engine.stop()

# file: engine.py
import asyncio
from typing import Any

from resonate.handle import ResonateHandle


class Unavailable(Exception):
    pass


async def confirmed(handle: ResonateHandle[Any]) -> str:
    try:
        async with asyncio.timeout(5):
            return await handle.id()
    except TimeoutError:
        raise Unavailable from None


# file: views.py
from datetime import timedelta

from flask import Flask
from resonate.resonate import Resonate

from engine import Unavailable, confirmed


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable):
        return {"error": "the engine does not answer"}, 503

    @app.post("/lessons/<int:lesson>/recording")
    async def record(lesson: int):
        studio = resonate.options(target="studio", timeout=timedelta(hours=4))
        handle = studio.rpc(f"recording/{lesson}", "record_lesson", lesson)
        return {"recording": await confirmed(handle)}, 202

    return app

# file: lab/service.py
import asyncio
from typing import Any

from resonate.resonate import Resonate


class Analyses:
    def __init__(self, resonate: Resonate) -> None:
        self._resonate = resonate

    async def report(self, sample: str) -> Any:
        handle = await self._resonate.get(f"analysis/{sample}")
        waiting = asyncio.create_task(handle.result())  # want: RS403
        return await waiting


# file: lab/views.py
from flask import Blueprint, jsonify

from lab.service import Analyses


def views(analyses: Analyses) -> Blueprint:
    bp = Blueprint("analyses", __name__)

    @bp.get("/analyses/<sample>/report")
    async def report(sample: str):
        return jsonify(await analyses.report(sample))

    return bp

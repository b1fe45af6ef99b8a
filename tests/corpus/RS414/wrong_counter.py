"""The counter begins at 1 again in each process, and job/1 is there already."""

import itertools

from flask import Flask, jsonify
from resonate.resonate import Resonate

numbers = itertools.count(1)


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.post("/jobs/<kind>")
    async def start(kind: str):
        work = f"job/{next(numbers)}"
        handle = resonate.rpc(work, "work", kind)  # want: RS414
        return jsonify(id=await handle.id()), 202

    return app

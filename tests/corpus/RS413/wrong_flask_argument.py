import asyncio

from flask import Flask, jsonify, request
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.post("/start/<order>")
    async def start(order: str):
        workflow = request.args["workflow"]
        handle = resonate.rpc(f"order/{order}", workflow, order)  # want: RS413
        async with asyncio.timeout(5):
            return jsonify(id=await handle.id()), 202

    return app

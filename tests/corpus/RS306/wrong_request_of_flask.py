from flask import Flask, jsonify, request
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.post("/orders/<order>")
    async def place(order: str):
        handle = resonate.rpc(f"order/{order}", "place", {"order": order, "request": request})  # want: RS306
        return jsonify(id=await handle.id()), 202

    return app

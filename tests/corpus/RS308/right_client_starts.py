"""A start from a route waits for nothing: the job may well take its day. Its deadline is the default."""

from flask import Flask, jsonify
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)
    surveys = resonate.options(target="surveys")

    @app.route("/surveys/<name>", methods=["PUT"])
    async def start(name: str):
        handle = surveys.rpc(f"survey/{name}", "surveys.run", name)
        return jsonify(id=await handle.id()), 202

    return app

from datetime import timedelta

from flask import Flask
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)
    press = resonate.options(target="press", timeout=timedelta(hours=2))

    @app.put("/catalogues/<year>")
    async def print_catalogue(year: str):
        handle = press.rpc(f"catalogue/{year}", "print_catalogue", year)
        id = await handle.id()
        state = "printed" if handle.done() else "printing"  # want: RS412
        return {"id": id, "state": state}, 202

    return app

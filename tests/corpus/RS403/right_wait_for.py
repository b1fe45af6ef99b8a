from asyncio import wait_for
from datetime import timedelta

from flask import Flask
from resonate.resonate import Resonate

PATIENCE = 8


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.get("/weather/<station>")
    async def weather(station: str):
        stations = resonate.options(target="stations", timeout=timedelta(minutes=1))
        handle = stations.rpc(f"weather/{station}", "read_station", station)
        try:
            reading = await wait_for(handle.result(), timeout=PATIENCE)
        except TimeoutError:
            return {"error": "the station does not answer"}, 504
        return {"station": station, "reading": reading}

    return app

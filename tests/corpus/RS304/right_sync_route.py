"""FastAPI runs a route that is no coroutine in a thread pool: it may block."""

import sqlite3
import time

import requests
from fastapi import FastAPI, Request
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> FastAPI:
    app = FastAPI()
    app.state.resonate = resonate

    @app.get("/weather/{town}")
    def weather(town: str) -> dict[str, str]:
        for attempt in range(3):
            answer = requests.get(f"https://weather.internal/{town}", timeout=2)
            if answer.ok:
                return {"sky": answer.json()["sky"]}
            time.sleep(attempt)
        return {"sky": "unknown"}

    @app.get("/towns")
    def towns() -> list[str]:
        with sqlite3.connect("towns.db") as connection:
            return [name for (name,) in connection.execute("SELECT name FROM towns ORDER BY name")]

    @app.post("/forecasts/{town}", status_code=202)
    async def forecast(town: str, request: Request) -> dict[str, str]:
        handle = request.app.state.resonate.options(target="models").rpc(f"forecast/{town}", "forecast", town)
        return {"id": await handle.id()}

    return app

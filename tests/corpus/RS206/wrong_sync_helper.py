# file: weather/source.py
import requests

STATIONS = "https://weather.example/stations"


def temperature(station: str) -> float:
    answer = requests.get(f"{STATIONS}/{station}", timeout=10)  # want: RS206
    answer.raise_for_status()
    return float(answer.json()["celsius"])
# file: weather/alerts.py
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate

from weather.source import temperature


async def warn(ctx: Context, station: str, celsius: float) -> None:
    print(f"frost at {station}: {celsius}")


async def watch(ctx: Context, station: str, hours: int) -> int:
    warnings = 0
    for _ in range(hours):
        celsius = temperature(station)
        if celsius < 0:
            await ctx.run(warn, station, celsius)
            warnings += 1
        await ctx.sleep(timedelta(hours=1))
    return warnings


def install(client: Resonate) -> None:
    client.register(watch, name="watch-frost")

import os

from fastapi import FastAPI
from resonate.resonate import Resonate

URL = os.environ["RESONATE_URL"]
resonate = Resonate(url=URL, group="desk")  # want: RS110
app = FastAPI()


@app.post("/reload")
async def reload() -> None:
    global resonate
    old, resonate = resonate, Resonate(url=URL, group="desk")
    await old.stop()

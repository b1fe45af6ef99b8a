from datetime import timedelta

from flask import Flask
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


async def stamp(ctx: Context, passport: str, country: str) -> str:
    return f"{passport}@{country}"


def create_app(resonate: Resonate) -> Flask:
    resonate.register(stamp, retry_policy=Constant(delay=1, max_retries=2))
    app = Flask(__name__)

    @app.post("/passports/<passport>/stamps/<country>")
    async def add_stamp(passport: str, country: str):
        here = resonate.options(timeout=timedelta(minutes=1))
        key = ":".join(["stamp", passport, country])
        handle = here.run(key, stamp, passport, country)  # want: RS408
        return {"id": await handle.id()}, 202

    return app

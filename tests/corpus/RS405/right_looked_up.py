from flask import Flask, abort, request
from flask_login import current_user, login_required
from resonate.resonate import Resonate
from resonate.types import Value
from sqlalchemy import Column, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncEngine

waits = Table("waits", MetaData(), Column("token", String, primary_key=True), Column("promise", String))


def create_app(resonate: Resonate, engine: AsyncEngine) -> Flask:
    app = Flask(__name__)

    @app.post("/visits/<token>/confirm")
    @login_required
    async def confirm(token: str):
        async with engine.connect() as connection:
            promise = await connection.scalar(select(waits.c.promise).where(waits.c.token == token))
        if promise is None:
            abort(404)
        slot = request.json["slot"]
        await resonate.promises.resolve(promise, Value(data={"slot": slot, "by": current_user.id}))
        return {"slot": slot}

    return app

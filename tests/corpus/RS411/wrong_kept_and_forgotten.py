from datetime import timedelta

from flask import Flask, current_app, request
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.post("/surveys/<survey>/invitations")
    async def invite(survey: str):
        people = request.json["people"]
        id = f"survey/{survey}"
        handle = resonate.options(target="mail", timeout=timedelta(days=3)).rpc(id, "invite", people)  # want: RS411
        current_app.logger.info("started %r", handle)
        return {"id": id, "people": len(people)}, 202

    return app

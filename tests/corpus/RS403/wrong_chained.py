from datetime import timedelta

from flask import Flask, request
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


async def spell_check(ctx: Context, text: str) -> list[str]:
    return [word for word in text.split() if word.isupper()]


def create_app(resonate: Resonate) -> Flask:
    resonate.register(spell_check, retry_policy=Constant(delay=1, max_retries=3))
    app = Flask(__name__)

    @app.route("/checks/<document>", methods=["PUT"])
    async def check(document: str):
        text = request.get_data(as_text=True)
        here = resonate.options(timeout=timedelta(minutes=2))
        words = await here.run(f"check/{document}", spell_check, text).result()  # want: RS403
        return {"words": words}

    return app

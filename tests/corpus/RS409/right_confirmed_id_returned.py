from datetime import timedelta
from secrets import token_hex

from flask import Flask, redirect, request
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)
    legal = resonate.options(target="legal", timeout=timedelta(days=5))

    @app.post("/contracts/review")
    async def review():
        handle = legal.rpc(f"review/{token_hex(8)}", "review_contract", request.json["text"])
        return {"review": await handle.id()}, 202

    @app.post("/contracts/draft")
    async def draft():
        token = token_hex(8)
        await legal.rpc(f"draft/{token}", "draft_contract", request.form["parties"]).id()
        return redirect(f"/contracts/drafts/{token}", code=303)

    return app

import secrets
from datetime import timedelta

from flask import Flask, request
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.post("/feedback")
    async def feedback():
        text = request.form["text"]
        key = "feedback/" + secrets.token_urlsafe(12)
        triage = resonate.options(target="triage", timeout=timedelta(days=1))
        await triage.rpc(key, "triage_feedback", text).id()  # want: RS409
        return {"queued": True, "length": len(text)}, 202

    return app

import hmac
import os

from flask import Flask, abort, request
from resonate.resonate import Resonate
from resonate.types import Value


def verify(body: bytes, signature: str) -> None:
    if not hmac.compare_digest(hmac.digest(os.environ["SECRET"].encode(), body, "sha256").hex(), signature):
        abort(403)


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.post("/documents/<document>/signed")
    async def signed(document: str):
        await resonate.promises.resolve(f"signed/{document}", Value(data=True))  # want: RS406
        verify(request.data, request.headers["X-Signature"])
        return "", 204

    return app

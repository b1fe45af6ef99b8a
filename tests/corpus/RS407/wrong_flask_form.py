from flask import Flask, request
from flask_login import login_required
from resonate.resonate import Resonate
from resonate.types import Value


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.route("/vacations/<int:vacation>/refusal", methods=["POST"])
    @login_required
    async def refuse(vacation: int):
        value = Value(data=request.form["why"])
        await resonate.promises.reject(f"vacation/{vacation}", value)  # want: RS407
        return "", 204

    return app

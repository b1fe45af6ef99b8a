from flask import Flask, request
from flask_login import login_required
from resonate.resonate import Resonate
from resonate.types import Value


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.route("/reviews", methods=["POST"])
    @login_required
    async def review():
        given = request.get_json()
        stars = int(given["stars"])
        await resonate.promises.resolve(given["waiting_for"], Value(data={"stars": stars}))  # want: RS405
        return {"stars": stars}

    return app

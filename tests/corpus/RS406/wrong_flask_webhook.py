from flask import Flask, abort, request
from resonate.resonate import Resonate
from resonate.types import Value


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.post("/hooks/courier/<int:parcel>")
    async def delivered(parcel: int):  # want: RS406
        # Looks like a check, and asks for nothing that only the courier knows.
        if request.headers.get("User-Agent") != "courier-hooks/2":
            abort(400)
        when = request.json["delivered_at"]
        await resonate.promises.resolve(f"delivery/{parcel}", Value(data={"at": when}))
        return "", 204

    return app

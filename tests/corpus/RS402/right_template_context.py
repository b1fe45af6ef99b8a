from datetime import timedelta

from flask import Flask, redirect, render_template, url_for
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.get("/raffles/<raffle>")
    def show(raffle: str):
        context = {"raffle": raffle, "drawn": False}
        return render_template("raffle.html", **context)

    @app.post("/raffles/<raffle>/draw")
    async def draw(raffle: str):
        raffles = resonate.options(target="raffles", timeout=timedelta(minutes=5))
        await raffles.rpc(f"draw/{raffle}", "draw_winner", raffle).id()
        return redirect(url_for("show", raffle=raffle), code=303)

    return app

from flask import Flask, render_template
from resonate.resonate import Resonate


async def stuck(resonate: Resonate) -> list[str]:
    store = resonate.promises
    page = await store.search("rejected_timedout", {"team": "claims"}, 20, None)  # want: RS410
    return [promise.id for promise in page.promises]


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.route("/admin/stuck")
    async def show_stuck():
        return render_template("stuck.html", ids=await stuck(resonate))

    return app

"""The defaults are copied before they are changed; the state that changes is the route's own."""

from flask import Flask, jsonify
from resonate.context import Context
from resonate.resonate import Resonate

DEFAULTS = {"retries": 3, "size": 10}
HIDDEN = ["secret"]

app = Flask(__name__)
hits: dict[str, int] = {}


@app.route("/hits/<page>", methods=["GET"])
def hit(page: str):
    hits[page] = hits.get(page, 0) + 1
    return jsonify(hits)


async def render(ctx: Context, page: str, options: dict[str, int]) -> str:
    return f"{page} ({options['size']})"


async def render_all(ctx: Context, pages: list[str], size: int) -> list[str]:
    options = dict(DEFAULTS)
    options["size"] = size
    hidden = [*HIDDEN]
    hidden.append("draft")
    shown = [page for page in pages if page not in hidden]
    merged = {**DEFAULTS, **options}
    merged.pop("retries")
    return [await ctx.run(render, page, merged) for page in shown]


def install(client: Resonate) -> None:
    client.register(render_all, name="pages.render")

# file: prices.py
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def total_cents(lines: list[tuple[int, int]]) -> int:
    return sum(quantity * cents for quantity, cents in lines)


async def capture(ctx: Context, order: str, cents: int) -> str:
    return f"{order}/{cents}"


async def settle_order(ctx: Context, order: str, lines: list[tuple[int, int]]) -> str:
    return await ctx.run(capture, order, total_cents(lines))


def serve(url: str) -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url=url, group="payments", retry_policy=policy)
    resonate.register(settle_order, name="settle-order")
    return resonate


# file: views.py
from datetime import timedelta

from flask import Flask, request
from resonate.resonate import Resonate

from prices import total_cents


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.route("/orders/<order>/quote", methods=["POST"])
    def quote(order: str):
        return {"order": order, "cents": total_cents(request.json["lines"])}

    @app.route("/orders/<order>/settlement", methods=["POST"])
    async def settle(order: str):
        lines = request.json["lines"]
        if total_cents(lines) <= 0:
            return {"error": "nothing to pay"}, 422
        payments = resonate.options(target="payments", timeout=timedelta(hours=2))
        handle = payments.rpc(f"settlement/{order}", "settle-order", order, lines)
        return {"id": await handle.id()}, 202

    return app

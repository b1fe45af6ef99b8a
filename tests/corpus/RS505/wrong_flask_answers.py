"""A route of Flask cannot await: what it puts into its answer is a coroutine."""

import json

from flask import Blueprint, current_app, jsonify
from resonate.resonate import Resonate

bp = Blueprint("quotes", __name__)


def client() -> Resonate:
    return current_app.extensions["resonate"]


@bp.get("/quotes/<number>")
def quote(number: str):
    handle = client().rpc(f"quote/{number}", "quote", number)
    price = handle.result()  # want: RS505
    return jsonify(number=number, price=price)


@bp.get("/quotes/<number>/raw")
def raw(number: str):
    handle = client().rpc(f"quote/{number}", "quote", number)
    return json.dumps({"id": handle.id, "price": handle.result()})  # want: RS505


async def total(numbers: list[str]) -> int:
    cents = 0
    for handle in [client().rpc(f"quote/{number}", "quote", number) for number in numbers]:
        cents += handle.result()  # want: RS505
    return cents

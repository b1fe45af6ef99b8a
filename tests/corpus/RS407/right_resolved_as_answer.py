from typing import Literal

from flask import Blueprint, current_app, request
from flask_login import login_required
from resonate.resonate import Resonate
from resonate.types import Value

bp = Blueprint("expenses", __name__)


@bp.route("/expenses/<int:expense>/decision", methods=["POST"])
@login_required
async def decide(expense: int):
    resonate: Resonate = current_app.extensions["resonate"]
    outcome: Literal["approved", "refused"] = "approved" if request.json["approved"] else "refused"
    # A refusal is an answer like any other: a value of the request may stand in it, for a resolved value is only data.
    answer = {"outcome": outcome, "remark": request.json.get("remark")}
    await resonate.promises.resolve(f"expense/{expense}", Value(data=answer))
    return answer

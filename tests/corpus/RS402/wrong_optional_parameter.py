from datetime import timedelta

from flask import Blueprint, request
from resonate.context import Context

bp = Blueprint("polls", __name__)


@bp.route("/polls/<poll>/tally", methods=["GET", "POST"])
async def tally(poll: str, durable: Context | None = None):  # want: RS402
    if durable is not None:
        await durable.sleep(timedelta(seconds=1))
    return {"poll": poll, "votes": request.args.getlist("vote")}, 202

# file: partners/doors.py
from functools import wraps

from flask import abort, current_app, request


def for_partners(function):
    @wraps(function)
    async def inner(*args, **kwargs):
        if request.headers.get("X-Partner") not in current_app.config["PARTNERS"]:
            abort(403)
        return await function(*args, **kwargs)

    return inner


# file: partners/views.py
from flask import Blueprint, current_app, request
from resonate.resonate import Resonate
from resonate.types import Value

from partners.doors import for_partners

bp = Blueprint("partners", __name__)
PREFIX = "partner/"


@bp.post("/partners/<path:name>/agreed")
@for_partners
async def agreed(name: str):
    resonate: Resonate = current_app.extensions["resonate"]
    await resonate.promises.resolve("".join([PREFIX, name]), Value(data=request.json))
    return "", 204

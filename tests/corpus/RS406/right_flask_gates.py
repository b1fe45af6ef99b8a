# file: shop/__init__.py
# file: shop/refunds.py
from flask import Blueprint, current_app
from flask_login import login_required
from resonate.resonate import Resonate
from resonate.types import Value

bp = Blueprint("refunds", __name__, url_prefix="/refunds")


@bp.post("/<int:refund>/approve")
@login_required
async def approve(refund: int):
    resonate: Resonate = current_app.extensions["resonate"]
    record = await resonate.promises.resolve(f"refund/{refund}", Value(data={"approved": True}))
    return {"state": record.state}


# file: shop/hooks.py
import hmac

from flask import Blueprint, abort, current_app, request
from resonate.resonate import Resonate
from resonate.types import Value

bp = Blueprint("hooks", __name__, url_prefix="/hooks")


@bp.before_request
def only_from_the_terminal() -> None:
    if not hmac.compare_digest(request.headers.get("X-Terminal", ""), current_app.config["TERMINAL_SECRET"]):
        abort(401)


@bp.post("/terminal/<int:sale>")
async def card_taken(sale: int):
    resonate: Resonate = current_app.extensions["resonate"]
    await resonate.promises.resolve(f"sale/{sale}", Value(data={"taken": True}))
    return "", 204

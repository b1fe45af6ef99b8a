import hashlib
import hmac

from resonate.resonate import Resonate
from resonate.types import Value
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def transfer_event(request: Request) -> Response:
    raw = await request.body()
    mac = hmac.new(request.app.state.secret, raw, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(mac, request.headers.get("x-bank-mac", "")):
        return Response(status_code=401)
    event = await request.json()
    resonate: Resonate = request.app.state.resonate
    await resonate.promises.resolve(f"transfer/{event['reference']}", Value(data={"state": event["state"]}))
    return Response(status_code=204)


app = Starlette(routes=[Route("/bank/events", transfer_event, methods=["POST"])])

import hashlib
import hmac

from resonate.resonate import Resonate
from resonate.types import Value
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def shipment_event(request: Request) -> Response:
    mac = hmac.new(request.app.state.secret, await request.body(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(mac, request.headers.get("x-mac", "")):
        return Response(status_code=401)
    event = await request.json()
    resonate: Resonate = request.app.state.resonate
    id = f"shipment/{event['shipment']}"
    if event["kind"] == "lost":
        await resonate.promises.reject(id, Value(data={"error": event["detail"]}))  # want: RS407
    else:
        await resonate.promises.resolve(id, Value(data={"kind": event["kind"]}))
    return Response(status_code=204)


app = Starlette(routes=[Route("/carrier", shipment_event, methods=["POST"])])

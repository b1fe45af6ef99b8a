"""HEAD wherever there is GET, and the methods that a path allows, whichever routers share it."""

from fastapi import FastAPI, Request
from starlette.routing import Match, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


class HeadAsGet:
    """ASGI middleware: HEAD is answered as GET is, without the body, unless a route takes HEAD itself.

    Starlette's own routes do so; FastAPI's do not.
    """

    def __init__(self, app: ASGIApp, router: Router) -> None:
        self.app = app
        self.router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or _is_routed(self.router, scope, "HEAD"):
            await self.app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        # A copy: the server goes by the method of its own scope.
        asked = {**scope, "method": "GET"}
        try:
            await self.app(asked, receive, send_head)
        finally:
            scope["route"] = asked.get("route")  # for the log line


def allowed_methods(request: Request) -> list[str]:
    """The methods that some route takes at the path of a request."""
    app: FastAPI = request.app
    found = [method for method in _METHODS if _is_routed(app.router, request.scope, method)]
    return ["GET", "HEAD", *(method for method in found if method not in ("GET", "HEAD"))] if "GET" in found else found


def _is_routed(router: Router, scope: Scope, method: str) -> bool:
    asked = {**scope, "method": method}
    return any(route.matches(asked)[0] is Match.FULL for route in router.routes)

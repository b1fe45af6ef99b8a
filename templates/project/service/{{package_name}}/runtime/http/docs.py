"""The API's description of itself: `/openapi.json`, and at `/docs` a page that shows it.

The page and all that it loads come from this service, so that no other host learns of it or puts a script into it. The
files are Swagger UI's, as fastapi-offline carries them; the page is ours, because FastAPI's holds an inline script,
which no strict Content-Security-Policy allows.
"""

import json
from html import escape
from importlib.resources import as_file, files

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.responses import FileResponse

from ..settings import ServiceSettings
from .auth import AuthenticatedRoute
from .problems import not_found

_FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon.png": "image/png",
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{base}/swagger-ui.css">
<link rel="icon" href="{base}/favicon.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{base}/swagger-ui-bundle.js"></script>
<script src="{base}/start.js"></script>
</body>
</html>
"""
# Swagger UI sets styles on elements, and draws with images that are in its code.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# What may be kept is the same for everybody, and looked for again.
_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}


def install_docs(app: FastAPI, settings: ServiceSettings) -> None:
    """Put these in the place of FastAPI's own routes for them. An application that has turned its own off has none."""
    own = {app.openapi_url, app.docs_url, app.redoc_url, app.swagger_ui_oauth2_redirect_url}
    described = [route for route in app.router.routes if getattr(route, "path", "") == app.openapi_url]
    app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", "") not in own]
    if not described or app.openapi_url is None or settings.serve_openapi is False:
        return
    kept = APIRouter(route_class=AuthenticatedRoute) if settings.serve_openapi is None else APIRouter()
    kept.add_api_route(app.openapi_url, described[0].endpoint, include_in_schema=False)  # type: ignore[attr-defined]
    app.include_router(kept)
    if app.docs_url is not None and settings.shows_docs:
        app.include_router(_page(app, app.docs_url, app.openapi_url))


def _page(app: FastAPI, docs_url: str, openapi_url: str) -> APIRouter:
    """The routes of the page."""
    router = APIRouter()

    @router.get(docs_url, include_in_schema=False)
    async def page(request: Request) -> Response:
        base = escape(request.scope.get("root_path", "").rstrip("/") + docs_url)
        return Response(_PAGE.format(title=escape(app.title), base=base), headers=_HEADERS, media_type="text/html")

    @router.get(f"{docs_url}/start.js", include_in_schema=False)
    async def start(request: Request) -> Response:
        url = request.scope.get("root_path", "").rstrip("/") + openapi_url
        options = {"url": url, "dom_id": "#swagger-ui", "deepLinking": True, **(app.swagger_ui_parameters or {})}
        return Response(f"SwaggerUIBundle({json.dumps(options)});\n", headers=_HEADERS, media_type="text/javascript")

    @router.get(docs_url + "/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        if name not in _FILES:
            raise not_found()
        with as_file(files("fastapi_offline") / "static" / name) as path:
            return FileResponse(path, headers=_HEADERS, media_type=_FILES[name])

    return router

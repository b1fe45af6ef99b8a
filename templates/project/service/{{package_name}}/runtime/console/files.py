"""The page's files: in this package, so that no other host learns of the console or puts a script into it."""

from importlib.resources import files

from fastapi import APIRouter, Response

from ..http.problems import not_found

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


def page_router() -> APIRouter:
    """The routes of the page and its files, which are read once."""
    known = {
        file.name: (file.read_bytes(), _TYPES[file.name.rpartition(".")[2]])
        for file in (files(__package__) / "page").iterdir()
        if file.name.rpartition(".")[2] in _TYPES
    }
    router = APIRouter()

    @router.get("/{name:path}", include_in_schema=False)
    async def file(name: str) -> Response:
        found = known.get(name or "index.html")
        if found is None:
            raise not_found()
        content, media_type = found
        return Response(content, headers={**_HEADERS, "Content-Type": media_type})

    return router

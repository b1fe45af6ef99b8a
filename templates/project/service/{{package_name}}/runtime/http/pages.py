"""Lists in pages over HTTP: which page is asked for, and a `Link` to the next one (RFC 8288)."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Query, Request, Response

from .auth import get_caller

Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(
        pattern="^[A-Za-z0-9_-]{1,4096}$", description="The `next_cursor` of the page before; the first one without."
    ),
]

LINK: dict[str, Any] = {
    "Link": {
        "description": 'Where the next page is: `</…>; rel="next"`; none on the last one.',
        "schema": {"type": "string"},
    }
}
"""The header of a page, as OpenAPI describes it."""


def link_next(cursor: str | None, request: Request, response: Response) -> None:
    """Say in the header `Link` where the page behind this cursor is; without one this was the last."""
    if cursor is None:
        return
    here = get_caller(request).link(quote(path_of(request), safe="/~:@!$&'()*+,;="))
    query = request.url.include_query_params(cursor=cursor).query
    response.headers["Link"] = f'<{here}?{query}>; rel="next"'


def path_of(request: Request) -> str:
    """The path of a request below the prefix that clients see."""
    path: str = request.scope["path"]
    root = request.scope.get("root_path", "")
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path

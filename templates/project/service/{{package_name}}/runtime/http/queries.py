"""Reads that start no work: a session for a query, and lists in pages, with a `Link` to the next one (RFC 8288)."""

from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from ..pages import Page
from ..reads import ReadDatabase
from .auth import get_caller
from .openapi import problems

Limit = Annotated[int, Query(ge=1, le=100, description="How many rows at most.")]
Cursor = Annotated[
    str | None,
    Query(
        pattern="^[A-Za-z0-9_-]{1,4096}$", description="The `next_cursor` of the page before; the first one without."
    ),
]

FOUND: dict[int | str, dict[str, Any]] = problems(
    (401, "The API key is missing or wrong."),
    (404, "There is no such thing."),
    (422, "The request does not fit its schema."),
    (503, "The database did not answer. Asking again is safe."),
    (504, "The database took too long. Asking again is safe."),
)
"""`responses` of a route that reads one thing by a query."""

LISTED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "Link": {
                "description": 'Where the next page is: `</…>; rel="next"`; none on the last one.',
                "schema": {"type": "string"},
            }
        }
    },
    **{status: response for status, response in FOUND.items() if status != 404},
}
"""`responses` of a route that reads a list by a query."""


def reading(request: Request) -> AbstractAsyncContextManager[AsyncSession]:
    """A session for a query: one transaction, in which the database refuses to write.

    Problems: 503 while the database is away, 504 for a statement that takes longer than READ_TIMEOUT.
    """
    reads: ReadDatabase = request.app.state.reads
    return reads.session()


def paged[R: BaseModel](page: Page[R], request: Request, response: Response) -> Page[R]:
    """The page, whose `Link` header says where the next one is."""
    if page.next_cursor is not None:
        path = request.scope["path"]
        root = request.scope.get("root_path", "")
        if root and path.startswith(f"{root}/"):
            path = path.removeprefix(root)
        here = get_caller(request).link(quote(path, safe="/~:@!$&'()*+,;="))
        query = request.url.include_query_params(cursor=page.next_cursor).query
        response.headers["Link"] = f'<{here}?{query}>; rel="next"'
    return page

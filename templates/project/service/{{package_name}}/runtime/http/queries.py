"""Reads that start no work: a session for a query, and lists in pages, with a `Link` to the next one (RFC 8288)."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from ..pages import Page
from ..reads import ReadDatabase
from .openapi import problems
from .pages import LINK, Cursor as Cursor, Limit as Limit, link_next

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
        "headers": LINK,
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
    link_next(page.next_cursor, request, response)
    return page

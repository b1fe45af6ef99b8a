"""Clinics over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from ..contracts.db.clinic import Clinic
from ..db.queries.clinic import find_clinic, list_clinics
from ..runtime.http.auth import AuthenticatedRoute
from ..runtime.http.openapi import IF_NONE_MATCH, SHOWN, authenticated
from ..runtime.http.queries import FOUND, LISTED, Cursor, Limit, paged, reading
from ..runtime.http.resources import show
from ..runtime.pages import Page, PageRequest

router = APIRouter(prefix="/clinics", tags=["clinics"], route_class=AuthenticatedRoute)


@router.get("", openapi_extra=authenticated(), responses=LISTED)
async def get_clinics(request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None) -> Page[Clinic]:
    """Clinics, in the order in which they were made. `Link` says where the next page is."""
    async with reading(request) as session:
        page = await list_clinics(session, PageRequest(limit, cursor, "id"))
    return paged(page, request, response)


@router.get(
    "/{clinic_id}", response_model=Clinic, openapi_extra=authenticated(IF_NONE_MATCH), responses={**FOUND, **SHOWN}
)
async def get_clinic(clinic_id: UUID, request: Request, response: Response) -> Clinic | Response:
    """A clinic. Its `ETag` is what a change of it says in `If-Match`."""
    async with reading(request) as session:
        found = await find_clinic(session, clinic_id)
    return show(found, request, response)

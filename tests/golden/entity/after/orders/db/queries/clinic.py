"""What the API reads of `clinics`."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ...contracts.db.clinic import Clinic
from ...runtime.pages import Orders, Page, PageRequest, read_page
from ..models import ClinicRow

ORDERS: Orders = {"id": (ClinicRow.id,)}


async def find_clinic(session: AsyncSession, clinic_id: UUID) -> Clinic | None:
    """The clinic with an id; None where there is none."""
    row = await session.get(ClinicRow, clinic_id)
    return None if row is None else Clinic.model_validate(row)


async def list_clinics(session: AsyncSession, page: PageRequest) -> Page[Clinic]:
    """A page of all clinics, in the order in which they were made."""
    return await read_page(session, select(ClinicRow), page, ORDERS, Clinic.model_validate)

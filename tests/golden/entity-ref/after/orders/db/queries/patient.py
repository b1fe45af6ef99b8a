"""What the API reads of `patients`."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ...contracts.db.patient import Patient
from ...runtime.pages import Orders, Page, PageRequest, read_page
from ..models import PatientRow

ORDERS: Orders = {"id": (PatientRow.id,)}


async def find_patient(session: AsyncSession, patient_id: UUID) -> Patient | None:
    """The patient with an id; None where there is none."""
    row = await session.get(PatientRow, patient_id)
    return None if row is None else Patient.model_validate(row)


async def list_patients(session: AsyncSession, page: PageRequest) -> Page[Patient]:
    """A page of all patients, in the order in which they were made."""
    return await read_page(session, select(PatientRow), page, ORDERS, Patient.model_validate)

"""The durable functions that write `patients`: each does so once."""

from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession

from ..contracts.db import patient as contract
from ..contracts.db.patient import DeletePatient, NewPatient, Patient, UpdatePatient
from ..runtime.database import Database
from ..runtime.durable import rows
from ..runtime.durable.ids import call_id, operation_id
from ..runtime.durable.once import once
from ..runtime.durable.rpc import serve
from .models import PatientRow


@serve(contract.create_patient, retries=6)
async def create_patient(ctx: Context, request: NewPatient) -> Patient:
    """Add a patient. The id of the call names the operation: it happens once, however often this runs."""

    async def effect(session: AsyncSession) -> Patient:
        row = PatientRow(id=rows.new_id(ctx), **dict(request))
        await rows.insert(session, row)
        return Patient.model_validate(row)

    return await once(
        ctx.get_dependency(Database), operation_id("create-patient", call_id(ctx)), request, Patient, effect
    )


@serve(contract.update_patient, retries=6)
async def update_patient(ctx: Context, request: UpdatePatient) -> Patient:
    """Change a patient, once."""

    async def effect(session: AsyncSession) -> Patient:
        row = await rows.update(session, PatientRow, request.id, request.changes, request.version)
        return Patient.model_validate(row)

    return await once(
        ctx.get_dependency(Database), operation_id("update-patient", call_id(ctx)), request, Patient, effect
    )


@serve(contract.delete_patient, retries=6)
async def delete_patient(ctx: Context, request: DeletePatient) -> Patient:
    """Delete a patient, once, and return it as it was."""

    async def effect(session: AsyncSession) -> Patient:
        row = await rows.delete(session, PatientRow, request.id, request.version)
        return Patient.model_validate(row)

    return await once(
        ctx.get_dependency(Database), operation_id("delete-patient", call_id(ctx)), request, Patient, effect
    )

"""The durable functions that write `clinics`: each does so once."""

from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession

from ..contracts.db import clinic as contract
from ..contracts.db.clinic import Clinic, DeleteClinic, NewClinic, UpdateClinic
from ..runtime.database import Database
from ..runtime.durable import rows
from ..runtime.durable.ids import call_id, operation_id
from ..runtime.durable.once import once
from ..runtime.durable.rpc import serve
from .models import ClinicRow


@serve(contract.create_clinic, retries=6)
async def create_clinic(ctx: Context, request: NewClinic) -> Clinic:
    """Add a clinic. The id of the call names the operation: it happens once, however often this runs."""

    async def effect(session: AsyncSession) -> Clinic:
        row = ClinicRow(id=rows.new_id(ctx), **dict(request))
        await rows.insert(session, row)
        return Clinic.model_validate(row)

    return await once(
        ctx.get_dependency(Database), operation_id("create-clinic", call_id(ctx)), request, Clinic, effect
    )


@serve(contract.update_clinic, retries=6)
async def update_clinic(ctx: Context, request: UpdateClinic) -> Clinic:
    """Change a clinic, once."""

    async def effect(session: AsyncSession) -> Clinic:
        row = await rows.update(session, ClinicRow, request.id, request.changes, request.version)
        return Clinic.model_validate(row)

    return await once(
        ctx.get_dependency(Database), operation_id("update-clinic", call_id(ctx)), request, Clinic, effect
    )


@serve(contract.delete_clinic, retries=6)
async def delete_clinic(ctx: Context, request: DeleteClinic) -> Clinic:
    """Delete a clinic, once, and return it as it was."""

    async def effect(session: AsyncSession) -> Clinic:
        row = await rows.delete(session, ClinicRow, request.id, request.version)
        return Clinic.model_validate(row)

    return await once(
        ctx.get_dependency(Database), operation_id("delete-clinic", call_id(ctx)), request, Clinic, effect
    )

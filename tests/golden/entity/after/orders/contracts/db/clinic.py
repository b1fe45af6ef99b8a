"""The entity `clinic`: its models, and what writes it."""

from typing import Annotated
from uuid import UUID

from pydantic import MISSING, BaseModel, ConfigDict, Field

from ...runtime.durable.rpc import Rpc
from ...runtime.errors import NoSuchReference, NotUnique, StillReferenced, VersionMismatch


class NewClinic(BaseModel):
    """What is given of a new clinic."""

    name: Annotated[str, Field(min_length=1, max_length=80)]


class Clinic(NewClinic):
    """A clinic, as it is kept. Each change makes another `version` of it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    version: int


class ClinicChanges(BaseModel):
    """Fields of a clinic to change; what is left out stays as it is."""

    name: Annotated[str, Field(min_length=1, max_length=80)] | MISSING = MISSING


class UpdateClinic(BaseModel):
    """Request of `db.update_clinic`; `version` is the one that it must have, if any."""

    id: UUID
    changes: ClinicChanges
    version: int | None = None


class DeleteClinic(BaseModel):
    """Request of `db.delete_clinic`; `version` is the one that it must have, if any."""

    id: UUID
    version: int | None = None


create_clinic = Rpc(
    name="db.create_clinic",
    group="db",
    request=NewClinic,
    result=Clinic,
    raises=(NoSuchReference, NotUnique),
)

update_clinic = Rpc(
    name="db.update_clinic",
    group="db",
    request=UpdateClinic,
    result=Clinic,
    raises=(NoSuchReference, NotUnique, VersionMismatch),
)

delete_clinic = Rpc(
    name="db.delete_clinic",
    group="db",
    request=DeleteClinic,
    result=Clinic,
    raises=(StillReferenced, VersionMismatch),
)

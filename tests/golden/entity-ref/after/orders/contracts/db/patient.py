"""The entity `patient`: its models, and what writes it."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import MISSING, BaseModel, ConfigDict, Field

from ...runtime.durable.rpc import Rpc
from ...runtime.errors import NoSuchReference, NotUnique, StillReferenced, VersionMismatch


class NewPatient(BaseModel):
    """What is given of a new patient."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    born: date
    plan: Literal["gold", "basic"] | None = None
    balance: Annotated[Decimal, Field(max_digits=18, decimal_places=2)]
    clinic_id: UUID
    referrer_id: UUID | None = None


class Patient(NewPatient):
    """A patient, as it is kept. Each change makes another `version` of it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    version: int


class PatientChanges(BaseModel):
    """Fields of a patient to change; what is left out stays as it is."""

    name: Annotated[str, Field(min_length=1, max_length=80)] | MISSING = MISSING
    born: date | MISSING = MISSING
    plan: Literal["gold", "basic"] | MISSING | None = MISSING
    balance: Annotated[Decimal, Field(max_digits=18, decimal_places=2)] | MISSING = MISSING
    clinic_id: UUID | MISSING = MISSING
    referrer_id: UUID | MISSING | None = MISSING


class UpdatePatient(BaseModel):
    """Request of `db.update_patient`; `version` is the one that it must have, if any."""

    id: UUID
    changes: PatientChanges
    version: int | None = None


class DeletePatient(BaseModel):
    """Request of `db.delete_patient`; `version` is the one that it must have, if any."""

    id: UUID
    version: int | None = None


create_patient = Rpc(
    name="db.create_patient",
    group="db",
    request=NewPatient,
    result=Patient,
    raises=(NoSuchReference, NotUnique),
)

update_patient = Rpc(
    name="db.update_patient",
    group="db",
    request=UpdatePatient,
    result=Patient,
    raises=(NoSuchReference, NotUnique, VersionMismatch),
)

delete_patient = Rpc(
    name="db.delete_patient",
    group="db",
    request=DeletePatient,
    result=Patient,
    raises=(StillReferenced, VersionMismatch),
)

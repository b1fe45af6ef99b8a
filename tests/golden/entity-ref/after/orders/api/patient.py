"""Patients over HTTP."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict

from ..contracts.db import patient as contract
from ..contracts.db.patient import Patient
from ..db.queries.patient import find_patient, list_patients
from ..runtime.durable.ids import root_id
from ..runtime.http.auth import AuthenticatedRoute, get_caller
from ..runtime.http.idempotency import get_submission
from ..runtime.http.openapi import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_MATCH_REQUIRED,
    IF_NONE_MATCH,
    POLLED,
    PREFER,
    SHOWN,
    authenticated,
    changed,
    created,
    deleted,
)
from ..runtime.http.queries import FOUND, LISTED, Cursor, Limit, paged, reading
from ..runtime.http.resources import answer, answer_nothing, expected_version, show
from ..runtime.http.work import Progress, poll, start, wait
from ..runtime.pages import Page, PageRequest

router = APIRouter(prefix="/patients", tags=["patients"], route_class=AuthenticatedRoute)


class NewPatient(contract.NewPatient):
    """What `POST /patients` takes."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "example",
                    "born": "2026-01-31",
                    "balance": "1.50",
                    "clinic_id": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11",
                }
            ]
        },
    )


class PatientChanges(contract.PatientChanges):
    """What `PATCH /patients/{id}` takes: the fields to change."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"name": "example"}]})


@router.post(
    "",
    status_code=201,
    response_model=Patient,
    openapi_extra=authenticated(IDEMPOTENCY_KEY, PREFER),
    responses=created(Progress[Patient]),
)
async def create_patient(body: NewPatient, request: Request, response: Response) -> Patient | Response:
    """Add a patient. It waits up to SYNC_WAIT, or as `Prefer: wait=N` says."""
    submission = get_submission(request)
    id = submission.public_id
    location = f"/patients/writes/create/{id}"
    started = await start(submission, contract.create_patient, root_id("create-patient", id), body, location)
    done = await wait(started, Patient, request, response)
    return answer(done, response, submission.link("/patients"))


@router.get("", openapi_extra=authenticated(), responses=LISTED)
async def get_patients(request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None) -> Page[Patient]:
    """Patients, in the order in which they were made. `Link` says where the next page is."""
    async with reading(request) as session:
        page = await list_patients(session, PageRequest(limit, cursor, "id"))
    return paged(page, request, response)


@router.get(
    "/{patient_id}", response_model=Patient, openapi_extra=authenticated(IF_NONE_MATCH), responses={**FOUND, **SHOWN}
)
async def get_patient(patient_id: UUID, request: Request, response: Response) -> Patient | Response:
    """A patient. Its `ETag` is what a change of it says in `If-Match`."""
    async with reading(request) as session:
        found = await find_patient(session, patient_id)
    return show(found, request, response)


@router.patch(
    "/{patient_id}",
    response_model=Patient,
    openapi_extra=authenticated(IDEMPOTENCY_KEY, IF_MATCH_REQUIRED, PREFER),
    responses=changed(Progress[Patient]),
)
async def update_patient(
    patient_id: UUID, body: PatientChanges, request: Request, response: Response
) -> Patient | Response:
    """Change a patient, unless somebody else has done so since the `ETag` in `If-Match`."""
    version = expected_version(request, required=True)
    submission = get_submission(request)
    id = submission.public_id
    location = f"/patients/writes/update/{id}"
    wanted = contract.UpdatePatient(id=patient_id, changes=body, version=version)
    started = await start(submission, contract.update_patient, root_id("update-patient", id), wanted, location)
    return answer(await wait(started, Patient, request, response), response)


@router.delete(
    "/{patient_id}",
    status_code=204,
    openapi_extra=authenticated(IDEMPOTENCY_KEY, IF_MATCH, PREFER),
    responses=deleted(Progress[Patient]),
)
async def delete_patient(patient_id: UUID, request: Request, response: Response) -> Response:
    """Delete a patient; with `If-Match` only that version of it."""
    version = expected_version(request)
    submission = get_submission(request)
    id = submission.public_id
    location = f"/patients/writes/delete/{id}"
    wanted = contract.DeletePatient(id=patient_id, version=version)
    started = await start(submission, contract.delete_patient, root_id("delete-patient", id), wanted, location)
    return answer_nothing(await wait(started, Patient, request, response), response)


@router.get("/writes/{operation}/{id}", openapi_extra=authenticated(PREFER), responses=POLLED)
async def poll_patient(
    operation: Literal["create", "update", "delete"], id: str, request: Request, response: Response
) -> Progress[Patient]:
    """How a creation, change or deletion goes that took longer. `Prefer: wait=N` waits for the end."""
    caller = get_caller(request)
    root = root_id(f"{operation}-patient", caller.visible(id))
    return Progress[Patient].of(await poll(caller, root, request, response))

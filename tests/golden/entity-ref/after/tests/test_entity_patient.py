"""The entity `patient`, on a real database."""

from uuid import UUID

import httpx
from sqlalchemy import func, select

from orders.contracts.db.clinic import DeleteClinic, NewClinic, create_clinic, delete_clinic
from orders.contracts.db.patient import NewPatient, create_patient
from orders.db.models import PatientRow
from orders.runtime.database import Database
from orders.runtime.testing.running import CallFunction, RunningService, StartService, problem

BODY: dict[str, object] = {"name": "example", "born": "2026-01-31", "balance": "1.50"}
OTHER: dict[str, object] = {"name": "another"}
CHANGES: dict[str, object] = {"name": "another"}
PATH = "/patients"
NOBODY = "0191e8a0-0000-7000-8000-000000000000"


async def needed(run: CallFunction) -> dict[str, object]:
    """BODY, with what it refers to."""
    clinic = await run(create_clinic, "test/clinic", NewClinic.model_validate({"name": "example"}))
    return {**BODY, "clinic_id": str(clinic.id)}


async def test_it_is_created_once(call: CallFunction, database: Database) -> None:
    wanted = NewPatient.model_validate(await needed(call))
    first = await call(create_patient, "test/1", wanted)
    # The engine has forgotten the first call, as after a crash: the function runs again under the same id.
    assert await call(create_patient, "test/1", wanted) == first
    async with database.read() as session:
        rows = select(func.count()).where(PatientRow.id >= first.id)
        assert await session.scalar(rows) == 1


async def test_what_it_refers_to(service: RunningService) -> None:
    wanted = NewPatient.model_validate(await needed(service.run))
    nothing = UUID("0191e8a0-0000-7000-8000-000000000000")
    other = wanted.model_copy(update={"clinic_id": nothing})
    lost = await service.outcome(create_patient, "test/1", other)
    assert lost.error is not None and lost.error.code == "no-such-reference"
    assert lost.members == {"fields": ["clinic_id"]}
    made = await service.run(create_patient, "test/made", wanted)
    assert made.clinic_id is not None
    unwanted_clinic = DeleteClinic(id=made.clinic_id)
    kept = await service.outcome(delete_clinic, "test/delete-1", unwanted_clinic)
    assert kept.error is not None and kept.error.code == "still-referenced"


async def create(service: RunningService, more: dict[str, object] | None = None, **headers: str) -> httpx.Response:
    body = await needed(service.run)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await service.http.post(PATH, json={**body, **(more or {})}, headers=named)


async def test_create_read_change_delete(service: RunningService) -> None:
    made = await create(service)
    assert made.status_code == 201, made.text
    location, tag = made.headers["Location"], made.headers["ETag"]
    assert location == f"{PATH}/{made.json()['id']}"
    found = await service.http.get(location)
    assert (found.status_code, found.json(), found.headers["ETag"]) == (200, made.json(), tag)
    known = await service.http.get(location, headers={"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")

    assert problem(await service.http.patch(location, json=CHANGES)) == (428, "precondition-required")
    changed = await service.http.patch(location, json=CHANGES, headers={"If-Match": tag})
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] != tag
    assert (await service.http.get(location)).json() == changed.json() == {**made.json(), **CHANGES, "version": 2}
    stale = await service.http.patch(location, json=CHANGES, headers={"If-Match": tag})
    assert problem(stale) == (412, "precondition-failed")
    assert problem(await service.http.delete(location, headers={"If-Match": tag})) == (412, "precondition-failed")

    gone = await service.http.delete(location)
    assert (gone.status_code, gone.content) == (204, b"")
    for answer in (
        await service.http.get(location),
        await service.http.patch(location, json={}, headers={"If-Match": "*"}),
        await service.http.delete(location),
    ):
        assert problem(answer) == (404, "not-found")


async def test_a_key_names_the_work(service: RunningService) -> None:
    first, again = await create(service, Idempotency_Key="k1"), await create(service, Idempotency_Key="k1")
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    for _ in range(2):  # A key is of one operation: this is another one.
        gone = await service.http.delete(first.headers["Location"], headers={"Idempotency-Key": "k1"})
        assert gone.status_code == 204, gone.text
    assert problem(await create(service, CHANGES, Idempotency_Key="k1")) == (422, "idempotency-key-reused")
    progress = (await service.http.get(f"{PATH}/writes/create/k1")).json()
    assert (progress["status"], progress["result"]) == ("succeeded", first.json())


async def test_what_is_unique(service: RunningService) -> None:
    assert (await create(service)).status_code == 201
    again = await create(service)
    assert problem(again) == (409, "not-unique")
    assert again.json()["fields"] == ["name", "born"]


async def test_pages(service: RunningService) -> None:
    made = [(await create(service)).json(), (await create(service, OTHER)).json()]
    found: list[object] = []
    page = await service.http.get(PATH, params={"limit": 1})
    found += page.json()["items"]
    while "next" in page.links:
        page = await service.http.get(page.links["next"]["url"])
        found += page.json()["items"]
    assert [it for it in found if it in made] == made
    assert problem(await service.http.get(PATH, params={"cursor": "none"}))[0] in (400, 422)


async def test_bad_requests(service: RunningService) -> None:
    bad: list[object] = [{**BODY, "unknown_field": 1}, [], "text"]
    for missing in ["name", "born", "balance"]:
        bad.append({name: value for name, value in BODY.items() if name != missing})
    for body in bad:
        assert problem(await service.http.post(PATH, json=body)) == (422, "invalid-request")
    malformed = await service.http.patch(f"{PATH}/{NOBODY}", json={}, headers={"If-Match": "none"})
    assert problem(malformed) == (400, "invalid-if-match")


async def test_callers(start_service: StartService) -> None:
    async with start_service(api_keys="alice:secret1") as service:
        for answer in (
            await service.http.get(PATH),
            await service.http.get(f"{PATH}/{NOBODY}"),
            await service.http.post(PATH, json=BODY),
            await service.http.patch(f"{PATH}/{NOBODY}", json={}),
            await service.http.delete(f"{PATH}/{NOBODY}"),
        ):
            assert problem(answer) == (401, "unauthorized")
        listed = await service.http.get(PATH, headers={"Authorization": "Bearer secret1"})
        assert listed.status_code == 200, listed.text

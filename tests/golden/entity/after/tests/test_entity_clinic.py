"""The entity `clinic`, on a real database."""

from sqlalchemy import func, select

from orders.contracts.db.clinic import (
    Clinic,
    ClinicChanges,
    DeleteClinic,
    NewClinic,
    UpdateClinic,
    create_clinic,
    delete_clinic,
    update_clinic,
)
from orders.db.models import ClinicRow
from orders.runtime.database import Database
from orders.runtime.testing.running import CallFunction, RunningService, StartService, problem

BODY: dict[str, object] = {"name": "example"}
CHANGES: dict[str, object] = {"name": "another"}
PATH = "/clinics"
NOBODY = "0191e8a0-0000-7000-8000-000000000000"


async def test_it_is_created_once(call: CallFunction, database: Database) -> None:
    wanted = NewClinic.model_validate(BODY)
    first = await call(create_clinic, "test/1", wanted)
    # The engine has forgotten the first call, as after a crash: the function runs again under the same id.
    assert await call(create_clinic, "test/1", wanted) == first
    async with database.read() as session:
        rows = select(func.count()).where(ClinicRow.id >= first.id)
        assert await session.scalar(rows) == 1


async def test_it_is_changed_and_deleted(call: CallFunction) -> None:
    wanted = NewClinic.model_validate(BODY)
    made = await call(create_clinic, "test/1", wanted)
    changes = ClinicChanges.model_validate(CHANGES)
    asked = UpdateClinic(id=made.id, changes=changes, version=made.version)
    changed = await call(update_clinic, "test/2", asked)
    assert changed.version == 2
    assert await call(delete_clinic, "test/3", DeleteClinic(id=made.id)) == changed


async def test_what_is_unique(service: RunningService) -> None:
    wanted = NewClinic.model_validate(BODY)
    await service.run(create_clinic, "test/1", wanted)
    again = await service.outcome(create_clinic, "test/2", wanted)
    assert again.error is not None and again.error.code == "not-unique"
    assert again.members["fields"] == ["name"]


async def test_it_is_read(service: RunningService) -> None:
    wanted = NewClinic.model_validate(BODY)
    made = await service.run(create_clinic, "test/1", wanted)
    found = await service.http.get(f"{PATH}/{made.id}")
    assert found.status_code == 200, found.text
    assert Clinic.model_validate(found.json()) == made
    assert found.json() in (await service.http.get(PATH, params={"limit": 100})).json()["items"]
    known = await service.http.get(f"{PATH}/{made.id}", headers={"If-None-Match": found.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert problem(await service.http.get(f"{PATH}/{NOBODY}")) == (404, "not-found")


async def test_callers(start_service: StartService) -> None:
    async with start_service(api_keys="alice:secret1") as service:
        for answer in (
            await service.http.get(PATH),
            await service.http.get(f"{PATH}/{NOBODY}"),
        ):
            assert problem(answer) == (401, "unauthorized")
        listed = await service.http.get(PATH, headers={"Authorization": "Bearer secret1"})
        assert listed.status_code == 200, listed.text

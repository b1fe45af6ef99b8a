"""The field `fee` of the entity `patient`."""

from typing import Any

from orders.contracts.db.patient import NewPatient, PatientChanges, UpdatePatient, create_patient, update_patient
from orders.runtime.testing.running import CallFunction

BODY: dict[str, object] = {"name": "example"}


async def test_it_is_kept(call: CallFunction) -> None:
    wanted: dict[str, Any] = BODY
    made = await call(create_patient, "test/1", NewPatient.model_validate(wanted))
    assert made.fee == NewPatient.model_validate(wanted).fee
    changes = PatientChanges.model_validate({"fee": "2.50"})
    changed = await call(update_patient, "test/2", UpdatePatient(id=made.id, changes=changes))
    assert changed.fee == changes.fee
    assert changed.version == 2

"""The workflow `keep-table`: it wakes up when it is canceled, and frees its table."""

from orders.contracts.workflows.keep_table import KeepTable, keep_table
from orders.runtime.testing.crashes import Crashes
from orders.runtime.testing.running import RunningService, problem


async def test_a_guest_cancels(service: RunningService) -> None:
    answer = await service.http.post("/tables", json={"guest": "Ada"}, headers={"Idempotency-Key": "t-1"})
    location = answer.headers["Location"]
    await service.poll_until(lambda: service.client.find("tables/t-1:2"), "it sleeps")

    canceled = await service.http.delete(location)
    assert canceled.status_code in (200, 202)
    ended = (await service.http.get(location, headers={"Prefer": "wait=10"})).json()
    assert (ended["status"], ended["error"]["code"]) == ("canceled", "canceled")
    freed = await service.client.find("tables/t-1:3")
    assert freed is not None and (freed.param.data["func"], freed.state) == ("tables.free", "resolved")
    assert (await service.http.delete(location)).status_code == 200
    assert problem(await service.http.delete("/jobs/tables/unknown")) == (404, "not-found")


def test_it_survives_crashes(crashes: Crashes) -> None:
    crashes(keep_table, KeepTable(guest="Ada"))

"""POST /tables over HTTP: a guest cancels, and the table is freed at once."""

from orders.runtime.engine.call_names import name_of_call
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
    assert freed is not None and (name_of_call(freed), freed.state) == ("tables.free", "resolved")
    assert (await service.http.delete(location)).status_code == 200
    assert problem(await service.http.delete("/jobs/tables/unknown")) == (404, "not-found")

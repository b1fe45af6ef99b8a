"""POST /place-order over HTTP."""

from typing import Any

import httpx

from orders.contracts.workflows.place_order import PlaceOrderResult
from orders.runtime.testing.running import RunningService, StartService, problem

PATH = "/place-order"
POLLED = "/jobs/place-order"
BODY: dict[str, object] = {"order_id": "example", "quantity": 1}
OTHER = {**BODY, "order_id": "another"}


async def ask(service: RunningService, body: object = BODY, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await service.http.request("POST", PATH, json=body, headers=named)


async def ended(service: RunningService, location: str, **headers: str) -> dict[str, Any]:
    answer = await service.http.get(location, headers={"Prefer": "wait=10", **headers})
    assert answer.status_code == 200, answer.text
    progress: dict[str, Any] = answer.json()
    return progress


async def test_it_runs(service: RunningService) -> None:
    answer = await ask(service)
    assert answer.status_code == 202, answer.text
    taken = answer.json()
    assert answer.headers["Location"] == taken["links"]["self"] == f"{POLLED}/{taken['id']}"
    progress = await ended(service, answer.headers["Location"])
    assert (progress["status"], progress["error"]) == ("succeeded", None)
    assert PlaceOrderResult.model_validate(progress["result"])
    assert problem(await service.http.delete(answer.headers["Location"])) == (409, "already-ended")
    (listed,) = (await service.http.get("/jobs/place-order")).json()["items"]
    assert listed["links"]["self"].rpartition("/")[2] == progress["id"]


async def test_a_key_names_the_work(service: RunningService) -> None:
    first, again = await ask(service, Idempotency_Key="k1"), await ask(service, Idempotency_Key="k1")
    assert first.headers["Location"] == again.headers["Location"] == f"{POLLED}/k1"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert problem(await ask(service, OTHER, Idempotency_Key="k1")) == (422, "idempotency-key-reused")


async def test_bad_requests(service: RunningService) -> None:
    headers = {"Idempotency_Key": "bad-1"}
    bad: list[object] = [{**BODY, "unknown_field": 1}, [], "text"]
    bad += [{name: value for name, value in BODY.items() if name != missing} for missing in BODY]
    for body in bad:
        assert problem(await ask(service, body, **headers)) == (422, "invalid-request")


async def test_unknown_ids(service: RunningService) -> None:
    assert problem(await service.http.get(f"{POLLED}/unknown")) == (404, "not-found")
    assert problem(await service.http.delete(f"{POLLED}/unknown")) == (404, "not-found")


async def test_callers(start_service: StartService) -> None:
    async with start_service(api_keys="alice:secret1,bob:secret2") as service:
        assert problem(await ask(service)) == (401, "unauthorized")
        alice = {"Authorization": "Bearer secret1", "Idempotency_Key": "k1"}
        location = (await ask(service, **alice)).headers["Location"]
        assert location.startswith(f"{POLLED}/alice.")
        await ended(service, location, Authorization="Bearer secret1")
        bobs = await service.http.get(location, headers={"Authorization": "Bearer secret2"})
        assert problem(bobs) == (404, "not-found")
        bobs = await service.http.delete(location, headers={"Authorization": "Bearer secret2"})
        assert problem(bobs) == (404, "not-found")

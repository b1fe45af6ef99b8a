"""POST /prices over HTTP."""

from typing import Any

import httpx

from orders.contracts.workflows.price_basket import PriceBasketResult
from orders.runtime.testing.running import RunningService, StartService, problem

PATH = "/prices"
POLLED = "/jobs/prices"
BODY: dict[str, object] = {"sku": "example"}


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
    assert answer.status_code == 200, answer.text
    assert PriceBasketResult.model_validate(answer.json())
    progress = await ended(service, answer.headers["Location"])
    assert (progress["status"], progress["error"]) == ("succeeded", None)
    assert PriceBasketResult.model_validate(progress["result"])
    assert problem(await service.http.delete(answer.headers["Location"])) == (409, "already-ended")
    (listed,) = (await service.http.get("/jobs/prices")).json()["items"]
    assert listed["links"]["self"].rpartition("/")[2] == progress["id"]


async def test_each_request_is_new_work(service: RunningService) -> None:
    first, again = await ask(service, Idempotency_Key="k1"), await ask(service, Idempotency_Key="k1")
    assert first.headers["Location"] != again.headers["Location"]


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

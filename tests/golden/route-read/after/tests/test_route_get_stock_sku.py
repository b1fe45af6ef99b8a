"""GET /stock/{sku} over HTTP."""

from orders.contracts.db.get_stock import GetStockResult
from orders.runtime.testing.running import RunningService, StartService, problem

PATH = "/stock/example"


async def test_it_answers(service: RunningService) -> None:
    answer = await service.http.get(PATH)
    assert answer.status_code == 200, answer.text
    GetStockResult.model_validate(answer.json())


async def test_openapi(service: RunningService) -> None:
    document = (await service.http.get("/openapi.json")).json()
    read = document["paths"]["/stock/{sku}"]["get"]
    assert {"200", "default", "503", "504"} <= set(read["responses"])


async def test_callers(start_service: StartService) -> None:
    async with start_service(api_keys="alice:secret1") as service:
        assert problem(await service.http.get(PATH)) == (401, "unauthorized")
        answer = await service.http.get(PATH, headers={"Authorization": "Bearer secret1"})
        assert answer.status_code != 401

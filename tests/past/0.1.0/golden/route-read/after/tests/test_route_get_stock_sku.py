"""GET /stock/{sku} over HTTP."""

from orders.contracts.db import GetStockResult
from tests.conftest import Service, Start, problem

PATH = "/stock/example"


async def test_it_answers(service: Service) -> None:
    answer = await service.http.get(PATH)
    assert answer.status_code == 200, answer.text
    GetStockResult.model_validate(answer.json())


async def test_openapi(service: Service) -> None:
    document = (await service.http.get("/openapi.json")).json()
    read = document["paths"]["/stock/{sku}"]["get"]
    assert {"200", "500", "503", "504"} <= set(read["responses"])


async def test_callers(start: Start) -> None:
    async with start(api_keys="alice:secret1") as service:
        assert problem(await service.http.get(PATH)) == (401, "unauthorized")
        answer = await service.http.get(PATH, headers={"Authorization": "Bearer secret1"})
        assert answer.status_code != 401

"""`http.openapi`: what the document says."""

import json
from decimal import Decimal

from fastapi import FastAPI
from pydantic import BaseModel
from shop.runtime.http.openapi import authenticated, extend_openapi
from shop.runtime.http.signatures import STANDARD
from shop.runtime.http.webhooks import Webhook
from shop.runtime.testing.running import RunningService, StartService

from . import orders as order_routes


def is_error(status: str) -> bool:
    """Whether it is a status of problems."""
    return status == "default" or int(status) >= 400


async def test_errors_are_described_as_problems(orders: RunningService) -> None:
    document = (await orders.http.get("/openapi.json")).json()
    assert "HTTPValidationError" not in json.dumps(document["paths"]["/readyz"])
    assert "ProblemDetails" in document["components"]["schemas"]
    for path in ("/readyz", "/customers/{customer_id}/orders", "/webhooks/payments"):
        for method, operation in document["paths"][path].items():
            errors = {
                status: it for status, it in operation["responses"].items() if status == "default" or int(status) >= 400
            }
            assert errors, (method, path)
            for status, response in errors.items():
                assert list(response["content"]) == ["application/problem+json"], (method, path, status)


async def test_the_services_own_routes_have_no_other_errors(service: RunningService) -> None:
    document = (await service.http.get("/openapi.json")).json()
    assert "HTTPValidationError" not in json.dumps(document)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if is_error(status):
                    assert list(response["content"]) == ["application/problem+json"], (method, path, status)


async def test_the_models_and_headers_of_work(orders: RunningService) -> None:
    document = (await orders.http.get("/openapi.json")).json()
    assert {"Accepted", "Links", "Progress_Receipt_", "Receipt", "Status"} <= set(document["components"]["schemas"])
    waits = document["paths"]["/customers/{customer_id}/orders/{number}"]["put"]["responses"]
    assert set(waits) == {"200", "202", "400", "401", "408", "413", "415", "422", "503", "default"}
    assert set(waits["202"]["headers"]) == {"Location", "Idempotent-Replayed", "Preference-Applied"}


async def test_work_is_linked_to_where_it_is_polled(orders: RunningService) -> None:
    document = (await orders.http.get("/openapi.json")).json()
    poll = document["paths"]["/customers/{customer_id}/orders/{id}"]["get"]
    accepted = document["paths"]["/customers/{customer_id}/orders"]["post"]["responses"]["202"]
    assert accepted["links"]["poll"] == {
        "operationId": poll["operationId"],
        "parameters": {"customer_id": "$request.path.customer_id", "id": "$response.body#/id"},
    }


def test_the_document_is_the_same_whenever_it_is_asked_for() -> None:
    """Also a link to work that is polled elsewhere, which the route itself says only once."""
    app = FastAPI()

    @app.post("/visits", status_code=202, openapi_extra=authenticated(polled_at="/jobs/visits/{id}"))
    def start() -> None:
        pass

    @app.get("/jobs/visits/{id}")
    def poll(id: str) -> None:
        pass

    extend_openapi(app, with_keys=False)
    first = json.dumps(app.openapi())
    assert json.loads(first)["paths"]["/visits"]["post"]["responses"]["202"]["links"]["poll"]
    assert json.dumps(app.openapi()) == first


async def test_integers_have_64_bits(orders: RunningService) -> None:
    document = (await orders.http.get("/openapi.json")).json()
    parameters = document["paths"]["/customers/{customer_id}/orders"]["post"]["parameters"]
    (number,) = [parameter["schema"] for parameter in parameters if parameter["name"] == "number"]
    assert (number["type"], number["format"]) == ("integer", "int64")


def test_decimals_of_a_webhook_are_described() -> None:
    class Paid(BaseModel):
        amount: Decimal

    body = Webhook("payments", STANDARD).takes(Paid)["requestBody"]["content"]["application/json"]["schema"]
    amount = body["properties"]["amount"]
    assert [part["format"] for part in amount["anyOf"] if part["type"] == "string"] == ["decimal"]


async def test_keys_are_asked_for_where_there_are_any(start_service: StartService) -> None:
    open_to_all: list[dict[str, list[str]]] = [{"ApiKey": []}, {}]
    for keys, security in (("", open_to_all), ("alice:secret1", open_to_all[:1])):
        async with start_service(order_routes.SERVED, api_keys=keys, serve_openapi=True) as service:
            order_routes.include(service.app)
            document = (await service.http.get("/openapi.json")).json()
            assert document["paths"]["/customers/{customer_id}/orders"]["post"]["security"] == security
            assert "security" not in document["paths"]["/webhooks/payments"]["post"]

"""`http.resources`: a change of what its client has seen, and nobody has changed since."""

from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel
from shop.runtime.http.problems import install_handlers
from shop.runtime.http.resources import answer, answer_nothing, expected_version, show
from shop.runtime.testing.running import problem

ID = UUID("0191e8a0-0000-7000-8000-000000000000")


class Thing(BaseModel):
    id: UUID = ID
    version: int = 3


def client() -> httpx.AsyncClient:
    app = FastAPI()
    install_handlers(app)

    @app.get("/things/{id}", response_model=Thing)
    async def get(id: int, request: Request, response: Response) -> Thing | Response:
        return show(Thing() if id else None, request, response)

    @app.patch("/things")
    async def patch(request: Request) -> dict[str, int | None]:
        return {"version": expected_version(request, required=True)}

    @app.delete("/things")
    async def delete(request: Request, response: Response) -> Response:
        expected_version(request)
        response.headers["Location"] = "/work/1"
        response.headers["Idempotent-Replayed"] = "true"
        return answer_nothing(Thing(), response)

    @app.post("/things", status_code=201, response_model=Thing)
    async def post(response: Response, later: bool = False) -> Thing | Response:
        response.headers["Location"] = "/work/1"
        done = Response(status_code=202, headers=dict(response.headers)) if later else Thing()
        return answer(done, response, "/things")

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_a_get_shows_the_version_once() -> None:
    async with client() as http:
        found = await http.get("/things/1")
        assert (found.status_code, found.headers["ETag"], found.json()["version"]) == (200, '"3"', 3)
        for known in ('"3"', 'W/"3"', '"1", "3"', "*"):
            again = await http.get("/things/1", headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", '"3"')
        for other in ('"2"', '"33"', "3", "", '"1", W/"2"'):
            assert (await http.get("/things/1", headers={"If-None-Match": other})).status_code == 200
        assert problem(await http.get("/things/0")) == (404, "not-found")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"3"', 3),
        ("*", None),
        (None, (428, "precondition-required")),
        ('W/"3"', (412, "precondition-failed")),  # RFC 9110: If-Match compares strongly.
        ('"abc"', (412, "precondition-failed")),
        ('""', (412, "precondition-failed")),
        ("3", (400, "invalid-if-match")),
        ('"3", "4"', (400, "invalid-if-match")),
        ('"', (400, "invalid-if-match")),
    ],
)
async def test_if_match(given: str | None, expected: object) -> None:
    async with client() as http:
        answered = await http.patch("/things", headers={} if given is None else {"If-Match": given})
        found = answered.json()["version"] if answered.status_code == 200 else problem(answered)
        assert found == expected


async def test_if_match_twice_is_malformed() -> None:
    async with client() as http:
        answered = await http.patch("/things", headers=[("If-Match", '"3"'), ("If-Match", '"4"')])
        assert problem(answered) == (400, "invalid-if-match")


async def test_what_was_made_is_where_it_is() -> None:
    async with client() as http:
        made = await http.post("/things")
        assert (made.status_code, made.headers["Location"], made.headers["ETag"]) == (201, f"/things/{ID}", '"3"')
        later = await http.post("/things", params={"later": True})
        assert (later.status_code, later.headers["Location"], "ETag" in later.headers) == (202, "/work/1", False)


async def test_what_is_gone_is_nowhere() -> None:
    async with client() as http:
        gone = await http.delete("/things")
        assert (gone.status_code, gone.content, "Location" in gone.headers) == (204, b"", False)
        assert gone.headers["Idempotent-Replayed"] == "true"

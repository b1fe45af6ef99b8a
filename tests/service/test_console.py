"""`console`: who may use it, what it tells, and what it does. `tests/test_console.py` has it in a browser."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from shop.runtime import dev
from shop.runtime.console import routes, server
from shop.runtime.console.access import Access
from shop.runtime.console.open_questions import OpenQuestions
from shop.runtime.console.server import access_of, address_of, create_console
from shop.runtime.engine import run_tree
from shop.runtime.engine.client import EngineClient
from shop.runtime.errors import EngineRefused, EngineUnavailable, OperatorError
from shop.runtime.service import Service
from shop.runtime.settings import ServiceSettings
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import free_port, problem

from .planting import PlantedSettings, planted_service
from .telemetry import Log

pytestmark = pytest.mark.usefixtures("no_settings")

TOKEN = "a-token-of-more-than-20-characters"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HERE = "http://localhost:8002"
CONTRACTS = """
from datetime import timedelta
from pydantic import BaseModel, Field
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.rpc import Rpc


class Work(BaseModel):
    number: int
    card: str = Field(default="4111", repr=False)


class Done(BaseModel):
    note: str


class Decision(BaseModel):
    approved: bool
    note: str = Field(default="", max_length=10)


work = Rpc("work", "workers", Work, Done)
idle = Rpc("idle", "payments.workers", Done, Done)
decide = Gate("decide", Decision)
"""
WORKFLOWS = """
from datetime import timedelta
from shop.runtime.durable.rpc import serve
from shop.runtime.durable.schedules import Schedule
from shop.runtime.errors import Failure
from ..contracts.work import Done, Work, decide, work


@serve(work)
async def do_work(ctx, request: Work) -> Done:
    if request.number < 0:
        raise Failure("there is no such number")
    await ctx.run(look_up)
    decision = await decide.wait(ctx, timedelta(minutes=1))
    return Done(note=decision.note if decision else "")


async def look_up(ctx) -> int:
    return 1


SERVED = [do_work]
SCHEDULES = [Schedule("nightly", "0 2 * * *", do_work, Work(number=1))]
"""


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Service]:
    files = {"contracts/work.py": CONTRACTS, "workflows/worker.py": WORKFLOWS}
    with planted_service(tmp_path, files) as service:
        yield service


class Console:
    """A console, and the client of the engine that its service runs on."""

    def __init__(self, service: Service, client: EngineClient, http: httpx.AsyncClient) -> None:
        self.service, self.client, self.http = service, client, http

    async def start(self, run: str, number: int) -> None:
        contracts = self.service.module("contracts.work")
        await contracts.work.start(self.client, run, contracts.Work(number=number))

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.http.get(f"/api/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.http.post(f"/api/{path}", json=body)

    async def until(self, run: str, **wanted: Any) -> Any:
        """The run, once it has these members."""
        async with asyncio.timeout(10):
            while True:
                answer = await self.http.get("/api/run", params={"id": run})
                if answer.status_code == 200:
                    found = answer.json()
                    seen = {**found, "status": found["run"]["status"], "asks": len(found["questions"])}
                    if wanted.items() <= seen.items():
                        return found
                await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(service: Service, token: str | None = None) -> AsyncIterator[Console]:
    settings = make_settings(service)
    app = dev.create_app(service, settings, tick=0.05)
    async with app.router.lifespan_context(app):
        client: EngineClient = app.state.client
        access = Access(frozenset({"localhost"}), token)
        page = create_console(service, access, lambda: nullcontext(client))
        transport = httpx.ASGITransport(app=page, raise_app_exceptions=False)
        async with (
            page.router.lifespan_context(page),
            httpx.AsyncClient(transport=transport, base_url=HERE, headers=BEARER if token else {}) as http,
        ):
            yield Console(service, client, http)


@pytest.fixture
async def console(planted: Service) -> AsyncIterator[Console]:
    async with opened(planted) as console:
        yield console


JSON = {"Content-Type": "application/json"}
FOREIGN = "http://evil.example"


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/api/runs", {}, 200),
        ("/api/runs", {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}, 200),
        ("/api/runs", {"Host": "127.0.0.1:8002"}, 200),
        ("/api/runs", {"Host": "evil.example"}, (421, "host-not-allowed")),
        ("/", {"Host": "evil.example:8002"}, (421, "host-not-allowed")),
        ("/api/runs", {"Origin": FOREIGN}, (403, "foreign-origin")),
        ("/api/runs", {"Origin": "http://localhost:9999"}, (403, "foreign-origin")),
        ("/api/runs", {"Origin": "http://["}, (403, "foreign-origin")),
        ("/api/runs", {"Origin": "null"}, (403, "foreign-origin")),
        ("/api/runs", {"Sec-Fetch-Site": "cross-site"}, (403, "foreign-origin")),
        ("/app.js", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, (403, "foreign-origin")),
        ("/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ("/api/runs", {"Authorization": ""}, (401, "unauthorized")),
        ("/api/runs", {"Authorization": "Bearer another-token-of-20-characters"}, (401, "unauthorized")),
        ("/api/no-such", {"Authorization": ""}, (401, "unauthorized")),
        ("/", {"Authorization": ""}, 200),
        ("/../server.py", {}, (404, "not-found")),
        ("/page/index.html", {}, (404, "not-found")),
    ],
)
async def test_who_may_read(planted: Service, path: str, headers: dict[str, str], expected: Any) -> None:
    async with opened(planted, TOKEN) as console:
        answer = await console.http.get(path, headers=headers)
    assert (problem(answer) if isinstance(expected, tuple) else answer.status_code) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({**JSON, "Origin": HERE}, 200),
        ({"Content-Type": "Application/JSON; charset=utf-8"}, 200),
        ({}, (415, "unsupported-media-type")),
        ({"Content-Type": "text/plain"}, (415, "unsupported-media-type")),
        ({"Content-Type": "application/x-www-form-urlencoded"}, (415, "unsupported-media-type")),
        ({**JSON, "Origin": FOREIGN}, (403, "foreign-origin")),
        ({**JSON, "Authorization": ""}, (401, "unauthorized")),
    ],
)
async def test_who_may_steer(planted: Service, headers: dict[str, str], expected: Any) -> None:
    async with opened(planted, TOKEN) as console:
        url = "/api/schedules/run"
        answer = await console.http.post(url, content=b'{"name": "nightly"}', headers=headers)
        started = await console.get("runs")
    assert (problem(answer) if isinstance(expected, tuple) else answer.status_code) == expected
    assert len(started["runs"]) == (expected == 200)


async def test_the_page_loads_from_here_alone_and_runs_nothing_inline(console: Console) -> None:
    answer = await console.http.get("/")
    html = answer.text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert re.findall(r"<style|style=|\son\w+=|<script(?![^>]* src=)", html) == []
    left, seen = re.findall(r'(?:src|href)="([^#"]+)"', html), set[str]()
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            file = await console.http.get(f"/{name}")
            assert file.status_code == 200, name
            assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", file.text), name
            left += re.findall(r'from "\./([^"]+)"', file.text)
    assert len(seen) > 10


def test_other_machines_need_a_token(definition: Service) -> None:
    settings = make_settings(definition)
    assert access_of(settings, "127.0.0.1").token is None
    made = access_of(settings, "0.0.0.0")
    assert len(made.token or "") > 40
    assert address_of(made, "0.0.0.0", 8002) == f"http://127.0.0.1:8002/#token={made.token}"
    given = make_settings(definition, console_token=TOKEN, allowed_hosts="ops.example.com")
    assert access_of(given, "0.0.0.0") == Access(
        frozenset({"localhost", "*.localhost", "0.0.0.0", "ops.example.com"}), TOKEN
    )
    with pytest.raises(OperatorError, match="could be guessed"):
        access_of(make_settings(definition, console_token="short"), "127.0.0.1")


async def test_a_run_is_told_with_what_can_be_done(console: Console) -> None:
    await console.start("job/1", 7)
    found = await console.until("job/1", asks=1)
    assert (found["can_cancel"], found["can_retry"]) == (True, False)
    assert found["questions"][0]["payload_schema"]["required"] == ["approved"]
    (step,) = [call for call in found["root"]["calls"] if call["name"] == "look_up"]
    assert [found["root"]["request"], step["result"]] == [None, None]  # Only what is opened.
    package = console.service.package
    lines = WORKFLOWS.splitlines()
    assert found["sources"][found["root"]["id"]] == {
        "path": f"{package}/workflows/worker.py",
        "line": lines.index("@serve(work)") + 1,
    }
    assert found["sources"][step["id"]]["line"] == lines.index("async def look_up(ctx) -> int:") + 1
    shown = await console.get("run", id="job/1", opened=["job/1", step["id"]])
    assert shown["root"]["request"] == {"number": 7, "card": "**********"}
    assert [call["result"] for call in shown["root"]["calls"] if call["name"] == "look_up"] == [1]
    assert problem(await console.http.get("/api/run", params={"id": "job/none"})) == (404, "not-found")


async def test_an_answer_is_checked_taken_and_kept(console: Console) -> None:
    await console.start("job/2", 7)
    await console.until("job/2", asks=1)
    assert (await console.get("gates"))["questions"][0]["run"] == "job/2"
    assert (await console.get("attention"))["asking"] == {"job/2": "decide"}
    body = {"gate": "decide", "run": "job/2", "answer": {"approved": "perhaps", "note": "much too long"}}
    refused = await console.post("gates/answer", body)
    assert problem(refused) == (422, "invalid-request")
    assert sorted(error["at"] for error in refused.json()["errors"]) == ["approved", "note"]
    body["answer"] = {"approved": True, "note": "fine"}
    assert (await console.post("gates/answer", body)).json() == {"detail": "The answer is taken."}
    found = await console.until("job/2", status="succeeded")
    assert (found["can_cancel"], found["can_retry"]) == (False, False)
    body["answer"] = {"approved": False}
    assert problem(await console.post("gates/answer", body)) == (409, "conflict")
    assert problem(await console.post("gates/answer", {**body, "run": "job/none"})) == (404, "unknown")
    assert problem(await console.post("gates/answer", {**body, "gate": "none"})) == (404, "not-found")
    assert await console.get("gates") == {"questions": [], "is_cut": False}


async def test_a_run_is_started_again_and_canceled(console: Console, log: Log) -> None:
    await console.start("job/3", -1)
    found = await console.until("job/3", status="failed")
    assert (found["can_cancel"], found["can_retry"]) == (False, True)
    assert (await console.post("runs/retry", {"id": "job/3"})).json() == {"run": "job/3+run2"}
    assert (await console.until("job/3", status="failed"))["can_retry"] is False  # It has a newer run.
    await console.start("job/4", 1)
    await console.until("job/4", asks=1)
    answer = await console.post("runs/cancel", {"id": "job/4"})
    assert answer.status_code == 200, answer.text
    await console.until("job/4", status="canceled")
    refused = await console.post("runs/cancel", {"id": "job/3"})
    assert problem(refused) == (409, "refused")
    assert refused.json()["detail"] == "Job/3 has failed. Only a job that has not ended is canceled."
    told = [line["message"] for line in log.lines(level="INFO") if "console" in line["message"]]
    assert told == ["a run was started again from the console", "a run was canceled from the console"]


async def test_groups_and_schedules(console: Console) -> None:
    service = await console.get("service")
    assert (service["name"], service["root"], service["kinds"]) == ("planted", str(Path.cwd()), ["schedule"])
    groups = {group["group"]: group for group in await console.get("workers")}
    assert set(groups) == {"planted.workers", "planted.db", "payments.workers"}
    assert groups["planted.workers"]["command"] == f"python -m {console.service.package} worker"
    assert groups["payments.workers"]["command"] is None and not groups["payments.workers"]["is_ours"]
    (nightly,) = await console.get("schedules")
    assert (nightly["name"], nightly["workflow"], len(nightly["next_times"])) == ("nightly", "work", 3)
    assert nightly["source"]["path"].endswith("workflows/worker.py")


async def test_a_tree_is_not_read_again_at_each_look(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    await console.start("job/5", 1)
    await console.until("job/5", asks=1)
    read: list[str] = []
    find_tree = run_tree.find_tree

    async def counted(client: EngineClient, run: str) -> Any:
        read.append(run)
        return await find_tree(client, run)

    monkeypatch.setattr("shop.runtime.console.open_questions.find_tree", counted)
    monkeypatch.setattr("shop.runtime.console.open_questions.FRESH", 0.0)
    questions = OpenQuestions(console.service.gates())
    for _ in range(3):
        found, is_cut = await questions.find(console.client)
        assert ([question.run for question in found], is_cut) == (["job/5"], False)
    assert read == ["job/5"]


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (OperatorError("the role may not read", "Grant it."), (409, "refused"), "The role may not read. Grant it."),
        (EngineUnavailable("the engine did not answer"), (503, "engine-unavailable"), "The engine did not answer. "),
        (EngineRefused(401), (503, "engine-refused"), "it is missing, wrong or expired. Set a good one."),
        (RuntimeError("a secret"), (500, "internal-error"), "Something went wrong here. It has been logged."),
    ],
)
async def test_what_goes_wrong_is_said(
    console: Console, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: Any, words: str
) -> None:
    async def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(routes, "list_runs", fail)
    answer = await console.http.get("/api/runs")
    assert problem(answer) == expected
    assert words in answer.json()["detail"] and "a secret" not in answer.text


async def test_a_cursor_that_is_none_is_refused(console: Console) -> None:
    assert problem(await console.http.get("/api/runs", params={"cursor": "none"})) == (422, "invalid-cursor")


async def test_dev_serves_it_beside_the_api(planted: Service, log: Log) -> None:
    settings = make_settings(planted, console_port=free_port())
    url = f"http://127.0.0.1:{settings.console_port}"
    app = dev.create_app(planted, settings, with_console=True)
    async with app.router.lifespan_context(app), httpx.AsyncClient() as http:
        assert (await http.get(f"{url}/api/service")).json()["name"] == "planted"
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(url)
    with socket.create_server(("127.0.0.1", settings.console_port)):
        async with app.router.lifespan_context(app):
            pass
    (line,) = log.lines(level="WARNING")
    assert f"no console: port {settings.console_port} is not free" in line["message"]


def test_the_command_says_what_to_open(planted: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[ServiceSettings] = []
    said: list[str] = []
    monkeypatch.setattr(server, "serve", lambda app, settings: served.append(settings))
    settings = PlantedSettings(console_port=9002, _env_file=None)
    server.serve_console(planted, settings, "::1", said.append)
    assert said == ["http://[::1]:9002"]
    assert (served[0].host, served[0].port) == ("::1", 9002)

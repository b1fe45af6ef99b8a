"""The console in a real browser, beside a service as the processes it really is, on the embedded engine."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from resonate_base import PROTOCOL_VERSION

from .browser import BINARY, Browser
from .grown import NAME, fresh, grown, made_by_new, rewritten
from .topology import OTHER_SECRET, SECRET, Topology, free_port

pytestmark = pytest.mark.skipif(BINARY is None, reason="there is no Chromium")

CONSOLE_PORT = free_port()
TOKEN = "a-token-of-more-than-20-characters"
# A group of the service's own that nobody runs here, a schedule, and a gate whose answers have several fields.
ADDS = (
    "add group billing",
    "add rpc billing.compute-tax --takes key:str --returns key:str",
    "add workflow invoice --takes key:str --returns key:str --calls billing.compute-tax",
    "add route POST /invoices --workflow invoice",
    "add workflow nightly --returns key:str",
    "add schedule nightly --workflow nightly --cron '0 2 * * *'",
    "add workflow survey --takes key:str --returns key:str",
    "add route POST /surveys --workflow survey",
    "add webhook review --takes approved:bool --takes stars:int --takes note:str --workflow survey",
)
SURVEY = '''"""A workflow that returns the note of its review."""

from datetime import timedelta

from resonate.context import Context

from ..contracts.workflows import survey as contract
from ..contracts.workflows.review import review
from ..contracts.workflows.survey import Survey, SurveyResult
from ..runtime.durable.rpc import serve


@serve(contract.survey)
async def survey(ctx: Context, request: Survey) -> SurveyResult:
    found = await review.wait(ctx, timedelta(hours=1))
    return SurveyResult(key=found.note if found else "")
'''
ASKS = {"account_id": "acc-1", "requires_approval": True}
MANY = 5000
VIEWS = ("runs", "gates", "schedules", "workers")
AXE = (files("axe_core_python") / "axe.min.js").read_text("utf-8")
ROWS = "document.querySelectorAll('#list li').length"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service with more than the example has."""
    root = tmp_path_factory.mktemp("made") / NAME
    project = rewritten(grown(fresh(bare=False), *ADDS), {f"{NAME}/workflows/survey.py": SURVEY.encode()})
    for path, content in {**made_by_new(bare=False), **project.files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


@pytest.fixture(scope="module")
def topology(service: Path, service_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    secrets = f"approvals:{SECRET},review:{OTHER_SECRET}"
    scratch = tmp_path_factory.mktemp("run")
    with Topology(service, scratch, NAME, python=service_python, WEBHOOK_SECRETS=secrets) as topology:
        migrated = topology.run("migrate", "--seed")
        assert migrated.returncode == 0, migrated.stderr
        topology.start_engine()
        for name in ("worker", "db"):
            topology.start(name, name)
        topology.start("console", "console", CONSOLE_PORT=str(CONSOLE_PORT), CONSOLE_TOKEN=TOKEN)
        yield topology


@pytest.fixture(scope="module")
def api(topology: Topology) -> str:
    url = topology.start_api()
    topology.until(lambda: httpx.get(f"{url}/readyz").status_code == 200, "ready")
    return url


@pytest.fixture(scope="module")
def console(topology: Topology) -> str:
    """The URL of the console, which asks for a token."""
    url = f"http://127.0.0.1:{CONSOLE_PORT}"
    topology.until(lambda: httpx.get(url).status_code == 200, "the console answers")
    return url


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser, console: str) -> Iterator[Browser]:
    """The browser, whose page has loaded nothing from elsewhere and complained of nothing when the test ends."""
    chromium.events.clear()
    chromium.resize(1200, 800)
    chromium.prefer("light")
    chromium.open(f"{console}/#token={TOKEN}")
    is_live(chromium)
    yield chromium
    elsewhere = [url for url in chromium.requested if not url.startswith((f"{console}/", "data:"))]
    assert (elsewhere, chromium.complaints) == ([], [])


def is_live(browser: Browser) -> None:
    """Wait until the page has what the engine says."""
    browser.until("document.querySelector('#live')?.innerText === 'live'")


def submit(api: str, key: str, body: dict[str, Any], path: str = "jobs") -> None:
    """Start a run over HTTP, as a client of the service does."""
    answer = httpx.post(f"{api}/{path}", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 202, answer.text


def ask(console: str, path: str, body: Any = None) -> Any:
    """What the console answers to a program."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{console}/api/{path}"
    answer = httpx.get(url, headers=headers) if body is None else httpx.post(url, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def run_of(console: str, run: str) -> str:
    """The URL of a run in the console."""
    return f"{console}/#/run/{quote(run, safe='')}"


def until_status(browser: Browser, status: str) -> None:
    """Wait until the run that is shown has a status."""
    browser.until(f"document.querySelector('main.run .line .status')?.innerText === {status!r}")


def row_of(run: str) -> str:
    """A selector of the row of a run."""
    return f'#list li[data-id="{run}"]'


def test_a_job_appears_is_approved_and_ends(browser: Browser, console: str, api: str) -> None:
    browser.evaluate("window.isTheSamePage = true")
    submit(api, "order-1", ASKS)
    browser.until(f"!!document.querySelector({row_of('job/order-1')!r})")
    browser.until("document.querySelector('#gate-count')?.innerText === '1'")
    browser.click(f"{row_of('job/order-1')} a")
    until_status(browser, "waiting")
    assert "an answer to approve/job/order-1" in browser.text("main .waits")
    browser.click("form.answer button[value=true]")
    until_status(browser, "succeeded")
    browser.click(".tree ol .call")
    browser.until("document.querySelectorAll('.json').length === 2")
    assert "orders/db/get_account.py:" in browser.text(".about")
    assert json.loads(browser.text(".json pre")) == {"account_id": "acc-1"}
    browser.click("nav a[data-view=runs]")
    browser.until(f"document.querySelector({row_of('job/order-1')!r})?.innerText.includes('succeeded')")
    assert browser.evaluate("window.isTheSamePage") is True


def test_an_answer_that_somebody_else_gave(browser: Browser, console: str, api: str) -> None:
    submit(api, "order-2", ASKS)
    browser.open(run_of(console, "job/order-2"))
    browser.until("!!document.querySelector('form.answer')")
    given = {"gate": "approve", "run": "job/order-2", "answer": {"approved": False}}
    assert ask(console, "gates/answer", given) == {"detail": "The answer is taken."}
    until_status(browser, "failed")
    assert "not-approved: the job was rejected" in browser.text("main .problem")
    assert browser.evaluate("document.querySelector('form.answer')") is None


def test_an_answer_with_fields_is_checked_at_each(browser: Browser, console: str, api: str) -> None:
    submit(api, "survey-1", {"key": "k"}, "surveys")
    browser.open(f"{console}/#/gates")
    form = "section[data-key^='review/'] form.answer"
    browser.fill(f"{form} [name=stars]", "many")
    browser.fill(f"{form} [name=note]", "as the reader typed it")
    browser.click(f"{form} [type=submit]")
    assert browser.text(f"{form} [data-at=stars]") == "This is no integer."
    browser.fill(f"{form} [name=stars]", "5")
    browser.click(f"{form} [type=submit]")
    browser.until(f"document.querySelector({f'{form} [data-at=approved]'!r}).innerText === 'Field required'")
    assert (
        browser.evaluate(f"document.querySelector({f'{form} [name=approved]'!r}).getAttribute('aria-invalid')")
        == "true"
    )
    browser.evaluate(f"document.querySelector({f'{form} [name=approved]'!r}).value = 'true'")
    browser.click(f"{form} [type=submit]")
    browser.until(f"document.querySelector({form!r}) === null")
    (run,) = [run["id"] for run in ask(console, "runs")["runs"] if run["function"] == "survey"]
    browser.open(run_of(console, run))
    until_status(browser, "succeeded")
    browser.click(".tree .call")
    browser.until("document.querySelector('.about').innerText.includes('as the reader typed it')")
    browser.events[:] = [it for it in browser.events if "422" not in json.dumps(it)]


def test_a_run_is_canceled_and_run_again(browser: Browser, console: str, api: str) -> None:
    submit(api, "order-3", ASKS)
    browser.open(run_of(console, "job/order-3"))
    browser.click("[data-action=cancel]")
    assert "Cancel job/order-3?" in browser.text("dialog[open]")
    browser.click("dialog [data-action=close]")
    assert browser.evaluate("document.querySelector('dialog')?.open") is False
    browser.click("[data-action=cancel]")
    browser.click("dialog [type=submit]")
    until_status(browser, "canceled")
    browser.click("[data-action=retry]")
    assert "from" not in browser.text("dialog[open] select option")
    browser.click("dialog [type=submit]")
    browser.until("document.querySelector('h1')?.innerText.startsWith('job/order-3+run2')")
    until_status(browser, "waiting")
    assert "1 (canceled)" in browser.text("nav[aria-label='Runs of this job']")


def test_a_group_that_nobody_serves_is_red(browser: Browser, console: str, api: str) -> None:
    submit(api, "inv-1", {"key": "inv-1"}, "invoices")
    browser.open(f"{console}/#/workers")
    red = "getComputedStyle(document.querySelector('[data-group=\"orders.billing\"] h2')).color"
    browser.until("!!document.querySelector('[data-group=\"orders.billing\"].alone')")
    assert browser.evaluate(red) == "rgb(179, 38, 30)"
    assert "python -m orders group billing" in browser.text("[data-group='orders.billing']")
    assert browser.text("#unserved") == "1"
    assert "0 of 64" in browser.text("[data-group='orders.workers'] tbody")
    (run,) = [run["id"] for run in ask(console, "runs")["runs"] if run["function"] == "invoice"]
    browser.open(run_of(console, run))
    until_status(browser, "stands still")
    assert "no process serves it" in browser.text("main .problem")


def test_a_schedule_is_run_now(browser: Browser, console: str) -> None:
    browser.open(f"{console}/#/schedules")
    assert "orders/workflows/nightly.py:" in browser.text("[data-key=nightly]")
    assert browser.evaluate("document.querySelectorAll('[data-key=nightly] .times li').length") == 3
    browser.click("[data-action=run-now]")
    browser.click("[data-key=nightly] .outcome a")
    browser.until("document.querySelector('h1')?.innerText.startsWith('schedule/nightly-')")


def test_by_the_keyboard_alone(browser: Browser, console: str, api: str) -> None:
    submit(api, "by-key", ASKS)
    browser.open(f"{console}/#/runs")
    browser.until(f"!!document.querySelector({row_of('job/by-key')!r})")
    browser.press("/", "/")
    for letter in "by-key":
        browser.press(letter, letter)
    browser.until(f"{ROWS} === 1 && location.hash === '#/runs?text=by-key'")
    browser.press("ArrowDown")
    browser.press("Enter", "\r")
    until_status(browser, "waiting")

    def tab_to(script: str) -> None:
        for _ in range(40):
            browser.press("Tab")
            if browser.evaluate(f"document.activeElement.matches({script!r})"):
                return
        raise AssertionError(f"Tab does not reach {script}")

    tab_to("[data-action=cancel]")
    browser.press("Enter", "\r")
    browser.until("document.activeElement.matches('dialog[open] [data-action=close]')")
    browser.press("Escape")
    browser.until("document.activeElement.matches('[data-action=cancel]')")
    tab_to("button.call")
    browser.press("ArrowDown")
    browser.press("ArrowRight")
    browser.until("document.activeElement.getAttribute('aria-expanded') === 'true'")
    # A look at the engine takes nothing away from who types.
    asked = len(browser.requested)
    browser.until("performance.getEntriesByType('resource').length > 0")
    deadline = time.monotonic() + 10
    while len(browser.requested) < asked + 2 and time.monotonic() < deadline:
        browser.evaluate("0")
        time.sleep(0.05)
    assert browser.evaluate("document.activeElement.matches('button.call[aria-expanded=true]')")
    browser.evaluate("document.querySelector('form.answer button').focus()")
    browser.press("Enter", "\r")
    until_status(browser, "succeeded")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(browser: Browser, console: str, api: str, scheme: str) -> None:
    """No view has what axe finds wrong, contrast included; and none is wider than 380 px."""
    submit(api, f"shown-{scheme}", ASKS)
    browser.prefer(scheme)
    browser.resize(380, 800)
    ways = [f"{console}/#/{view}" for view in VIEWS] + [run_of(console, f"job/shown-{scheme}")]
    for url in ways:
        browser.open(url)
        browser.until("!document.body.innerText.includes('Loading…') && document.querySelector('main')?.innerText > ''")
        if "run/" in url:
            browser.until("!!document.querySelector('form.answer')")
            browser.click(".tree ol .call")
            browser.until("!!document.querySelector('.json')")
        is_wide = "document.documentElement.scrollWidth > 380"
        assert not browser.evaluate(is_wide), url
        assert violations(browser) == [], url
    browser.click("[data-action=cancel]")
    browser.until("document.querySelector('dialog')?.open")
    assert violations(browser) == []
    browser.press("Escape")


def violations(browser: Browser) -> list[Any]:
    """What axe finds, each with the first place that has it."""
    if not browser.evaluate("'axe' in window"):
        browser.evaluate(f"{AXE}; 0")
    found = browser.awaited("axe.run(document, {resultTypes: ['violations']}).then((it) => it.violations)")
    return [(it["id"], it["nodes"][0]["html"], it["nodes"][0]["failureSummary"]) for it in found]


def test_thousands_of_runs_scroll_and_cost_little(browser: Browser, console: str, topology: Topology) -> None:
    with_many_runs(topology)
    browser.open(f"{console}/#/runs?kind=old")
    browser.until(f"{ROWS} > 10")
    scroll = "document.querySelector('#rows')"
    most = 0
    deadline = time.monotonic() + 30
    while not browser.evaluate(f"!!document.querySelector({row_of('old/0')!r})"):
        assert time.monotonic() < deadline, browser.text("#summary")
        browser.evaluate(f"{scroll}.scrollTop = {scroll}.scrollHeight")
        most = max(most, browser.evaluate(ROWS))
        time.sleep(0.02)
    assert most < 60
    assert browser.text("#summary") == f"{MANY:,} runs"
    # Back from the middle of the list its place is kept.
    browser.evaluate(f"{scroll}.scrollTop = 100_000")
    time.sleep(0.2)
    middle = browser.evaluate("document.querySelectorAll('#list li')[15].dataset.id")
    browser.click(f"{row_of(middle)} a")
    browser.until(f"document.querySelector('h1')?.innerText.startsWith({middle!r})")
    browser.evaluate("history.back()")
    browser.until(f"!!document.querySelector({row_of(middle)!r})")
    # Each look asks for the newest page alone: nothing here goes on.
    browser.events.clear()
    time.sleep(3)
    browser.evaluate("0")
    asked = [url for url in browser.requested if "/api/runs" in url]
    assert 1 <= len(asked) <= 4 and all("limit=50" in url for url in asked), asked


def with_many_runs(topology: Topology) -> None:
    """Put runs onto the engine that ended long ago: 50 in each minute before this one."""
    now = int(time.time() * 1000)

    def put(client: httpx.Client, number: int) -> None:
        at = now - (MANY - number) * 1200
        began = datetime.fromtimestamp(at / 1000, UTC)
        promise = f"{NAME}/old/{number}"
        tags = {"resonate:origin": promise, "resonate:branch": promise, "resonate:parent": promise}
        tags |= {"resonate:scope": "global", "run:service": NAME, "run:kind": "old", "run:at": str(at)}
        forms = {"run:day": "%Y-%m-%d", "run:hour": "%Y-%m-%dT%H", "run:minute": "%Y-%m-%dT%H:%M"}
        tags |= {name: began.strftime(form) for name, form in forms.items()}
        task = base64.b64encode(json.dumps({"func": "old", "args": [{}], "version": 1}).encode()).decode()
        data = {"id": promise, "timeoutAt": at, "param": {"data": task}, "tags": tags}
        head = {"corrId": str(number), "version": PROTOCOL_VERSION}
        answer = client.post(topology.engine_url, json={"kind": "promise.create", "head": head, "data": data})
        assert answer.json()["head"]["status"] == 200, answer.text

    with httpx.Client(timeout=30) as client, ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(put, client, number) for number in range(MANY)]:
            done.result()


def test_a_token_is_asked_for_and_is_in_no_address(browser: Browser, topology: Topology, console: str) -> None:
    assert f"{console}/#token={TOKEN}\n" in "".join(topology.logs["console"])
    browser.evaluate("sessionStorage.clear()")
    browser.open(f"{console}/?again")
    assert "asks for its token" in browser.text("#notice form")
    browser.fill("#token", TOKEN)
    browser.click("#notice [type=submit]")
    is_live(browser)
    browser.evaluate("sessionStorage.clear()")
    browser.open(f"{console}/?and-again#token={TOKEN}")
    browser.until("location.search === '?and-again'")
    is_live(browser)
    assert browser.evaluate("location.hash") == "#/runs"
    assert [sent for sent in browser.requested if TOKEN in sent.partition("#")[0]] == []
    browser.events[:] = [it for it in browser.events if "401" not in json.dumps(it)]


def test_an_engine_that_is_away_is_said(browser: Browser, topology: Topology) -> None:
    browser.until(f"{ROWS} > 0")
    topology.stop("engine")
    try:
        browser.until("document.querySelector('#live').innerText === 'no answer yet'")
        assert browser.evaluate(ROWS) > 0
    finally:
        topology.start_engine()
    is_live(browser)
    browser.events[:] = [it for it in browser.events if "503" not in json.dumps(it)]

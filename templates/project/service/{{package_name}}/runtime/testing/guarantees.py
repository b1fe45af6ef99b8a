"""What holds for every service on this runtime. A service's tests/test_guarantees.py names each in one line::

    test_imports_point_inward = guarantees.imports_point_inward

So a service can leave one out, and add its own beside them.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import grimp
import httpx
import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis import BaseSchema, CheckFunction, Response
from schemathesis.core.result import Err
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from sqlalchemy import DateTime, Float, Numeric
from sqlalchemy.types import TypeEngine

from .. import dev
from ..http import preferences
from ..http.signatures import Former
from ..http.webhooks import webhooks_of
from ..service import Service
from ..settings import FORMER_NAMES, ServiceSettings
from .contracts import FILE, Snapshot, misfits
from .crashes import CALLS_TO
from .history import History
from .plugin import make_settings
from .recording import secrets_for
from .replay import Changed, replay
from .running import SECRET, RunningService, free_port, problem, serve_on_port, webhook_at

# Imports


def imports_point_inward(definition: Service) -> None:
    """A folder imports itself, the contracts, the runtime and the modules beside them.

    The API also imports `db.queries`, and what runs steps imports `clients`.
    """
    package = definition.package
    graph = grimp.build_graph(package, cache_dir=None)
    parts = {it.rpartition(".")[2] for it in graph.find_children(package) if graph.find_children(it)}
    beside = {it.rpartition(".")[2] for it in graph.find_children(package)} - parts - {"__main__"}
    rooms = parts - {"contracts", "runtime"}
    allowed = {room: {room, "contracts", "runtime", *beside} for room in rooms}
    for room in rooms - {"api", "fakes"}:
        allowed[room].add("clients")
    allowed["contracts"] = {"contracts", "runtime"}
    allowed["runtime"] = {"runtime"}
    allowed |= {module: {"runtime", "contracts", *beside} for module in beside}
    wrong = [
        f"{importer} imports {imported}"
        for importer in sorted(graph.modules)
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
        if (of := _part(importer, package)) in allowed
        and _part(imported, package) not in {*allowed[of], ""}
        and not (of == "api" and f"{imported}.".startswith(f"{package}.db.queries."))
    ]
    assert wrong == [], "\n".join(wrong)


def _part(module: str, package: str) -> str:
    """The first name below the package."""
    return module.removeprefix(package).removeprefix(".").partition(".")[0]


# Registration


def contracts_are_served(definition: Service) -> None:
    """Every contract of a group of this service is served there, once; every group's worker is in GROUPS."""
    served = [(entry.name, entry.version) for entry in dev.registrations(definition)]
    assert sorted(served) == sorted(set(served)), "a function is served twice"
    folders = {path.parent.name for path in definition.directory.glob("*/worker.py")} - {"fakes"}
    assert folders == {definition.part(group) for group in definition.groups}, "GROUPS is not what has a worker.py"


def schedules_start_what_is_served(definition: Service) -> None:
    """Every schedule starts a workflow that is served; what `schedules()` refuses would not start either."""
    served = [entry.contract for entry in definition.worker("workers").served]
    assert [schedule.name for schedule in definition.schedules() if schedule.workflow not in served] == []


def contracts_fit_their_snapshot(definition: Service, request: pytest.FixtureRequest) -> None:
    """What waits, is recorded, or comes from the release before still fits: see `contracts`.

    The snapshot is tests/contracts.json, of the command `contracts`. Where there is none, nothing is compared.
    """
    before = Snapshot.read(request.config.rootpath / FILE)
    if wrong := misfits(before, Snapshot.of(definition), definition.groups):
        names = " ".join(f"--accept {name}" for name in dict.fromkeys(it.contract for it in wrong))
        meant = f"Where that is meant: {definition.package} contracts {names}"
        pytest.fail("\n".join([*map(str, wrong), meant]), pytrace=False)


# The database


def columns_are_exact(definition: Service) -> None:
    """No column of `db/models.py` has a type from which SQLite reads something else than was written.

    `Mapped[datetime]` and `Mapped[Decimal]` have the right ones, where nothing else is said: see `runtime/columns.py`.
    """
    tables = definition.module("db.models").Base.metadata.sorted_tables
    columns = [column for table in tables for column in table.columns]
    moments = [f"{it} is a {it.type!r}: use Instant()" for it in columns if isinstance(it.type, DateTime)]
    numbers = [f"{it} is a {it.type!r}: use Money(…)" for it in columns if _is_decimal(it.type)]
    assert not moments + numbers, "\n".join(moments + numbers)


def _is_decimal(kind: TypeEngine[Any]) -> bool:
    return isinstance(kind, Numeric | Float) and kind.asdecimal


# Settings


def settings_are_explained(definition: Service, request: pytest.FixtureRequest) -> None:
    """Every setting stands in .env.example, but old names of some."""
    explained = (request.config.rootpath / ".env.example").read_text("utf-8")
    names = [name.upper() for name in definition.settings.model_fields if name not in FORMER_NAMES]
    assert [name for name in names if not re.search(rf"(?m)^#? ?{name}=", explained)] == []


# The OpenAPI document

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "5"))
KEY = "secret-of-alice"
_SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    # The same requests every time, unless more are asked for.
    derandomize="CONTRACT_EXAMPLES" not in os.environ,
)
# For pydantic a date is also a number of seconds, and a text that says one.
_DATES = r'"format": "(date|date-time|time|duration)"'
# And it does not say which text is a decimal.
_DECIMALS = r'\{"type": "number"[^}]*\}, \{"type": "string"'
# The API key is added below. A route that waits may take its time.
_CONFIG = {"generation": {"with-security-parameters": False}, "request-timeout": 60}

type Case = schemathesis.Case[Any]


@pytest.mark.parametrize("with_keys", [False, True], ids=["open", "with-keys"])
def responses_are_as_documented(definition: Service, database_url: str, no_settings: None, with_keys: bool) -> None:
    """Whatever schemathesis sends, every response is as the OpenAPI document says; so also along its links.

    More of it: ``CONTRACT_EXAMPLES=1000 pytest -k documented``.
    """
    keys = f"alice:{KEY}" if with_keys else ""
    settings = make_settings(definition, database_url=database_url, api_keys=keys)
    app = dev.create_app(definition, settings, tick=0.05)
    schema = schemathesis.openapi.from_dict(app.openapi(), config=schemathesis.Config.from_dict(_CONFIG))
    headers = {"Authorization": f"Bearer {KEY}"} if with_keys else {}
    with _impatient(app) as url:
        for found in schema.get_all_operations():
            if isinstance(found, Err):
                raise found.err()
            _check_operation(found.ok(), url, headers, _Signed(app))
        if not with_keys and '"links": {"' in json.dumps(schema.raw_schema):
            _check_sequences(schema, url, _Signed(app))


@contextmanager
def _impatient(app: FastAPI) -> Iterator[str]:
    """Serve an application whose clients may not prefer to wait for long."""
    with pytest.MonkeyPatch.context() as patched, serve_on_port(app) as url:
        patched.setattr(preferences, "MAX_WAIT", 1)
        yield url


def _check_operation(operation: Any, url: str, headers: dict[str, str], signed: "_Signed") -> None:
    @_SETTINGS
    @hypothesis.given(case=operation.as_strategy())
    def check(case: Case) -> None:
        response = case.call(base_url=url, headers=headers, auth=signed)
        _validate(response, case, url, headers)

    check()


def _check_sequences(schema: BaseSchema, url: str, signed: "_Signed") -> None:
    class Sequence(schema.as_state_machine()):  # type: ignore[misc]  # made at run time
        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"base_url": url, "auth": signed}

        def validate_response(self, response: Response, case: Case, **_: Any) -> None:
            _validate(response, case, url, {})

    Sequence.run(settings=hypothesis.settings(_SETTINGS, stateful_step_count=5))


class _Signed(AuthBase):
    """Signs a request to a webhook that has a signature, when its body is ready to be sent."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        webhook = webhook_at(self._app, urlsplit(request.url or "").path)
        if webhook is not None and webhook.scheme.headers.keys() <= {name.lower() for name in request.headers}:
            body = request.body or b""
            raw = body if isinstance(body, bytes) else str(body).encode()
            with suppress(UnicodeDecodeError):  # What is no UTF-8 keeps its bad signature.
                request.headers.update(webhook.scheme.sign(SECRET, raw))
        return request


def _validate(response: Response, case: Case, url: str, headers: dict[str, str]) -> None:
    excluded: list[CheckFunction] = []
    if response.status_code == 422 and (_is_beyond_openapi(response.json()) or _takes(case, _DECIMALS)):
        excluded = [positive_data_acceptance]
    elif response.status_code in (410, 412):  # A good answer: the work has ended, or the thing has another version.
        excluded = [positive_data_acceptance]
    elif _takes(case, _DATES):
        excluded = [negative_data_rejection]
    call = {"base_url": url, "headers": headers}
    case.validate_response(response, headers=headers, excluded_checks=excluded, transport_kwargs=call)


def _is_beyond_openapi(refusal: dict[str, Any]) -> bool:
    """Whether a request was refused for what the document cannot say.

    A key is good for one request only, a cursor for one list; and no value anywhere holds NUL or a number beyond 64 bits.
    """
    unknown: bool = refusal["type"] in ("idempotency-key-reused", "invalid-cursor")
    return unknown or "request" in [error["at"] for error in refusal["errors"]]


def _takes(case: Case, pattern: str) -> bool:
    """Whether a request of this operation has something like this in its schemas."""
    document = case.operation.schema.raw_schema
    operation = document["paths"][case.operation.path][case.operation.method]
    found, wanted = "", json.dumps({part: operation.get(part) for part in ("parameters", "requestBody")})
    seen: set[str] = set()
    while wanted:
        found += wanted
        names = set(re.findall(r'"#/components/schemas/([^"]+)"', wanted)) - seen
        seen |= names
        wanted = "".join(json.dumps(document["components"]["schemas"][name]) for name in names)
    return re.search(pattern, found) is not None


# Webhooks


def webhooks_are_bound_to_what_they_sign(definition: Service) -> None:
    """A route that takes a webhook reads nothing of its path, query, headers or cookies: no signature covers them.

    Whoever sees a signed message could send it elsewhere, and it would be good there. Routes for senders of
    resonate-scaffold 0.1.0 (see `signatures.FORMER`) are left out: those name the work in the path, and cannot do otherwise.
    """
    routers = getattr(definition.module("api.app"), "ROUTERS", [])
    unbound = []
    for route in (route for router in routers for route in router.routes):
        if any(not isinstance(webhook.scheme, Former) for webhook in webhooks_of([route])):
            wanted = route.dependant
            read = [*wanted.path_params, *wanted.query_params, *wanted.header_params, *wanted.cookie_params]
            unbound += [f"{route.path} reads {field.name}" for field in read]
    assert unbound == [], f"{'; '.join(unbound)}: take it from the signed body"


# Hostile input

_BAD_BODIES = {
    "empty": b"",
    "truncated": b'{"text": "a',
    "not UTF-8": b'{"text": "\xff"}',
    "UTF-16": '{"text": "a"}'.encode("utf-16"),
    "NUL": b'{"text": "a\\u0000"}',
    "half a pair": b'{"text": "\\ud83d"}',
    "a name twice": b'{"text": "a", "text": "b"}',
    "NaN": b'{"number": NaN}',
    "a huge number": b'{"number": ' + b"9" * 10_000 + b"}",
    "deep": b'{"any": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "too large": b'{"text": "' + b"a" * 1024 * 1024 + b'"}',
    "not an object": b'"text"',
}


async def hostile_bodies_are_refused(service: RunningService) -> None:
    """Every route that takes a body refuses what is no JSON of its schema with a problem, and serves on."""
    document = (await service.http.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" not in operation:
                continue
            target = re.sub(r"\{[^}]*\}", "1", path)
            for name, body in _BAD_BODIES.items():
                unsigned = await service.http.request(
                    method, target, content=body, headers={"Content-Type": "application/json"}
                )
                signed = await service.send_signed(target, body) if method == "post" else unsigned
                for response in (unsigned, signed):
                    status, _ = problem(response)
                    assert 400 <= status < 500, f"{method.upper()} {path} answers {status} to a body that is {name}"
    assert (await service.http.get("/readyz")).status_code == 200


# Histories and crashes


async def workflows_do_what_their_histories_say(
    definition: Service, histories: Path, settings: ServiceSettings
) -> None:
    """Today's workflows make the calls that the histories in tests/histories recorded."""
    changes = []
    for path in sorted(histories.glob("*.json")):
        history = History.model_validate_json(path.read_text("utf-8"))
        try:
            await replay(history, dev.registrations(definition), [settings])
        except Changed as change:
            changes.append(f"{history.workflow} (version {history.version}), history {path.name}: {change}")
    if changes:
        pytest.fail("\n".join(changes), pytrace=False)


async def calls_do_not_depend_on_hashes(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Workflows that are crashed make the same calls in interpreters that hash text differently.

    What iterates over a set makes its calls in another order in another process, and a replay would not fit.
    """
    tests = request.path.parent
    files = [str(path) for path in tests.glob("test_*.py") if "crashes" in path.read_text("utf-8")]

    async def calls(seed: int) -> dict[str, dict[str, str]]:
        written = tmp_path / f"calls-{seed}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={tmp_path / str(seed)}", *files),
            env={**os.environ, "PYTHONHASHSEED": str(seed), CALLS_TO: str(written)},
            cwd=request.config.rootpath,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode in (0, 5), output.decode()
        return _written_calls(written)

    first, other = await asyncio.gather(calls(1), calls(2))
    assert other.keys() == first.keys()
    for test, made in first.items():
        for call_id in sorted(made.keys() | other[test].keys()):
            assert made.get(call_id) == other[test].get(call_id), f"{test}: {call_id} depends on PYTHONHASHSEED"


def _written_calls(path: Path) -> dict[str, dict[str, str]]:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {line["test"]: line["calls"] for line in map(json.loads, lines)}


# Processes


def processes_start_and_stop(definition: Service, database_url: str, no_settings: None, tmp_path: Path) -> None:
    """Each process starts with its own settings alone, also while the engine is away, and stops on SIGTERM."""
    port = free_port()
    secrets = ",".join(f"{name}:{SECRET}" for name in secrets_for(definition, SECRET))
    needs = {"api": {"WEBHOOK_SECRETS": secrets, "PORT": str(port)}, "db": {"DATABASE_URL": database_url}}
    if definition.has_queries:
        needs["api"]["READ_DATABASE_URL"] = database_url
    commands = {"api": ["api"], "workers": ["worker"], "db": ["db"]}
    running = {}
    try:
        for group in ("api", *definition.groups):
            command = [sys.executable, "-m", definition.package, *commands.get(group, ["group", group])]
            environment = {**os.environ, "RESONATE_URL": "http://127.0.0.1:9", "SHUTDOWN_GRACE": "1"}
            # The directory has no .env, so that each process has only what is given here.
            environment |= {"PYTHONPATH": str(definition.directory.parent), **needs.get(group, {})}
            environment["USE_FAKES"] = "true"  # Where HTTP APIs are, is no other process's to know.
            log = (tmp_path / group).open("w+b")
            running[group] = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log), log
        for group, (process, _) in running.items():
            _until(lambda group=group: _is_up(group, port, tmp_path), process, tmp_path / group)
        for group, (process, _) in running.items():
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) in (0, -signal.SIGTERM), (tmp_path / group).read_text("utf-8")
    finally:
        for process, log in running.values():
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()
            log.close()


def _is_up(group: str, port: int, logs: Path) -> bool:
    if group == "api":
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200
        return False
    return " serves " in (logs / group).read_text("utf-8")


def _until(condition: Any, process: "subprocess.Popen[bytes]", log: Path) -> None:
    # A process that ends is noticed at once: the patience is for machines that are busy with other tests.
    deadline = monotonic() + 120
    while not condition():
        assert process.poll() is None and monotonic() < deadline, log.read_text("utf-8")
        sleep(0.05)

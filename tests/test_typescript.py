"""The TypeScript SDK (npm `@resonatehq/sdk`) beside a service: a worker of what it calls, a client of its workflows.

Both of the SDK's APIs, on the embedded engine, and on a Resonate server where TEST_RESONATE_SERVER names its binary.
What the two sides share is written by `export contracts`, and compiled by `tsc --strict`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from . import order_service as story
from .conftest import PROGRAM
from .topology import SECRET, Topology

SOURCES = Path(__file__).parent / "typescript"
CHARGE_CARD = Path(__file__).parent / "schemas" / "charge-card.json"
APIS = ("async", "generators")

# Types of every kind, there and back.
PARCELS = '''"""What is shipped."""

from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel

Speed = Literal["slow", "fast"]


class Material(StrEnum):
    """What it is made of."""

    WOOD = "wood"
    STEEL = "steel"


class Parcel(BaseModel):
    """One of several."""

    sku: str
    weight: Decimal | None = None
    material: Material = Material.WOOD
    inside: list["Parcel"] = []
'''
FIELDS = (
    *("day:date", "at:datetime", "price:Decimal", "id:UUID", "speed:Speed", "parcels:list[Parcel]"),
    *("counts:dict[str,int]", "share:float", "gift:bool", "note:str?"),
)
TAKES = " ".join(f"--takes {field}" for field in FIELDS)
RETURNS = " ".join(f"--returns {field}" for field in FIELDS)

ADDS = (
    *(story.DB_FUNCTION, story.RPC, story.WORKFLOW, story.KEY, story.ROUTE, story.WEBHOOK),
    f"resonate-scaffold add rpc payments.charge-card --from-schema {CHARGE_CARD}",
    f"resonate-scaffold add rpc shipping.price-parcels {TAKES} {RETURNS}",
    f"resonate-scaffold add workflow ship {TAKES} {RETURNS}",
)
SHIP = {
    "day": "2026-01-31",
    "at": "2026-01-31T12:00:00+01:00",
    "price": "1234567890123456789.10",
    "id": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11",
    "speed": "fast",
    "parcels": [{"sku": "chair", "weight": "1.50", "inside": [{"sku": "screw", "material": "steel"}]}],
    "counts": {"chair": 2},
    "share": 0.5,
    "gift": True,
}
SHIPPED = {
    **SHIP,
    "at": "2026-01-31T12:00:00+01:00",
    "parcels": [
        {
            "sku": "chair",
            "weight": "1.50",
            "material": "wood",
            "inside": [{"sku": "screw", "weight": None, "material": "steel", "inside": []}],
        }
    ],
    "note": None,
}


def run(command: list[str], cwd: Path) -> str:
    """Run a command that must succeed; what it printed."""
    done = subprocess.run(
        command, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def packages() -> Path:
    """The `node_modules` with what package.json names. Without Node.js CI fails, and any other run skips this."""
    if shutil.which("node") is None or (npm := shutil.which("npm")) is None:
        missing = "Node.js and npm are not installed: the TypeScript SDK is not tested"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    run([npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"], SOURCES)
    return SOURCES / "node_modules"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, service_python: Path) -> Path:
    """The order service of docs/growing.md, with its gate, and an environment that all services of a session share."""
    parent = tmp_path_factory.mktemp("made")
    run([str(PROGRAM), *shlex.split(story.NEW)[1:], "--no-install", "--no-git"], parent)
    made = parent / "orders"
    (made / "orders" / "contracts" / "parcels.py").write_text(PARCELS)
    for command in ADDS:
        run([str(PROGRAM), *shlex.split(command)[1:]], made)
    story.edit(made, story.GATE)
    (made / ".venv").symlink_to(service_python.parent.parent, target_is_directory=True)
    return made


@pytest.fixture(scope="module")
def programs(packages: Path, service: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with the compiled programs."""
    directory = tmp_path_factory.mktemp("typescript")
    (directory / "node_modules").symlink_to(packages, target_is_directory=True)
    for path in SOURCES.iterdir():
        if path.suffix in (".ts", ".json"):
            shutil.copy(path, directory)
    export = [str(PROGRAM), "export", "contracts", "--format", "typescript", "--out", str(directory)]
    made = ["orders.ts", "worker-payments.ts", "worker-shipping.ts"]
    assert run(export, service).split() == [word for path in made for word in ("create", path)]
    run([str(packages / ".bin" / "tsc"), "-p", "."], directory)
    return directory / "out"


@dataclass
class Engine:
    """The processes of the service and of the other team, on one engine."""

    processes: Topology
    api: str
    programs: Path

    @contextmanager
    def payments(self, api: str) -> Iterator[None]:
        """The TypeScript worker, by one of the SDK's APIs."""
        name = f"payments by {api}"
        command = ["node", str(self.programs / f"worker_{api}.js")]
        self.processes._spawn(name, command, {})
        try:
            yield
        finally:
            self.processes.stop(name)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """The TypeScript program with the clients."""
        environment = {**self.processes.environment}
        with subprocess.Popen(
            ["node", str(self.programs / "client.js")],
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            try:
                yield Client(process)
            finally:
                process.kill()

    def get(self, path: str, wait: int = 0) -> Any:
        return httpx.get(f"{self.api}{path}", headers={"Prefer": f"wait={wait}"}, timeout=60).json()

    def post(self, path: str, body: Any) -> httpx.Response:
        return httpx.post(f"{self.api}{path}", json=body, timeout=60)


@dataclass
class Client:
    process: subprocess.Popen[str]

    def __call__(self, what: str, **told: Any) -> Any:
        """Tell it what to do; its answer: ``value`` or ``error``."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"do": what, **told}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the client has ended while it should {what}"
        return json.loads(line)


@pytest.fixture(scope="module", params=["embedded", "server"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    binary = os.environ.get("TEST_RESONATE_SERVER")
    if request.param == "server" and not binary:
        pytest.skip("TEST_RESONATE_SERVER does not name the binary of a Resonate server")
    programs, service = request.getfixturevalue("programs"), request.getfixturevalue("service")
    scratch = tmp_path_factory.mktemp(request.param)
    with Topology(service, scratch, "orders", WEBHOOK_SECRETS=f"approval:{SECRET}", LOG_LEVEL="WARNING") as processes:
        migrated = processes.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        if request.param == "server":
            processes.start_server(Path(str(binary)))
        else:
            processes.start_engine()
        processes.start("worker", "worker")
        processes.start("db", "db")
        api = processes.start_api()
        processes.until(lambda: httpx.get(f"{api}/readyz").status_code == 200, "ready")
        yield Engine(processes, api, programs)


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def order(number: str, customer: str = "c-1") -> dict[str, Any]:
    return {"customer_id": customer, "number": number, "sku": "chair", "quantity": 2}


def test_an_order_of_a_typescript_client_is_charged_by_a_typescript_worker(engine: Engine, api: str) -> None:
    number = f"of/{api}"  # which is spelt otherwise in an id
    with engine.payments(api), engine.client() as client:
        started = client("start", api=api, request=order(number), wait=False)
        public, root = f"c-1,of~2f{api}", f"orders/order/c-1/of~2f{api}"
        assert started == {"value": root}
        # It is the same work over HTTP, which the request itself names.
        again = engine.post("/orders", order(number))
        assert (again.status_code, again.json()["id"]) == (202, public)
        assert again.headers["Idempotent-Replayed"] == "true"
        # A gate is answered by its webhook, in any language.
        body = {"job_id": public, "approved": True}
        answered = client("answer", url=f"{engine.api}/webhooks/approval", secret=SECRET, body=body)
        assert answered == {"value": {"status": 200, "body": {"job_id": public, "answer": {"approved": True}}}}
        ended = client("start", api=api, request=order(number), wait=True)
        # The id of the call: the workflow made one before.
        receipt = ended["value"]["receipt"]
        assert receipt.startswith(f"{api} c-1 1 {root}:"), receipt
        assert engine.get(f"/jobs/orders/{public}")["result"] == ended["value"]


def test_values_of_every_type_arrive_as_they_were(engine: Engine, api: str) -> None:
    with engine.client() as client:
        found = client("ship", api=api, key=f"ship it, by {api}", request=SHIP)
        assert found == {"value": SHIPPED}


def test_a_key_that_was_used_for_another_request(engine: Engine, api: str) -> None:
    with engine.client() as client:
        number = f"reused-{api}"
        placed = engine.post("/orders", order(number))
        assert placed.status_code == 202
        assert client("start", api=api, request=order(number), wait=False) == {"value": f"orders/order/c-1/{number}"}
        refused = client("start", api=api, request={**order(number), "quantity": 3}, wait=False)["error"]
        assert (refused["code"], refused["status"]) == ("idempotency-key-reused", 422)


def test_a_wrong_request_is_refused_with_its_fields_and_reasons(engine: Engine, api: str) -> None:
    said = "the request of place-order does not fit its contract: "
    with engine.client() as client:
        wrong = {"customer_id": 7, "number": f"wrong-{api}", "quantity": "two"}
        errors = [
            {"at": "customer_id", "detail": "Input should be a valid string"},
            {"at": "sku", "detail": "Field required"},
            {
                "at": "quantity",
                "detail": "Input should be a valid integer, unable to parse string as an integer",
            },
        ]
        message = said + "; ".join(f"{error['at']}: {error['detail']}" for error in errors)
        # By the SDK alone: an Error of the code and the reasons.
        found = client("call", api=api, id=f"orders/order/wrong-{api}", args=[wrong])
        assert found == {"error": {"name": "invalid-request", "message": message}}
        found = client("call", api=api, id=f"orders/order/many-{api}", args=["c-1", 2])
        assert found["error"] == {
            "name": "invalid-request",
            "message": f"{said}it: The call takes one argument, an object; it has 2 arguments",
        }
        # By the module from `export contracts`: all of it.
        found = client("start", api=api, request={**order(f"wrong-{api}"), "quantity": "two"}, wait=True)["error"]
        assert (found["code"], found["status"], found["fields"]) == ("invalid-request", 422, {"errors": errors[2:]})


def test_a_failure_of_a_typescript_worker_arrives_with_its_code(engine: Engine, api: str) -> None:
    with engine.payments(api), engine.client() as client:
        number = f"declined-{api}"
        client("start", api=api, request=order(number, "poor"), wait=False)
        body = {"job_id": f"poor,{number}", "approved": True}
        client("answer", url=f"{engine.api}/webhooks/approval", secret=SECRET, body=body)
        found = engine.get(f"/jobs/orders/poor,{number}", wait=20)
        assert found["error"] == {"code": "card-declined", "message": "the card was declined"}
        # It leaves this service as it came, but for its attributes, of which no contract here tells.
        error = client("start", api=api, request=order(number, "poor"), wait=True)["error"]
        assert (error["code"], error["status"], error["message"]) == ("card-declined", 402, "the card was declined")


def test_what_a_schema_made_passes_the_checks_of_the_service(service: Path) -> None:
    python = str(service / ".venv" / "bin" / "python")
    for tool in ("ruff check .", "ruff format --check .", "mypy orders tests"):
        run([python, "-m", *tool.split()], service)
    report = run([python, "-m", "pytest", "-p", "no:cacheprovider", "tests/test_rpc_payments_charge_card.py"], service)
    assert "2 passed" in report


def test_the_docs_show_what_is_compiled_and_run() -> None:
    text = (Path(__file__).parent.parent / "docs" / "languages.md").read_text("utf-8")
    programs = ["".join(path.read_text("utf-8").split()) for path in SOURCES.glob("*.ts")]
    shown = re.findall(r"```ts\n(.*?)```", text, re.DOTALL)
    assert len(shown) == 3
    for block in shown:
        assert any("".join(block.split()) in program for program in programs), block

"""`export contracts`: what is written of what the service prints, and what is refused. test_typescript compiles it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from resonate_scaffold import templates
from resonate_scaffold.export.contracts import parse
from resonate_scaffold.export.entrances import Entrance, entrances
from resonate_scaffold.export.json_schema import render as json_schemas
from resonate_scaffold.export.typescript import render, type_of
from resonate_scaffold.service.service import Service

from . import order_service as story
from .conftest import Tool, tree
from .grown import fresh, grown

INVALID = {"code": "invalid-request", "status": 422, "fields": {"$ref": "#/$defs/InvalidRequestFields"}}
LINE = {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}
ORDER = {
    "type": "object",
    "description": "Request of `place-order`.\n\nMore of it.",
    "properties": {
        "number": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line-Input"}},
    },
    "required": ["number", "at", "lines"],
}
RESULT = {"type": "object", "properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/Line-Output"}}}}
PRINTED: dict[str, Any] = {
    "service": "orders",
    "namespace": "orders",
    "functions": [
        {
            "name": "payments.charge",
            "version": 2,
            "group": "payments",
            "target": "poll://any@payments",
            "is_ours": False,
            "timeout": 300.0,
            "request": {"$ref": "#/$defs/Charge"},
            "result": {"$ref": "#/$defs/ChargeResult"},
            "failures": [{"code": "card-declined", "status": 402, "fields": None}],
        },
        {
            "name": "place-order",
            "version": 1,
            "group": "orders.workers",
            "target": "poll://any@orders.workers",
            "is_ours": True,
            "timeout": 604800.0,
            "request": {"$ref": "#/$defs/PlaceOrder"},
            "result": {"$ref": "#/$defs/PlaceOrderResult"},
            "failures": [INVALID],
        },
    ],
    "$defs": {
        "Charge": {"type": "object", "properties": {}},
        "ChargeResult": {"type": "object", "properties": {}},
        "InvalidRequestFields": {"type": "object", "properties": {"errors": {"type": "array", "items": {}}}},
        "Line-Input": LINE,
        "Line-Output": LINE,
        "PlaceOrder": ORDER,
        "PlaceOrderResult": RESULT,
        "Unused": {"type": "string"},
    },
}


def printed(**changed: Any) -> str:
    """What a service prints."""
    return json.dumps({**PRINTED, **changed})


# What is read


def test_a_model_that_is_read_and_written_alike_has_one_name() -> None:
    found = parse(printed())
    assert "Line" in found.definitions and not any("-" in name for name in found.definitions)
    assert found.definitions["PlaceOrder"]["properties"]["lines"]["items"] == {"$ref": "#/$defs/Line"}


def test_one_that_is_written_otherwise_has_two_and_so_has_what_holds_it() -> None:
    other = {**LINE, "required": []}
    holder = {"type": "object", "properties": {"line": {"$ref": "#/$defs/Line-Input"}}}
    holds = {"type": "object", "properties": {"line": {"$ref": "#/$defs/Line-Output"}}}
    definitions = {**PRINTED["$defs"], "Line-Output": other, "Box-Input": holder, "Box-Output": holds}
    found = parse(printed(**{"$defs": definitions}))
    assert {"Line-Input", "Line-Output", "Box-Input", "Box-Output"} <= found.definitions.keys()


# JSON Schema


def test_a_document_for_each_function() -> None:
    documents = {str(path): json.loads(text) for path, text in json_schemas(parse(printed()))}
    assert documents.keys() == {"payments.charge@2.json", "place-order.json"}
    order = documents["place-order.json"]
    assert order["x-resonate"] == {
        "service": "orders",
        "name": "place-order",
        "version": 1,
        "group": "orders.workers",
        "target": "poll://any@orders.workers",
    }
    assert order["properties"]["request"] == {"$ref": "#/$defs/PlaceOrder"}
    assert order["$defs"].keys() == {"InvalidRequestFields", "Line", "PlaceOrder", "PlaceOrderResult"}
    (failure,) = documents["payments.charge@2.json"]["properties"]["failure"]["anyOf"]
    assert failure["properties"]["code"] == {"const": "card-declined"}


# TypeScript


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "decimal"}, "DecimalText"),
        ({"type": "string", "format": "date-time"}, "DateTimeText"),
        ({"type": "string", "format": "email"}, "string"),
        ({"type": "integer"}, "number"),
        ({"type": ["integer", "null"]}, "number | null"),
        ({"enum": ["a", 1, None]}, '"a" | 1 | null'),
        ({"const": True}, "true"),
        ({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, "(string | null)[]"),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, "[number, string]"),
        ({"type": "array"}, "unknown[]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "Record<string, number>"),
        ({"type": "object"}, "Record<string, unknown>"),
        ({"allOf": [{"$ref": "#/$defs/A"}, {"anyOf": [{"$ref": "#/$defs/B"}, {"type": "null"}]}]}, "A & (B | null)"),
        ({"$ref": "#/$defs/orders__contracts__Line-Input"}, "OrdersContractsLineInput"),
        ({"$ref": "#/$defs/Failure"}, "FailureModel"),
        ({"oneOf": [{"type": "string"}, {"type": "string", "format": "email"}]}, "string"),
        ({}, "unknown"),
        (True, "unknown"),
        (
            {"type": "object", "properties": {"a-b": {"type": "string"}, "c": {"type": "null"}}, "required": ["c"]},
            '{\n  "a-b"?: string;\n  c: null;\n}',
        ),
    ],
)
def test_types(schema: Any, expected: str) -> None:
    assert type_of(schema) == expected


@pytest.mark.parametrize(
    ("entrance", "start"),
    [
        (
            Entrance("order", ("number",)),
            'return start(engine, placeOrder, keyed("order", [request.number]), request);',
        ),
        (
            Entrance("order", ("at",)),
            "return start(engine, placeOrder, id, request);",
        ),  # two texts may mean one instant
        (Entrance("job"), 'return start(engine, placeOrder, named("job", key), request);'),
    ],
)
def test_how_work_is_named(entrance: Entrance, start: str) -> None:
    module = render(parse(printed()), {"place-order": entrance})
    assert start in module
    assert ("function keyed" in module) == ("keyed(" in start) and ("function named" in module) == ("named(" in start)
    assert "/** Request of `place-order`. */\nexport interface PlaceOrder {" in module
    assert "Unused" not in module


@pytest.mark.parametrize(
    ("name", "constant"),
    [("payments.chargeCard", "paymentsChargeCard"), ("start", "startFunction"), ("delete", "deleteFunction")],
)
def test_names_for_code(name: str, constant: str) -> None:
    function = {**PRINTED["functions"][0], "name": name, "version": 1}
    assert f"export const {constant}: Contract<Charge, ChargeResult" in render(parse(printed(functions=[function])), {})


def test_the_ids_are_those_of_the_routes() -> None:
    assert entrances(Service(grown(fresh(bare=True), *(command.partition(" ")[2] for command in story.ADDS)))) == {
        "place-order": Entrance("order", ("customer_id", "number"))
    }
    assert entrances(Service(fresh(bare=False)))["process-job"] == Entrance("job")


# The command


@pytest.fixture
def service(tmp_path: Path, tool: Tool) -> Path:
    """A service whose interpreter prints what stands in a file beside it."""
    assert (
        tool("new", "orders", "--bare", "--defaults", "--no-install", "--no-git", "--into", str(tmp_path)).status == 0
    )
    python = tmp_path / "orders" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    says(tmp_path / "orders", printed())
    return tmp_path / "orders"


def says(service: Path, out: str, *, err: str = "", status: int = 0) -> None:
    """Have the service print this."""
    python = service / ".venv" / "bin" / "python"
    code = f"import sys; sys.stdout.write({out!r}); sys.stderr.write({err!r}); sys.exit({status})"
    python.write_text(f"#!{sys.executable}\n{code}\n")
    python.chmod(0o755)


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the interpreter here is a script")


def test_all_files_or_what_has_changed(tool: Tool, service: Path, tmp_path: Path) -> None:
    out = tmp_path / "made" / "here"
    command = ("export", "contracts", "--project", str(service), "--format", "typescript", "--out", str(out))
    assert tool(*command, "--dry-run").out.count("+++ b/") == 2
    assert not out.exists()
    assert tool(*command).out.split() == ["create", "orders.ts", "create", "worker-payments.ts"]
    (out / "worker-payments.ts").write_text("// written by somebody\n")
    before = tree(out)
    assert "nothing to do" in tool(*command).out
    says(service, printed(namespace="other"))
    again = tool(*command, "--json").json
    assert again["changes"] == [{"path": str(out / "orders.ts"), "action": "edit"}]
    assert again["notes"] == ["worker-payments.ts is there already, and was left as it is"]
    after = tree(out)
    assert after.keys() == before.keys() and after["worker-payments.ts"] == before["worker-payments.ts"]
    assert b'NAMESPACE: string = "other"' in after["orders.ts"]


def test_it_goes_to_a_directory_of_its_own(tool: Tool, service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(service)
    assert tool("export", "contracts").status == 0
    assert sorted(path.name for path in Path("exported").iterdir()) == ["payments.charge@2.json", "place-order.json"]


@pytest.mark.parametrize(
    ("out", "err", "status", "said"),
    [
        ("", "Traceback\nModuleNotFoundError: x\n", 1, "failed: ModuleNotFoundError: x"),
        ("", "", 3, "failed: exit status 3"),
        ("hello\n" + printed(), "", 0, "printed something else than contracts (JSONDecodeError)"),
        ('{"functions": []}', "", 0, "printed something else than contracts (KeyError)"),
        ("", "Error: No such option: --json\n", 2, "which cannot export its contracts"),
        (printed(functions=[]), "", 0, "orders has no contracts"),
    ],
)
def test_a_service_that_does_not_answer(
    tool: Tool, service: Path, tmp_path: Path, out: str, err: str, status: int, said: str
) -> None:
    says(service, out, err=err, status=status)
    refused = tool("export", "contracts", "--project", str(service), "--out", str(tmp_path / "out"))
    lines = refused.err.splitlines()
    assert (refused.status, len(lines)) == (1, 2) and said in lines[0], refused.err
    assert not (tmp_path / "out").exists()


def test_a_service_that_is_not_installed(tool: Tool, service: Path) -> None:
    (service / ".venv" / "bin" / "python").unlink()
    refused = tool("export", "contracts", "--project", str(service))
    assert refused.status == 1 and "dependencies are not installed" in refused.err and "pip install" in refused.err


def test_nothing_is_written_through_a_link_of_the_service(tool: Tool, service: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (service / "exported").symlink_to(tmp_path / "elsewhere")
    refused = tool("export", "contracts", "--project", str(service), "--out", str(service / "exported"))
    assert refused.status == 1 and "leads out of the service" in refused.err
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_in_the_place_of_the_directory(tool: Tool, service: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    refused = tool("export", "contracts", "--project", str(service), "--out", str(tmp_path / "out"))
    assert refused.status == 1 and "is not a directory" in refused.err


def test_a_service_in_the_place_of_the_directory(tool: Tool, service: Path) -> None:
    refused = tool("export", "contracts", "--project", str(service), "--out", str(service))
    assert refused.status == 2 and f"{service} is a service" in refused.err


def test_every_template_is_shipped() -> None:
    names = {path.name for path in (templates.builtin_directory().parent / "export").iterdir()}
    assert names == {"contracts.ts.jinja", "worker.ts.jinja"}

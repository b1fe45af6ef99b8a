"""`testing.contracts`: of each change of a contract it says whether what waits, is recorded, or comes from the other
release still fits, and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.rpc import Rpc
from shop.runtime.errors import OperatorError
from shop.runtime.service import Service
from shop.runtime.testing import guarantees
from shop.runtime.testing.contracts import (
    FILE,
    FunctionSnapshot,
    GateSnapshot,
    Snapshot,
    misfits,
    schema_of,
    write_snapshot,
)

from .planting import planted_service
from .test_guarantees import request_in

pytestmark = pytest.mark.usefixtures("no_settings")


class Line(BaseModel):
    sku: str
    quantity: int = 1


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sku: str


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class MoreColours(StrEnum):
    RED = "red"
    BLUE = "blue"
    GREEN = "green"


def model(**fields: Any) -> type[BaseModel]:
    """A model with these fields: a type, or a type and a default."""
    whole: dict[str, Any] = {name: it if isinstance(it, tuple) else (it, ...) for name, it in fields.items()}
    made: type[BaseModel] = create_model("Made", **whole)
    return made


def compared(was: type[BaseModel], now: type[BaseModel]) -> list[str]:
    """What is said where the result of a function changes so."""

    def snapshot(result: type[BaseModel]) -> Snapshot:
        function = FunctionSnapshot(group="workers", request=schema_of(Line), result=schema_of(result))
        return Snapshot(functions={"pay@1": function})

    return [str(it) for it in misfits(snapshot(was), snapshot(now), ["workers"])]


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (model(a=int), model(a=int)),
        (model(a=int), model(a=int, b=(str, "x"))),
        (model(a=int), model(a=int, b=(str | None, None))),
        (model(a=int, b=(str, "x")), model(a=int)),
        (model(a=int), model(a=Annotated[int, Field(description="How many.", title="Number")])),
        (model(a=Colour), model(a=Literal["red", "blue"])),
        (model(a=Tree), model(a=Tree)),
        (model(a=Decimal, b=datetime, c=date), model(a=Decimal, b=datetime, c=date)),
        (model(a=tuple[int, str], b=dict[str, Line]), model(a=tuple[int, str], b=dict[str, Line])),
        (model(a=Any), model(a=Any)),
    ],
)
def test_changes_that_fit(was: type[BaseModel], now: type[BaseModel]) -> None:
    assert compared(was, now) == []


RECORDED = "what waits or is recorded does not fit"
ROLLING = "both releases call each other while a deployment rolls"
AS_2 = "serve the new shape as version 2 beside it."


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (
            model(a=int),
            model(a=int, by=str),
            [f"by: it is required, and was not there; {RECORDED}.\n  Give it a default, or {AS_2}"],
        ),
        (
            model(a=int, by=(str, "")),
            model(a=int, by=str),
            [f"by: it is required, and was not; {RECORDED}.\n  Give it a default, or {AS_2}"],
        ),
        (
            model(a=int, by=str),
            model(a=int),
            [f"by: it is gone, and the release before requires it; {ROLLING}.\n  Keep it for one release, or {AS_2}"],
        ),
        (
            model(a=int),
            model(b=int),
            [
                f"b: it is required, and was not there; {RECORDED}.\n  Give it a default, or {AS_2}",
                f"a: it is gone, and the release before requires it; {ROLLING}.\n  Keep it for one release, or {AS_2}",
            ],
        ),
        (
            model(a=int),
            model(a=float),
            [
                f"a: it may be what the release before does not take (it was number, and is integer); {ROLLING}.\n"
                f"  Release first that it is taken, and then that it is sent, or {AS_2}"
            ],
        ),
        (
            model(a=float),
            model(a=int),
            [f"a: it was number, and is integer; {RECORDED}.\n  Undo it, or {AS_2}"],
        ),
        (
            model(a=str),
            model(a=int),
            [
                f"a: it was string, and is integer; {RECORDED}.\n  Undo it, or {AS_2}",
                f"a: it may be what the release before does not take (it was integer, and is string); {ROLLING}.\n"
                f"  Release first that it is taken, and then that it is sent, or {AS_2}",
            ],
        ),
        (
            model(a=str | None),
            model(a=str),
            [f"a: null is no longer taken; {RECORDED}.\n  Undo it, or {AS_2}"],
        ),
        (
            model(a=MoreColours),
            model(a=Colour),
            [f'a: "green" is no longer taken; {RECORDED}.\n  Undo it, or {AS_2}'],
        ),
        (
            model(a=Colour),
            model(a=MoreColours),
            [
                f'a: it may be what the release before does not take ("green" is no longer taken); {ROLLING}.\n'
                f"  Release first that it is taken, and then that it is sent, or {AS_2}"
            ],
        ),
        (
            model(a=str),
            model(a=Annotated[str, Field(max_length=9)]),
            [f"a: max length is 9, and was not bounded; {RECORDED}.\n  Undo it, or {AS_2}"],
        ),
        (
            model(a=Annotated[int, Field(ge=1)]),
            model(a=Annotated[int, Field(ge=5)]),
            [f"a: minimum is 5, and was 1; {RECORDED}.\n  Undo it, or {AS_2}"],
        ),
        (
            model(a=str),
            model(a=date),
            [f"a: its format is date, and was free; {RECORDED}.\n  Undo it, or {AS_2}"],
        ),
        (
            model(lines=list[Line]),
            model(lines=list[model(sku=str, quantity=(int, 1), colour=str)]),  # type: ignore[misc]
            [f"lines[].colour: it is required, and was not there; {RECORDED}.\n  Give it a default, or {AS_2}"],
        ),
        (
            model(by_name=dict[str, Line]),
            model(by_name=dict[str, model(sku=int, quantity=(int, 1))]),  # type: ignore[misc]
            [
                f"by_name[].sku: it was string, and is integer; {RECORDED}.\n  Undo it, or {AS_2}",
                f"by_name[].sku: it may be what the release before does not take (it was integer, and is string); "
                f"{ROLLING}.\n  Release first that it is taken, and then that it is sent, or {AS_2}",
            ],
        ),
        (
            model(a=Line | None),
            model(a=model(sku=str, quantity=int) | None),
            [f"a.quantity: it is required, and was not; {RECORDED}.\n  Give it a default, or {AS_2}"],
        ),
        (
            Strict,
            create_model("Strict", __config__=ConfigDict(extra="forbid"), sku=(str, ...), more=(str, "")),
            [
                f"more: it is new, and the release before forbids what it does not know; {ROLLING}.\n"
                f'  Release first that the model ignores what it does not know (extra="ignore"), or {AS_2}'
            ],
        ),
        (
            create_model("Strict", __config__=ConfigDict(extra="forbid"), sku=(str, ...), more=(str, "")),
            Strict,
            [f"more: it is not known any more; {RECORDED}.\n  Undo it, or {AS_2}"],
        ),
    ],
)
def test_changes_that_do_not_fit(was: type[BaseModel], now: type[BaseModel], said: list[str]) -> None:
    assert compared(was, now) == [f"pay@1: the result, {each}" for each in said]


def test_a_model_that_holds_itself_is_compared() -> None:
    class Before(BaseModel):
        name: str
        children: list[Before] = []

    class Now(BaseModel):
        name: str
        note: str
        children: list[Now] = []

    Before.model_rebuild(_types_namespace={"Before": Before})
    Now.model_rebuild(_types_namespace={"Now": Now})
    first, *_ = compared(Before, Now)
    assert first.startswith("pay@1: the result, note: it is required, and was not there")


def snapshot(functions: Mapping[str, str], gates: Mapping[str, type[BaseModel]] | None = None) -> Snapshot:
    """Functions by name, in groups; all of one model."""
    schema = schema_of(Line)
    return Snapshot(
        functions={
            name: FunctionSnapshot(group=group, request=schema, result=schema) for name, group in functions.items()
        },
        gates={name: GateSnapshot(payload=schema_of(payload)) for name, payload in (gates or {}).items()},
    )


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ({"pay@1": "workers"}, {"pay@1": "workers", "bill@1": "db"}, []),
        ({"pay@1": "workers"}, {"pay@1": "workers", "pay@2": "workers"}, []),
        ({"pay@1": "payments.workers"}, {}, []),
        (
            {"pay@1": "workers"},
            {"pay@2": "workers"},
            [
                "pay@1: version 1 is no longer served in group workers.\n"
                "  Work in flight would wait for it for ever. Serve it until its last run has ended."
            ],
        ),
        (
            {"db.pay@1": "db"},
            {"db.charge@1": "db"},
            [
                "db.pay@1: version 1 is no longer served in group db.\n"
                '  Work in flight would wait for it for ever. If it is db.charge now, keep `name="db.pay"`: '
                "only its Python name may change."
            ],
        ),
        (
            {"pay@2": "db"},
            {"pay@2": "workers"},
            [
                "pay@2: it has moved from group db to workers.\n"
                "  Work in flight would wait for it for ever. Leave it there, and serve version 3 from group workers."
            ],
        ),
    ],
    ids=["another", "a version beside it", "of others", "a version", "renamed", "moved"],
)
def test_names(was: dict[str, str], now: dict[str, str], said: list[str]) -> None:
    assert [str(it) for it in misfits(snapshot(was), snapshot(now), ["workers", "db"])] == said


def test_gates() -> None:
    before = snapshot({}, {"approve": Line, "pay": Line})
    now = snapshot({}, {"approve": model(sku=str, quantity=(int, 1), by=str)})
    assert [str(it) for it in misfits(before, now, [])] == [
        f"approve: the answer, by: it is required, and was not there; {RECORDED}.\n"
        "  Give it a default, or ask at a new gate.",
        "pay: there is no such gate any more.\n"
        "  Work in flight would wait for it for ever. Keep its name until nobody waits at it.",
    ]


CONTRACT = """
from pydantic import BaseModel
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.rpc import Rpc

class Note(BaseModel):
    text: str

note = Rpc(name="note", group="workers", request=Note, result=Note)
sign = Gate("sign", Note)
"""
CHANGED = CONTRACT.replace("text: str", "text: str\n    by: str")


def test_the_command_and_the_guarantee(tmp_path: Path) -> None:
    request, path = request_in(tmp_path), tmp_path / FILE
    with planted_service(tmp_path / "a", {"contracts/note.py": CHANGED}) as planted:
        guarantees.contracts_fit_their_snapshot(planted, request)  # There is no snapshot yet.
    with planted_service(tmp_path / "b", {"contracts/note.py": CONTRACT}) as planted:
        assert write_snapshot(planted, (), path) == f"{path}: 1 durable functions, 1 gates"
        first = path.read_bytes()
        guarantees.contracts_fit_their_snapshot(planted, request)
        assert write_snapshot(planted, (), path) and path.read_bytes() == first
    with planted_service(tmp_path / "c", {"contracts/note.py": CHANGED}) as planted:
        with pytest.raises(pytest.fail.Exception) as failed:
            guarantees.contracts_fit_their_snapshot(planted, request)
        assert "note@1: the request, by: it is required" in str(failed.value)
        assert str(failed.value).endswith("contracts --accept note@1 --accept sign")
        with pytest.raises(OperatorError, match="note@1: the result, by: it is required"):
            write_snapshot(planted, ["sign"], path)
        with pytest.raises(OperatorError, match="there is no contract nothing"):
            write_snapshot(planted, ["nothing"], path)
        assert path.read_bytes() == first
        write_snapshot(planted, ["sign", "note"], path)
        guarantees.contracts_fit_their_snapshot(planted, request)


def test_a_snapshot_that_cannot_be_read_is_said(tmp_path: Path, definition: Service) -> None:
    path = tmp_path / "contracts.json"
    path.write_text("{")
    with pytest.raises(OperatorError, match=r"contracts\.json cannot be read"):
        write_snapshot(definition, (), path)


def test_a_snapshot_holds_what_programs_read(definition: Service) -> None:
    """No text for people, which may change at any time; but a field may have such a name."""
    schema = schema_of(model(title=str, description=(str, "x")))
    assert schema == {
        "type": "object",
        "properties": {"title": {"type": "string"}, "description": {"type": "string"}},
        "required": ["title"],
    }
    kept = Snapshot.of(definition)
    assert Snapshot.model_validate_json(kept.text()) == kept
    assert kept.text() == Snapshot.of(definition).text()


def test_what_is_in_the_contracts_is_in_the_snapshot() -> None:
    rpc, gate = Rpc("pay", "workers", Line, Line, version=3), Gate("sign", Line)

    class Planted:
        groups = ("workers",)

        def contracts(self) -> list[Rpc[Any, Any]]:
            return [rpc]

        def gates(self) -> dict[str, Gate[Any]]:
            return {"sign": gate}

    planted: Any = Planted()
    kept = Snapshot.of(planted)
    assert (set(kept.functions), set(kept.gates)) == ({"pay@3"}, {"sign"})

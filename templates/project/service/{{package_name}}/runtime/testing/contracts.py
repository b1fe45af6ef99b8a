"""Snapshots of contracts: what the release before has, and whether what changed since fits.

Work outlives a deployment: requests wait, results and answers are recorded, and while a deployment rolls both releases
call each other. So of each durable function and gate the snapshot keeps its name, group and version, and the schemas of
its models. A contract that is not in it has not been released, and may change as it likes.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..errors import OperatorError
from ..service import Service

type Schema = Mapping[str, Any]

FILE = Path("tests", "contracts.json")
"""The snapshot, in the directory of a service."""

_NOTES = ("title", "description", "default", "examples", "deprecated")
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


class FunctionSnapshot(BaseModel):
    """A durable function: its group, as the service knows it, and the schemas of its models."""

    group: str
    request: dict[str, Any]
    result: dict[str, Any]


class GateSnapshot(BaseModel):
    """A gate, and the schema of its answers."""

    payload: dict[str, Any]


class Snapshot(BaseModel):
    """All contracts of a service: functions by ``name@version``, gates by name."""

    functions: dict[str, FunctionSnapshot] = {}
    gates: dict[str, GateSnapshot] = {}

    @classmethod
    def of(cls, service: Service) -> "Snapshot":
        """The contracts as the code has them."""
        functions = {
            f"{it.name}@{it.version}": FunctionSnapshot(
                group=it.group, request=schema_of(it.request), result=schema_of(it.result)
            )
            for it in service.contracts()
        }
        gates = {name: GateSnapshot(payload=schema_of(gate.payload)) for name, gate in service.gates().items()}
        return cls(functions=functions, gates=gates)

    @classmethod
    def read(cls, path: Path) -> "Snapshot":
        """What a file holds; nothing where there is none."""
        return cls.model_validate_json(path.read_text("utf-8")) if path.exists() else cls()

    def text(self) -> str:
        """It as JSON, to keep and to compare line by line."""
        return json.dumps(self.model_dump(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Misfit:
    """A change that does not fit: of which contract (``name@version``, or a gate), what is wrong, and what to do."""

    contract: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.contract}: {self.problem}.\n  {self.remedy}"


def misfits(before: Snapshot, now: Snapshot, own_groups: Sequence[str]) -> list[Misfit]:
    """What of the snapshot no longer fits the code."""
    return [*_of_functions(before, now, own_groups), *_of_gates(before, now)]


def write_snapshot(service: Service, accept: Sequence[str], path: Path = FILE) -> str:
    """Write the snapshot; returns what to tell. ``accept``: contracts whose changes are meant.

    Raises:
        OperatorError: changes that do not fit, and are not accepted; or the file cannot be read or written.
    """
    try:
        before, now = Snapshot.read(path), Snapshot.of(service)
    except (ValueError, OSError) as error:
        raise OperatorError(f"{path} cannot be read: {error}", "Restore it, or delete it to begin anew.") from None
    known = {*before.functions, *before.gates, *now.functions, *now.gates}
    accept = [_the_contract(name, known) for name in accept]
    wrong = [it for it in misfits(before, now, service.groups) if it.contract not in accept]
    if wrong:
        names = " ".join(f"--accept {name}" for name in dict.fromkeys(it.contract for it in wrong))
        raise OperatorError(
            "\n".join(map(str, wrong)), f"Where that is meant, say so: {service.package} contracts {names}"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(now.text(), "utf-8", newline="\n")
    except OSError as error:
        remedy = "Run it in the service's directory."
        raise OperatorError(f"{path} cannot be written: {error.strerror}", remedy) from None
    return f"{path}: {len(now.functions)} durable functions, {len(now.gates)} gates"


def _the_contract(name: str, known: Set[str]) -> str:
    """A contract by its full name; the version may be left out where there is one."""
    found = [name] if name in known else sorted(key for key in known if key.partition("@")[0] == name)
    if len(found) != 1:
        names = ", ".join(found or sorted(known)) or "none yet"
        what = f"several contracts are called {name}" if found else f"there is no contract {name}"
        raise OperatorError(what, f"Contracts: {names}")
    return found[0]


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of what a model takes, without what is for people only."""
    cleaned: dict[str, Any] = _without_notes(model.model_json_schema())
    return cleaned


def _without_notes(part: Any, *, names: bool = False) -> Any:
    """``names``: the keys are names of fields or models, not words of JSON schema."""
    if isinstance(part, list):
        return [_without_notes(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _without_notes(value, names=not names and key in ("properties", "$defs"))
        for key, value in part.items()
        if names or key not in _NOTES
    }


# Names

_STAY = "Work in flight would wait for it for ever."


def _of_functions(before: Snapshot, now: Snapshot, own_groups: Sequence[str]) -> Iterator[Misfit]:
    for key, was in before.functions.items():
        version = key.partition("@")[2]
        found = now.functions.get(key)
        if found is None:
            if was.group in own_groups:  # What others serve may be called no longer.
                yield _gone(key, was, before, now)
            continue
        if found.group != was.group:
            yield Misfit(
                key,
                f"it has moved from group {was.group} to {found.group}",
                f"{_STAY} Leave it there, and serve version {int(version) + 1} from group {found.group}.",
            )
        higher = f"serve the new shape as version {int(version) + 1} beside it"
        yield from _of_models(key, "the request", was.request, found.request, higher)
        yield from _of_models(key, "the result", was.result, found.result, higher)


def _gone(key: str, was: FunctionSnapshot, before: Snapshot, now: Snapshot) -> Misfit:
    name, _, version = key.partition("@")
    new = [other for other, it in now.functions.items() if other not in before.functions and it.group == was.group]
    names = [other.partition("@")[0] for other in new if _is_same(was, now.functions[other])]
    alike = [other for other in names if other != name]
    renamed = f' If it is {alike[0]} now, keep `name="{name}"`: only its Python name may change.' if alike else ""
    return Misfit(
        key,
        f"version {version} is no longer served in group {was.group}",
        f"{_STAY}{renamed or ' Serve it until its last run has ended.'}",
    )


def _is_same(one: FunctionSnapshot, other: FunctionSnapshot) -> bool:
    return (one.request, one.result) == (other.request, other.result)


def _of_gates(before: Snapshot, now: Snapshot) -> Iterator[Misfit]:
    for name, was in before.gates.items():
        found = now.gates.get(name)
        if found is None:
            yield Misfit(name, "there is no such gate any more", f"{_STAY} Keep its name until nobody waits at it.")
        else:
            yield from _of_models(name, "the answer", was.payload, found.payload, "ask at a new gate")


# Models


def _of_models(contract: str, what: str, was: Schema, now: Schema, otherwise: str) -> Iterator[Misfit]:
    for path, problem in _Reader(now, was).problems():
        where = f"{what}{path and f', {path}'}"
        remedy = f"{'Give it a default' if problem.startswith(_REQUIRED) else 'Undo it'}, or {otherwise}."
        yield Misfit(contract, f"{where}: {problem}; what waits or is recorded does not fit", remedy)
    for path, problem in _Reader(was, now).problems():
        where = f"{what}{path and f', {path}'}"
        if problem.startswith(_REQUIRED):
            problem = "it is gone, and the release before requires it"
            remedy = "Keep it for one release"
        elif problem.startswith(_UNKNOWN):
            problem = "it is new, and the release before forbids what it does not know"
            remedy = 'Release first that the model ignores what it does not know (extra="ignore")'
        else:
            problem = f"it may be what the release before does not take ({problem})"
            remedy = "Release first that it is taken, and then that it is sent"
        problem = f"{where}: {problem}; both releases call each other while a deployment rolls"
        yield Misfit(contract, problem, f"{remedy}, or {otherwise}.")


_REQUIRED = "it is required"
_UNKNOWN = "it is not known"


class _Reader:
    """Compares what one schema takes with what another one allows to be written."""

    def __init__(self, reads: Schema, writes: Schema) -> None:
        self._reads, self._writes = reads, writes
        self._open: list[tuple[str, str]] = []

    def problems(self) -> list[tuple[str, str]]:
        """The places (``lines[].sku``) where something is written that is not read, and why."""
        return list(self._compare(self._reads, self._writes, ""))

    def _compare(self, reads: Any, writes: Any, path: str) -> Iterator[tuple[str, str]]:
        pair = json.dumps(reads, sort_keys=True), json.dumps(writes, sort_keys=True)
        if pair in self._open:  # A model that holds itself.
            return
        self._open.append(pair)
        yield from self._compare_followed(_followed(reads, self._reads), _followed(writes, self._writes), path)
        self._open.remove(pair)

    def _compare_followed(self, reads: Any, writes: Any, path: str) -> Iterator[tuple[str, str]]:
        if reads in ({}, True):
            return
        if ways := _choices(writes):
            for way in ways:
                yield from self._compare(reads, way, path)
        elif ways := _choices(reads):
            found = [list(self._compare(way, writes, path)) for way in ways]
            if all(found):
                kind = _kind(writes, self._writes)
                likely = [each for way, each in zip(ways, found, strict=True) if _kind(way, self._reads) == kind]
                yield from min(likely or [[(path, f"{_text(writes)} is no longer taken")]], key=len)
        else:
            yield from self._compare_plain(reads, writes, path)

    def _compare_plain(self, reads: Schema, writes: Schema, path: str) -> Iterator[tuple[str, str]]:
        taken, written = _values(reads), _values(writes)
        if taken is not None:
            left = [value for value in written or [] if value not in taken]
            if written is None or left:
                names = ", ".join(json.dumps(value) for value in left) or _text(writes)
                yield path, f"{names} is no longer taken"
            return
        kind, other = reads.get("type"), writes.get("type")
        if other is None and written:
            other = _type_of(written)
        if kind != other and (kind, other) != ("number", "integer"):
            changed = f"it was {_text(writes)}, and is {_text(reads)}"
            yield path, "null is no longer taken" if other == "null" else changed
            return
        yield from ((path, problem) for problem in _narrower(reads, writes))
        match kind:
            case "object":
                yield from self._compare_objects(reads, writes, path)
            case "array":
                yield from self._compare_arrays(reads, writes, path)

    def _compare_objects(self, reads: Schema, writes: Schema, path: str) -> Iterator[tuple[str, str]]:
        known, written = reads.get("properties", {}), writes.get("properties", {})
        for name in reads.get("required", []):
            if name not in writes.get("required", []):
                yield _below(path, name), f"{_REQUIRED}, and was not{'' if name in written else ' there'}"
        others = reads.get("additionalProperties", True)
        for name, schema in written.items():
            if name in known:
                yield from self._compare(known[name], schema, _below(path, name))
            elif others is False:
                yield _below(path, name), f"{_UNKNOWN} any more"
        values = writes.get("additionalProperties", True)
        if isinstance(others, dict) and isinstance(values, dict):
            yield from self._compare(others, values, f"{path}[]")

    def _compare_arrays(self, reads: Schema, writes: Schema, path: str) -> Iterator[tuple[str, str]]:
        ours, theirs = reads.get("prefixItems", []), writes.get("prefixItems", [])
        for index, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            yield from self._compare(one, other, f"{path}[{index}]")
        if not ours and not theirs:
            yield from self._compare(reads.get("items", {}), writes.get("items", {}), f"{path}[]")


def _followed(schema: Any, root: Schema) -> Any:
    while isinstance(schema, dict) and "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _choices(schema: Any) -> list[Any]:
    if not isinstance(schema, dict):
        return []
    found: list[Any] = schema.get("anyOf") or schema.get("oneOf") or []
    return found


def _values(schema: Schema) -> list[Any] | None:
    """What an enum or a literal may be."""
    values: list[Any] | None = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return values


def _type_of(values: list[Any]) -> str | None:
    names = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "NoneType": "null"}
    types = {names.get(type(value).__name__) for value in values}
    return types.pop() if len(types) == 1 else None


def _kind(schema: Any, root: Schema) -> Any:
    followed = _followed(schema, root)
    return followed.get("type") if isinstance(followed, dict) else None


def _narrower(reads: Schema, writes: Schema) -> Iterator[str]:
    """How a value is bounded more closely than it was."""
    for word in (*_LEAST, *_MOST):
        bound, other = reads.get(word), writes.get(word)
        is_tighter = bound is not None and (other is None or (bound > other if word in _LEAST else bound < other))
        if is_tighter:
            yield f"{_spelled(word)} is {bound}, and was {'not bounded' if other is None else other}"
    for word in ("pattern", "format", "multipleOf"):
        if word in reads and reads[word] != writes.get(word):
            yield f"its {_spelled(word)} is {reads[word]}, and was {writes.get(word, 'free')}"
    if reads.get("uniqueItems") and not writes.get("uniqueItems"):
        yield "its items must be different, and need not have been"


def _spelled(word: str) -> str:
    """A word of JSON schema in plain English: ``min length``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word).lower()


def _text(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "anything"
    values = _values(schema)
    if values is not None:
        return "one of " + ", ".join(json.dumps(value) for value in values)
    return str(schema.get("format") or schema.get("type") or "anything")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

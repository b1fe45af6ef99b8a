"""The contracts as other teams need them, in any language: as JSON, with JSON schemas. `resonate-scaffold export` reads it."""

from collections.abc import Iterator
from typing import Any, get_type_hints

from pydantic import BaseModel, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema as core

from .durable.rpc import Rpc
from .engine.namespace import Namespace
from .errors import Failure, InvalidRequest
from .service import Service
from .settings import DEFAULT_JOB_TIMEOUT, ServiceSettings

type _Model = tuple[type[BaseModel], JsonSchemaMode]
"""A model, and whether it is read (``validation``) or written."""


class _OnTheWire(GenerateJsonSchema):
    """What is on the wire: each field of a model that is sent, and Decimals as text, in which no language rounds them."""

    def decimal_schema(self, schema: core.DecimalSchema) -> JsonSchemaValue:
        return {"type": "string", "format": "decimal"}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def field_is_required(
        self, field: core.ModelField | core.DataclassField | core.TypedDictField, total: bool
    ) -> bool:
        is_always_sent = self.mode == "serialization" and "serialization_exclude_if" not in field
        return is_always_sent or super().field_is_required(field, total)


def export(service: Service, settings: ServiceSettings) -> dict[str, Any]:
    """All contracts: names, versions, groups, targets on the engine, and the schemas of what is sent in either direction."""
    namespace = service.namespace(settings)
    contracts = sorted(service.contracts(), key=lambda it: (it.group, it.name, it.version))
    functions = [_Function(contract, is_ours=contract.group in service.groups) for contract in contracts]
    models = dict.fromkeys(model for function in functions for model in function.models)
    refs, definitions = models_json_schema(list(models), ref_template="#/$defs/{model}", schema_generator=_OnTheWire)
    return {
        "service": service.name,
        "namespace": namespace.name,
        "functions": [function.described(namespace, refs) for function in functions],
        "$defs": definitions.get("$defs", {}),
    }


class _Function:
    """A contract, and how its models go over the wire: who serves it reads the request and writes the result."""

    def __init__(self, contract: Rpc[Any, Any], *, is_ours: bool) -> None:
        self.contract, self.is_ours = contract, is_ours
        reads: JsonSchemaMode = "validation" if is_ours else "serialization"
        writes: JsonSchemaMode = "serialization" if is_ours else "validation"
        self.request: _Model = (contract.request, reads)
        self.result: _Model = (contract.result, writes)
        kinds: list[type[Failure]] = [*contract.raises, *([InvalidRequest] if is_ours else [])]
        self.failures = [(kind, _fields_of(kind), writes) for kind in dict.fromkeys(kinds)]

    @property
    def models(self) -> Iterator[_Model]:
        yield self.request
        yield self.result
        yield from ((fields, mode) for _, fields, mode in self.failures if fields is not None)

    def described(self, namespace: Namespace, refs: dict[Any, JsonSchemaValue]) -> dict[str, Any]:
        contract = self.contract
        return {
            "name": contract.name,
            "version": contract.version,
            "group": namespace.group(contract.group),
            "target": namespace.target(contract.group),
            "is_ours": self.is_ours,
            "timeout": (contract.timeout or DEFAULT_JOB_TIMEOUT).total_seconds(),
            "request": refs[self.request],
            "result": refs[self.result],
            "failures": [
                {"code": kind.code, "status": kind.status, "fields": refs[fields, mode] if fields else None}
                for kind, fields, mode in self.failures
            ],
        }


def _fields_of(kind: type[Failure]) -> type[BaseModel] | None:
    """The attributes of a kind of failure, as a model; None where it has none."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name not in ("code", "status")}
    fields: dict[str, Any] = {name: (hint, getattr(kind, name, ...)) for name, hint in hints.items()}
    return create_model(f"{kind.__name__}Fields", **fields) if fields else None

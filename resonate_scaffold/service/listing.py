"""What `list` shows: a service as plain JSON, and as aligned lines."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.code.facts import Place
from resonate_scaffold.service.deployments import PLATFORMS, is_there, main_file, read_deployed
from resonate_scaffold.service.entities import read_entities
from resonate_scaffold.service.service import Service
from resonate_scaffold.service.types import ModelField, ModelType

KINDS: Mapping[str, str] = {
    "route": "routes",
    "workflow": "workflows",
    "db-function": "db_functions",
    "query": "queries",
    "rpc": "rpc",
    "webhook": "webhooks",
    "schedule": "schedules",
    "idempotency-key": "idempotency_keys",
    "group": "groups",
    "client": "clients",
    "entity": "entities",
    "field": "fields",
    "deploy": "deployments",
}
"""What can be listed: each kind with its key in the inventory."""


def inventory(service: Service, kinds: Collection[str] = tuple(KINDS)) -> dict[str, list[dict[str, Any]]]:
    """What the service has, as plain JSON; ``kinds`` are keys of :data:`KINDS`, and only they are read.

    An entry's ``file`` and ``line`` are where it is declared.
    """
    sections: Mapping[str, Callable[[Service], list[dict[str, Any]]]] = {
        "route": _routes,
        "workflow": lambda it: _contracts(it, "workflows"),
        "db-function": lambda it: _contracts(it, "db"),
        "query": _queries,
        "rpc": lambda it: _contracts(it, None),
        "webhook": _webhooks,
        "schedule": _schedules,
        "idempotency-key": _keys,
        "group": _groups,
        "client": _clients,
        "entity": _entities,
        "field": _entity_fields,
        "deploy": _deployments,
    }
    return {KINDS[kind]: sections[kind](service) for kind in KINDS if kind in kinds}


def table(inventory: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[tuple[str, list[str]]]:
    """An inventory for people: each heading with its lines, in aligned columns. What is empty is left out."""
    rows: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], tuple[str, ...]]]] = {
        "routes": ("Routes", _route_row),
        "workflows": ("Workflows", _workflow_row),
        "db_functions": ("Database functions", _workflow_row),
        "queries": ("Queries", _query_row),
        "rpc": ("RPC", _rpc_row),
        "webhooks": ("Webhooks", _webhook_row),
        "schedules": ("Schedules", _schedule_row),
        "idempotency_keys": ("Idempotency keys", _key_row),
        "groups": ("Groups", _group_row),
        "clients": ("Clients of HTTP APIs", _client_row),
        "entities": ("Entities", _entity_row),
        "fields": ("Fields of entities", _field_row),
        "deployments": ("Deployments", _deployment_row),
    }
    return [
        (heading, _aligned([row(entry) for entry in inventory[section]]))
        for section, (heading, row) in rows.items()
        if inventory.get(section)
    ]


def _routes(service: Service) -> list[dict[str, Any]]:
    return [
        {
            "name": f"{route.method} {route.path}",
            "method": route.method,
            "path": route.path,
            "function": route.function,
            **_json(route.place),
            "included": route.included,
            "contracts": list(route.contracts),
            "gates": list(route.gates),
            "queries": list(route.queries),
        }
        for route in service.routes
    ]


def _contracts(service: Service, module: str | None) -> list[dict[str, Any]]:
    """The contracts of the group that ``module`` runs; with None, those of every other group."""
    names = {group.module: group.name for group in service.groups}
    fixed = {name: names.get(name, default) for name, default in (("workflows", "workers"), ("db", "db"))}
    fields = _fields_of(service)
    return [
        {
            "name": contract.durable,
            "variable": contract.variable,
            **_json(contract.place),
            "group": contract.group,
            "version": contract.version,
            "takes": fields(contract.request),
            "returns": fields(contract.result),
            "served": _maybe(contract.served),
            "function": _maybe(contract.function),
            **({"faked": _maybe(contract.faked)} if module is None else {}),
            "called": [_json(place) for place in contract.called],
            "started": [_json(place) for place in contract.started],
            "scheduled": list(contract.scheduled),
        }
        for contract in service.contracts
        if (contract.group == fixed[module] if module else contract.group not in fixed.values())
    ]


def _webhooks(service: Service) -> list[dict[str, Any]]:
    fields = _fields_of(service)
    return [
        {
            "name": gate.name,
            "variable": gate.variable,
            **_json(gate.place),
            "takes": fields(gate.payload),
            "routes": list(gate.routes),
            "waited": [_json(place) for place in gate.waited],
            "answered": [_json(place) for place in gate.answered],
        }
        for gate in service.gates
    ]


def _schedules(service: Service) -> list[dict[str, Any]]:
    return [
        {
            "name": schedule.name,
            **_json(schedule.place),
            "cron": schedule.cron,
            "workflow": schedule.workflow,
            **schedule.ways,
        }
        for schedule in service.schedules
    ]


def _keys(service: Service) -> list[dict[str, Any]]:
    return [
        {
            "name": key.name,
            **_json(key.place),
            "kind": key.kind,
            "fields": list(key.fields),
            "used": [_json(place) for place in key.used],
        }
        for key in service.keys
    ]


def _queries(service: Service) -> list[dict[str, Any]]:
    return [
        {
            "name": query.name,
            "module": query.module,
            **_json(query.place),
            "takes": [argument.arg for argument, _ in query.arguments],
            "returns": None if query.returns is None else ast.unparse(query.returns),
            "used": [_json(place) for place in query.used],
        }
        for query in service.queries
    ]


def _groups(service: Service) -> list[dict[str, Any]]:
    own = [
        {"name": group.name, "module": group.module, **_json(group.place), "serves": list(group.serves)}
        for group in service.groups
    ]
    foreign = [
        {"name": name, "module": None, **_json(contracts[0].place), "serves": [it.durable for it in contracts]}
        for name in service.foreign_groups
        if (contracts := [it for it in service.contracts if it.group == name])
    ]
    return sorted([*own, *foreign], key=lambda entry: str(entry["name"]))


def _clients(service: Service) -> list[dict[str, Any]]:
    return [
        {
            "name": client.name,
            "class": client.qualified,
            **_json(client.place),
            "groups": list(client.groups),
            "settings": list(client.settings),
        }
        for client in service.clients
    ]


def _entities(service: Service) -> list[dict[str, Any]]:
    return [
        {
            "name": entity.name,
            **_json(entity.place),
            "table": entity.table,
            "refers": sorted({field.refers for field in entity.fields if field.refers is not None}),
        }
        for entity in read_entities(service)
    ]


def _entity_fields(service: Service) -> list[dict[str, Any]]:
    return [
        {
            "name": f"{entity.name} {field.name}",
            **_json(field.place),
            "type": field.type,
            "unique": field.unique,
            "refers": field.refers,
        }
        for entity in read_entities(service)
        for field in entity.fields
    ]


def _fields_of(service: Service) -> Callable[[str | None], list[str] | None]:
    def fields(name: str | None) -> list[str] | None:
        model = service.named_type(name) if name else None
        return [_field_text(service, item) for item in model.fields] if isinstance(model, ModelType) else None

    return fields


def _field_text(service: Service, item: ModelField) -> str:
    """A field as it reads, without the modules of its types: how they are imported makes no difference."""
    path = service.path_of(item.module)
    assert path is not None  # the field was read from there
    source = service.source(path)
    annotation = item.annotation
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        with suppress(SyntaxError, ValueError):
            annotation = ast.parse(annotation.value.strip(), mode="eval").body

    def short(node: ast.expr) -> str | None:
        name = source.qualified(node)
        return name.rpartition(".")[2] if name else None

    default = "" if item.default is None else f" = {layout.expression(item.default, short)}"
    return f"{item.name}: {layout.expression(annotation, short)}{default}"


def _route_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    towards = ", ".join([*entry["contracts"], *entry["gates"], *entry["queries"]])
    return entry["name"], towards, _where(entry), "" if entry["included"] else "not in ROUTERS: nobody reaches it"


def _workflow_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    words = _users(entry) or ["nothing calls it"]
    if entry["served"] is None:
        words.insert(0, "nobody serves it")
    return _versioned(entry), _where(entry["function"] or entry), "; ".join(words)


def _rpc_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    served = f"served in {_where(entry['served'])}" if entry["served"] else "served elsewhere"
    fake = [f"stand-in in {_where(entry['faked'])}"] if entry["faked"] else []
    words = [served, *fake, *(_users(entry) or ["nothing calls it"])]
    return _versioned(entry), f"group {entry['group']}", _where(entry), "; ".join(words)


def _webhook_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    answered = f"answered in {_places(entry['answered'])}" if entry["answered"] else ""
    routes = ", ".join(filter(None, [*entry["routes"], answered])) or "no route delivers it"
    waited = f"awaited in {_places(entry['waited'])}" if entry["waited"] else "no workflow waits for it"
    return entry["name"], routes, _where(entry), waited


def _schedule_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    ways = ", ".join(f"{option}={entry[option]}" for option in ("catch_up", "overlap") if option in entry)
    starts = entry["workflow"] or "a workflow that cannot be read"
    return entry["name"], entry["cron"], starts, _where(entry), ways


def _key_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    used = f"used in {_places(entry['used'])}" if entry["used"] else "nothing uses it"
    return f"{entry['name']}({', '.join(entry['fields'])})", f"{entry['kind']}/…", _where(entry), used


def _query_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    used = f"read in {_places(entry['used'])}" if entry["used"] else "nothing reads it"
    return f"{entry['name']}({', '.join(entry['takes'])})", _where(entry), used


def _group_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    serves = ", ".join(entry["serves"]) or "nothing"
    if entry["module"] is None:
        return entry["name"], _where(entry), f"served elsewhere: {serves}"
    return entry["name"], _where(entry), "serves HTTP" if entry["module"] == "api" else f"serves {serves}"


def _client_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    opened = f"opened by {', '.join(entry['groups'])}" if entry["groups"] else "no group opens it"
    return entry["name"], _where(entry), opened


def _entity_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    refers = f"refers to {', '.join(entry['refers'])}" if entry["refers"] else ""
    return entry["name"], f"table {entry['table'] or 'that cannot be read'}", _where(entry), refers


def _field_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    words = ["unique"] if entry["unique"] else []
    words += [f"refers to {entry['refers']}"] if entry["refers"] else []
    return entry["name"], entry["type"], _where(entry), "; ".join(words)


def _users(entry: Mapping[str, Any]) -> list[str]:
    words = [f"called by {_places(entry['called'])}"] if entry["called"] else []
    words += [f"started by {_places(entry['started'])}"] if entry["started"] else []
    return words + ([f"scheduled by {', '.join(entry['scheduled'])}"] if entry["scheduled"] else [])


def _versioned(entry: Mapping[str, Any]) -> str:
    return str(entry["name"]) if entry["version"] == 1 else f"{entry['name']} (version {entry['version']})"


def _where(entry: Mapping[str, Any]) -> str:
    return f"{entry['file']}:{entry['line']}"


def _places(entries: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(map(_where, entries))


def _deployments(service: Service) -> list[dict[str, Any]]:
    return [
        {
            "name": platform,
            "file": str(main_file(service.project, platform)),
            "line": 1,
            "groups": list(read_deployed(service).groups),
        }
        for platform in PLATFORMS
        if is_there(service.project, platform)
    ]


def _deployment_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return entry["name"], _where(entry), f"the API, and groups {', '.join(entry['groups'])}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True) if width) for row in rows]
    return [line.rstrip() for line in lines]


def _json(place: Place) -> dict[str, Any]:
    return {"file": place.path, "line": place.line}


def _maybe(place: Place | None) -> dict[str, Any] | None:
    return None if place is None else _json(place)

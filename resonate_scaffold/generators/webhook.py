"""`add webhook`: a gate with a typed payload, and the signed route that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold import layout
from resonate_scaffold.errors import Taken
from resonate_scaffold.fields import Field, parse_fields
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.growth import Growth, Imports, asked_before, at, check_kind, kinds_in, tests_path
from resonate_scaffold.layout import Item
from resonate_scaffold.names import Name
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """``takes`` as typed; ``workflow`` is the durable name of the one that waits, where there is only one."""

    name: str
    takes: tuple[str, ...] = ()
    workflow: str | None = None


def add_webhook(project: Project, request: WebhookRequest) -> Plan:
    """Plan a webhook: payload and gate, signed route, tests of every outcome."""
    name = contracts.noun(request.name, "webhook")
    growth = Growth(project, "webhook", name.kebab)
    takes = parse_fields(list(request.takes), "--takes", growth.types.resolve)
    growth.options = contracts.options(takes=takes, workflow=request.workflow)
    if done := asked_before(growth):
        return done
    check_kind(growth, name.kebab)
    path = f"/webhooks/{name.kebab}/{{id:path}}"
    for route in growth.survey.routes:
        if route.method == "POST" and route.path.startswith((f"/webhooks/{name.kebab}/", "/webhooks/{")):
            raise Taken(f"POST {route.path} is there already ({at(route.place)})", "Choose another name.")
    root = _root(growth, request.workflow)

    module = f"contracts.workflows.{name.snake}"
    _declare(growth, name, module, takes)
    example = growth.types.example_of(f"{module}.{name.pascal}", takes)
    if example is None:
        wanted = next(item for item in takes if growth.types.example(item.shape) is None)
        raise contracts.no_example(wanted.name, wanted.shape)
    config: list[Item | str] = ['extra="forbid"', "strict=True"]
    config.append(Item(layout.value({"examples": [example.json]}), "json_schema_extra="))
    answer = layout.group(f"{name.pascal}(", [f"{item.name}=sent.{item.name}" for item in takes], ")")
    delivered: list[Item | str] = ["client", name.snake, "id", "answer"]
    imports = Imports()
    imports.names(module, name.pascal, name.snake)
    imports.names("runtime.durable.ids", "is_visible")
    imports.names("runtime.http.auth", "ClientDep")
    imports.names("runtime.http.problems", "not_found")
    imports.names("runtime.http.webhooks", "ANSWERED", "SignedBody", "deliver", "parse", "signed")
    if root is not None:
        imports.names("runtime.durable.ids", "root_id")
        delivered.append(f"root=root_id({layout.text(root)}, id)")
    context = {
        "name": name.kebab,
        "snake": name.snake,
        "pascal": name.pascal,
        "path": path,
        "config": contracts.statement(layout.call("ConfigDict", config), before="model_config = "),
        "answer": contracts.statement(answer, before="answer = "),
        "takes": bool(takes),
        "deliver": contracts.statement(layout.call("await deliver", delivered), before="holds = "),
        "definition": contracts.definition(
            f"take_{name.snake}", ["id: str", "body: SignedBody", "client: ClientDep"], f"{name.pascal}Taken"
        ),
    }
    api = f"api.webhook_{name.snake}"
    growth.create("webhook/route.py", growth.module(api), context, imports)
    growth.include(api)
    _test(growth, name, module, takes, root)
    growth.notes.append(_waiting(growth, name, module, request.workflow))
    return growth.plan()


def _root(growth: Growth, workflow: str | None) -> str | None:
    """What the ids of the workflow that waits begin with; None where any may wait."""
    if workflow is None:
        return None
    contracts.find_workflow(growth, workflow)
    modules = {PurePosixPath(route.place.path) for route in growth.survey.routes if workflow in route.contracts}
    kinds = {kind for path in modules for kind, _ in kinds_in(growth.survey, path)}
    return kinds.pop() if len(kinds) == 1 else workflow


def _declare(growth: Growth, name: Name, module: str, takes: tuple[Field, ...]) -> None:
    imports = Imports([name.pascal, name.snake])
    imports.names("!pydantic", "BaseModel")
    imports.names("runtime.durable.gate", "Gate")
    context = {
        "name": name.kebab,
        "variable": name.snake,
        "payload": name.pascal,
        "fields": list(contracts.declared(takes, imports)),
    }
    growth.create("webhook/gate.py", growth.module(module), context, imports)


def _waiting(growth: Growth, name: Name, module: str, workflow: str | None) -> str:
    """The lines by which a workflow waits: business, so theirs to place."""
    found = contracts.named(growth, workflow) if workflow else None
    where = found.function.path if found and found.function else "the workflow that waits"
    return (
        f"In {where}, where it should wait:\n"
        f"    answer = await {name.snake}.wait(ctx, job_id(ctx), timedelta(hours=24))\n"
        f"    if answer is None:\n"
        f'        raise Failure("{name.kebab}: nobody answered in time")\n'
        f"with: from datetime import timedelta; from ..{module} import {name.snake}; "
        f"from ..runtime.durable.ids import job_id; from ..runtime.errors import Failure\n"
        f"Its tests answer with `service.answer({name.snake}, …)` while it runs, its crash test passes "
        f"`answers={{{name.snake}: …}}`."
    )


def _test(growth: Growth, name: Name, module: str, takes: tuple[Field, ...], root: str | None) -> None:
    imports = Imports()
    imports.names("!datetime", "timedelta")
    imports.names("!pydantic", "BaseModel")
    imports.names("!resonate.context", "Context")
    imports.names(module, name.pascal, name.snake)
    imports.names("runtime.durable.ids", "job_id", "root_id")
    imports.names("runtime.durable.rpc", "Rpc", "serve")
    imports.names("runtime.errors", "Failure")
    imports.names("runtime.testing.running", "RunningService", "StartService", "problem")
    body = {item.name: _json(growth, item) for item in takes if not item.optional}
    other = contracts.other_body(growth, takes)
    rpc = layout.call("Rpc", ['name="ask"', 'group="tests"', "request=Ask", f"result={name.pascal}"])
    context = {
        "name": name.kebab,
        "snake": name.snake,
        "pascal": name.pascal,
        "body": contracts.statement(layout.value(body), indent=0, before="BODY: dict[str, object] = "),
        "other": other,
        "root": root or "ask",
        "unknown": "not-found" if root else "not-waiting",
        "rpc": contracts.statement(rpc, indent=0, before="ask = "),
    }
    growth.create("webhook/test.py", tests_path("webhook", name), context, imports)


def _json(growth: Growth, item: Field) -> object:
    example = growth.types.example(item.shape)
    assert example is not None  # `add_webhook` has refused it
    return example.json

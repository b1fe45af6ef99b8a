"""`add webhook`: a gate with a typed payload, and the signed route that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold import layout
from resonate_scaffold.errors import Taken, UsageError
from resonate_scaffold.fields import Field, closest, parse_fields
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.growth import Bind, Growth, asked_before, at, kinds_in, root_kinds, tests_path
from resonate_scaffold.generators.workflow import GROUP, MODULE
from resonate_scaffold.layout import Item
from resonate_scaffold.names import Name
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.shapes import Import
from resonate_scaffold.templates import render_add


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
    kinds = root_kinds(growth)
    if name.kebab in kinds:
        raise Taken(
            f"Ids that begin with {name.kebab}/ are there already ({kinds[name.kebab]})", "Choose another name."
        )
    path = f"/webhooks/{name.kebab}/{{id:path}}"
    for route in growth.survey.routes:
        if route.method == "POST" and route.path.startswith((f"/webhooks/{name.kebab}/", "/webhooks/{")):
            raise Taken(f"POST {route.path} is there already ({at(route.place)})", "Choose another name.")
    root = _root(growth, request.workflow)

    _declare(growth, name, takes)
    example = growth.types.example_of(f"{MODULE}.{name.pascal}", takes)
    if example is None:
        wanted = next(item for item in takes if growth.types.example(item.shape) is None)
        raise contracts.no_example(wanted.name, wanted.shape)
    config: list[Item | str] = ['extra="forbid"', "strict=True"]
    config.append(Item(layout.value({"examples": [example.json]}), "json_schema_extra="))
    answer = layout.group(f"{name.pascal}(", [f"{item.name}=sent.{item.name}" for item in takes], ")")
    delivered: list[Item | str] = ["engine", name.snake, "id", "answer"]
    if root is not None:
        delivered.append(f"root=ids.root({layout.text(root)}, id)")
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
            f"take_{name.snake}", ["id: str", "body: SignedBody", "engine: EngineDep"], f"{name.pascal}Taken"
        ),
    }
    module = f"api.routes.webhook_{name.snake}"
    growth.create("webhook/route.py", growth.module(module), context, [(MODULE, name.pascal), (MODULE, name.snake)])
    growth.wire(
        growth.module("api.app"), "ROUTERS", f"{module}.router", [(module, None)], lambda routes: f"{routes}.router"
    )
    _test(growth, name, takes, root)
    growth.notes.append(_waiting(growth, name, request.workflow))
    return growth.plan()


def _root(growth: Growth, workflow: str | None) -> str | None:
    """What the ids of the workflow that waits begin with; None where any may wait."""
    if workflow is None:
        return None
    contract = contracts.find(growth, workflow, "--workflow")
    if contract.group != GROUP:
        known = [item.durable for item in growth.survey.contracts if item.group == GROUP]
        raise UsageError(f"{workflow} is a function of group {contract.group}, not a workflow", closest("", known))
    modules = {PurePosixPath(route.place.path) for route in growth.survey.routes if workflow in route.contracts}
    kinds = {kind for path in modules for kind, _ in kinds_in(growth, path)}
    return kinds.pop() if len(kinds) == 1 else workflow


def _declare(growth: Growth, name: Name, takes: tuple[Field, ...]) -> None:
    def write(bind: Bind) -> str:
        context = {
            "name": name.kebab,
            "variable": name.snake,
            "payload": name.pascal,
            "fields": list(contracts.declared(takes, bind)),
            "base": bind("!pydantic", "BaseModel"),
            "gate": bind("gate", "Gate"),
        }
        return render_add("webhook/gate.py", context)

    growth.append(growth.module(MODULE), [name.pascal, name.snake], write)


def _waiting(growth: Growth, name: Name, workflow: str | None) -> str:
    """The lines by which a workflow waits: business, so theirs to place."""
    found = [item for item in growth.survey.contracts if item.durable == workflow and item.function is not None]
    where = found[0].function.path if found and found[0].function else "the workflow that waits"
    return (
        f"In {where}, where it should wait:\n"
        f"    answer = await {name.snake}.wait(ctx, ids.public_of(ctx.info.id), timedelta(hours=24))\n"
        f"    if answer is None:\n"
        f'        raise Failure("{name.kebab}: nobody answered in time")\n'
        f"with: from datetime import timedelta; from .. import ids; from ..{MODULE} import {name.snake}; "
        f"from ..rpc import Failure\n"
        f"Its tests answer with `service.answer({name.snake}, …)`, beside the run (tests/conftest.py)."
    )


def _test(growth: Growth, name: Name, takes: tuple[Field, ...], root: str | None) -> None:
    imports: list[Import] = [("!datetime", "timedelta"), ("!pydantic", "BaseModel")]
    imports += [("!resonate.context", "Context"), ("ids", None), (MODULE, name.pascal), (MODULE, name.snake)]
    imports += [("rpc", part) for part in ("Failure", "Rpc", "serve")]
    imports += [("tests.conftest", part) for part in ("Service", "Start", "problem")]
    body = {item.name: _json(growth, item) for item in takes if not item.optional}
    other = contracts.other_body(growth, takes)
    context = {
        "name": name.kebab,
        "snake": name.snake,
        "pascal": name.pascal,
        "body": contracts.statement(layout.value(body), indent=0, before="BODY: dict[str, object] = "),
        "other": other,
        "root": root or "ask",
        "unknown": "not-found" if root else "not-waiting",
        "rpc": contracts.statement(
            layout.call("Rpc", ['name="ask"', 'group="tests"', "request=Ask", f"result={name.pascal}"]),
            indent=0,
            before="ask = ",
        ),
    }
    growth.create("webhook/test.py", tests_path("webhook", name), context, imports)


def _json(growth: Growth, item: Field) -> object:
    example = growth.types.example(item.shape)
    assert example is not None  # `add_webhook` has refused it
    return example.json

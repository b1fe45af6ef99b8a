"""`add webhook`: a signed route, and what its messages do.

add webhook approval --takes approved:bool                  they answer a gate with a typed payload
add webhook paid --scheme stripe --id-from data.object.id   the same, in a body that others define
add webhook ordered --starts place-order                    they start a workflow
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import CannotEdit, Taken, UsageError, plain
from resonate_scaffold.fields import Field, python_name
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports, asked_before, at, check_kind, tests_path
from resonate_scaffold.layout import Item
from resonate_scaffold.names import Noun
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.shape import Shape
from resonate_scaffold.shapes import declaration

# How each is written in `Webhook(…)`, and whether its signatures grow old.
_SCHEMES = {"standard": "", "github": "GITHUB", "stripe": "STRIPE", "hmac": 'Hmac("X-Signature")', "former": "FORMER"}
_TIMED = frozenset({"standard", "stripe", "former"})
FORMER = "former"
"""The scheme of version 0.1.0. Its senders name the work in the path, so that there is a second route for them."""
_ID = "job_id"
_DEEPEST = 6
_LONGEST_SEGMENT = 40
KINDS = "KINDS"
"""The list of a webhook's module with what the ids of its workflow begin with."""
SCHEDULED = "schedule"
"""What the ids of work begin with that a schedule starts."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """``takes`` as typed; ``workflow`` is the durable name of the one that waits, where there is only one.

    ``id_from`` is where the body names the work, as a dotted path; ``starts`` is the workflow that messages start.
    ``kinds`` are what the ids of the workflow began with when the webhook was added.
    """

    name: str
    takes: tuple[str, ...] = ()
    workflow: str | None = None
    scheme: str = "standard"
    id_from: str | None = None
    starts: str | None = None
    kinds: tuple[str, ...] = ()


def add_webhook(project: Project, request: WebhookRequest) -> Plan:
    """Plan a webhook: what its messages are for, its signed route, tests of every outcome."""
    name = contracts.noun(request.name, "webhook")
    addition = Addition(project, "webhook", name.kebab)
    takes, _ = contracts.fields(addition, request.takes, ())
    _check_options(request)
    segments = _segments(request.id_from or _ID)
    options = contracts.options(takes=takes, workflow=request.workflow)
    # What is left at its default is not recorded, so that an older record of the same still says so.
    if request.scheme != "standard":
        options["scheme"] = request.scheme
    options |= {key: it for key, it in (("id_from", request.id_from), ("starts", request.starts)) if it is not None}
    record = project.find_add("webhook", name.kebab)
    known = request.kinds or (record.options.get("kinds", ()) if record else ())  # found in the service, and not asked
    addition.options = {**options, "kinds": list(known)} if known else options
    if done := asked_before(addition):
        return done
    check_kind(addition, name.kebab)
    path = f"/webhooks/{name.kebab}"
    for route in addition.service.routes:
        if route.method == "POST" and (route.path == path or route.path.startswith("/webhooks/{")):
            raise Taken(f"POST {route.path} is there already ({at(route.place)})", "Choose another name.")
    if request.starts is not None:
        _start(addition, name, request.starts, request.scheme)
    else:
        _answer(addition, name, takes, request, segments)
    made = f"`{project.package} webhook-secret {name.kebab}` makes one"
    if request.scheme != "standard":
        made = f"{name.kebab}:<what its sender shows>, or {made}"
    addition.notes.append(f"The API needs its secret in WEBHOOK_SECRETS, in .env and wherever it runs: {made}")
    return addition.plan()


def _check_options(request: WebhookRequest) -> None:
    if request.starts is not None and (request.takes or request.workflow or request.id_from):
        raise UsageError(
            "With --starts the body is the workflow's request, and the message's id names the work",
            "Leave --takes, --workflow and --id-from out.",
        )
    if request.scheme == FORMER and (request.starts is not None or request.id_from is not None):
        raise UsageError(
            "--scheme former is for senders of version 0.1.0, which answer a workflow by its id in the path",
            "Leave --starts and --id-from out, or choose another scheme.",
        )


def _segments(id_from: str) -> tuple[str, ...]:
    """The names on the way to the id, as they are sent."""
    segments = tuple(id_from.split("."))
    for segment in segments:
        if not python_name(segment) or not segment.isprintable() or len(python_name(segment)) > _LONGEST_SEGMENT:
            hint = "For example: --id-from data.object.metadata.job_id"
            raise UsageError(f"--id-from {plain(id_from)} is not a path of names", hint)
    if len(segments) > _DEEPEST or len(id_from) > 80:
        raise UsageError(f"--id-from {id_from} is too long", f"At most {_DEEPEST} names of 80 characters together.")
    return segments


def _member(wire: str, kind: str, imports: Imports) -> str:
    """A field of a body that others define."""
    return declaration(Field(python_name(wire), Shape("scalar", "str"), wire=wire), imports, kind)


def _answer(
    addition: Addition, name: Noun, takes: tuple[Field, ...], request: WebhookRequest, segments: tuple[str, ...]
) -> None:
    """A gate, and the route whose messages answer it."""
    if python_name(segments[0]) in {item.name for item in takes}:
        raise UsageError(
            f"{plain(segments[0])} names the work in the body", "Give the field another name, or --id-from."
        )
    kinds = list(dict.fromkeys([*request.kinds, *_kinds(addition, request.workflow)]))
    if request.scheme == FORMER and request.workflow is None:  # Their ids have no kind.
        kinds = list(dict.fromkeys([*kinds, *_kinds_of_routes(addition)]))
    if kinds:
        addition.options = {**addition.options, "kinds": kinds}
    module = f"contracts.workflows.{name.snake}"
    _declare(addition, name, module, takes)
    example = addition.types.example_of(f"{module}.{name.model}", takes)
    if example is None:
        wanted = next(item for item in takes if addition.types.example(item.shape) is None)
        raise contracts.no_example(wanted.name, wanted.shape)
    job_id = f"sent.{'.'.join(map(python_name, segments))}"
    public = "order-4711" if kinds else "place-order/order-4711"
    classes = [f"{name.pascal}In{''.join(map(_capital, segments[:depth]))}" for depth in range(1, len(segments))]
    made = [f"{name.pascal}Body", f"{name.pascal}Taken", f"Former{name.pascal}Body", f"Former{name.pascal}Taken"]
    imports = Imports([*made, *classes, "router", "webhook", KINDS])
    payload = imports(module, name.model)
    gate = imports(module, name.snake)
    imports.names("!typing", "Annotated")
    imports.names("!pydantic", "ConfigDict")
    imports.names("runtime.http.auth", "ClientDep")
    imports.names("runtime.http.webhooks", "ANSWERED", "Signed", "Webhook", "deliver")
    work = job_id
    if kinds:
        imports.names("runtime.http.webhooks", "find_root")
        work = "root"
    context = {
        "name": name.kebab,
        "pascal": name.pascal,
        "payload": payload,
        "webhook": _webhook(name, request.scheme, imports),
        "nested": [
            {"name": class_, "field": _member(segments[at + 1], [*classes, "str"][at + 1], imports)}
            for at, class_ in reversed(list(enumerate(classes)))
        ],
        "config": _config({**_sent(example.json, segments, public)}, strict=request.id_from is None),
        "body_field": _member(segments[0], [*classes, "str"][0], imports),
        "job_id": job_id,
        "workflow": request.workflow,
        "kinds": contracts.statement(layout.value(kinds), indent=0, before=f"{KINDS}: list[str] = ") if kinds else "",
        "answer": contracts.statement(
            layout.group(f"{payload}(", [f"{item.name}=sent.{item.name}" for item in takes], ")"), before="answer = "
        ),
        "deliver": contracts.statement(
            layout.call("await deliver", ["client", gate, work, "answer", "signed"]), before="holds = "
        ),
        "takes": bool(takes),
        "former": _former(name, example.json, kinds, gate) if request.scheme == FORMER else None,
        "decorator": _decorator(name, "responses=ANSWERED"),
        "definition": contracts.definition(
            f"take_{name.snake}",
            ["signed: Annotated[Signed, Depends(webhook)]", "client: ClientDep"],
            f"{name.pascal}Taken",
        ),
    }
    api = f"api.webhook_{name.snake}"
    addition.create("webhook/route.py", addition.module(api), context, imports)
    addition.include(api)
    _test(addition, name, module, takes, kinds, request, segments)
    addition.notes.append(_waiting(addition, name, module, request.workflow))


def _former(name: Noun, example: Any, kinds: Sequence[str], gate: str) -> dict[str, str]:
    """The parts of the route for senders of version 0.1.0."""
    options = [
        layout.text(f"/webhooks/{name.kebab}/{{id:path}}"),
        "deprecated=True",
        "responses=ANSWERED",
        f"openapi_extra=webhook.takes(Former{name.pascal}Body)",
    ]
    root = layout.call("await find_root", ["client", KINDS, "id"]) if kinds else "id"
    return {
        "config": _config(example, strict=True),
        "decorator": layout.render(layout.group("@router.post(", options, ")")),
        "definition": contracts.definition(
            f"take_former_{name.snake}",
            ["id: str", "signed: Annotated[Signed, Depends(webhook)]", "client: ClientDep"],
            f"Former{name.pascal}Taken",
        ),
        "root": contracts.statement(root, before="root = "),
        "deliver": contracts.statement(
            layout.call("await deliver", ["client", gate, "root", "answer", "signed"]), before="holds = "
        ),
    }


def _start(addition: Addition, name: Noun, starts: str, scheme: str) -> None:
    """The route whose messages start a workflow."""
    contract = contracts.find_workflow(addition, starts)
    asks, _ = contracts.models_of(contract)
    fields = tuple(addition.types.fields(asks))
    example = contracts.request_example(addition, asks, fields)
    imports = Imports([f"{name.pascal}Body", "router", "webhook"])
    model = imports(asks.rpartition(".")[0], asks.rpartition(".")[2])
    variable = imports(contract.module, contract.variable)
    imports.names("!typing", "Annotated")
    imports.names("runtime.http.auth", "ClientDep")
    imports.names("runtime.http.webhooks", "STARTED", "Signed", "StartedWork", "Webhook", "start_once")
    strict = scheme in ("standard", "hmac")
    given = layout.call(model, [Item(f"sent.{item.name}", f"{item.name}=") for item in fields])
    context = {
        "name": name.kebab,
        "pascal": name.pascal,
        "durable": contract.durable,
        "asks": model,
        "webhook": _webhook(name, scheme, imports),
        "config": _config(example.json, strict=strict),
        "uses_sent": bool(fields),
        "wanted": contracts.statement(given, before="wanted = "),
        "start": contracts.statement(
            layout.call("await start_once", ["client", variable, layout.text(name.kebab), "wanted", "signed"]),
            before="return ",
        ),
        "decorator": _decorator(name, "status_code=202", "responses=STARTED"),
        "definition": contracts.definition(
            f"start_by_{name.snake}",
            ["signed: Annotated[Signed, Depends(webhook)]", "client: ClientDep"],
            "StartedWork",
        ),
    }
    api = f"api.webhook_{name.snake}"
    addition.create("webhook/start.py", addition.module(api), context, imports)
    addition.include(api)
    tell_webhooks(addition, contract.durable, name.kebab)
    tested = Imports()
    called = tested(contract.module, contract.variable)
    tested.names("runtime.durable.ids", "root_id")
    tested.names("runtime.http.signatures", "new_secret")
    tested.names("runtime.testing.running", "RunningService", "problem")
    body = {item.wire: _json(addition, item) for item in fields if not item.optional}
    testing = {
        "name": name.kebab,
        "contract": called,
        "body": contracts.statement(layout.value(body), indent=0, before="BODY: dict[str, object] = "),
        "other": contracts.other_body(addition, fields),
        "timed": scheme in _TIMED,
        "strict": strict,
    }
    addition.create("webhook/test_start.py", tests_path("webhook", name), testing, tested)


def _webhook(name: Noun, scheme: str, imports: Imports) -> str:
    """The arguments of the route's `Webhook`."""
    written = _SCHEMES[scheme]
    if written:
        imports.names("runtime.http.signatures", written.partition("(")[0])
    return ", ".join(filter(None, (layout.text(name.kebab), written)))


def _decorator(name: Noun, *options: str) -> str:
    path = layout.text(f"/webhooks/{name.kebab}")
    return layout.render(
        layout.group("@router.post(", [path, *options, f"openapi_extra=webhook.takes({name.pascal}Body)"], ")")
    )


def _config(example: object, *, strict: bool) -> str:
    """The configuration of a body. What others define may have more than is read of it."""
    config: list[Item | str] = ['extra="forbid"', "strict=True"] if strict else ['extra="ignore"']
    config.append(Item(layout.value({"examples": [example]}), "json_schema_extra="))
    return contracts.statement(layout.call("ConfigDict", config), before="model_config = ")


def _capital(segment: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in python_name(segment).split("_"))


def _sent(payload: Any, segments: tuple[str, ...], job_id: str) -> dict[str, Any]:
    """A body: the payload, and where it names the work."""
    nested: Any = job_id
    for segment in reversed(segments):
        nested = {segment: nested}
    return {**nested, **payload}


def _kinds(addition: Addition, workflow: str | None) -> list[str]:
    """What the ids of the workflow that waits begin with, one for each way to start it; none where any may wait.

    In the order in which :func:`tell_webhooks` adds to them, so that the same is made again whenever it is.
    """
    if workflow is None:
        return []
    durable = contracts.find_workflow(addition, workflow).durable
    made = {path: record.number for record in addition.project.adds("route") for path in record.files}
    modules = {route.place.path for route in addition.service.routes if durable in route.contracts}
    found = [
        (made.get(path, 0), kind) for path in modules for kind, _ in addition.service.kinds_in(PurePosixPath(path))
    ]
    adds = addition.project.adds("webhook")
    found += [(record.number, record.name) for record in adds if record.options.get("starts") == durable]
    adds = addition.project.adds("schedule")
    found += [(record.number, SCHEDULED) for record in adds if record.options.get("workflow") == durable]
    return list(dict.fromkeys([durable, *(kind for _, kind in sorted(found))]))


def _kinds_of_routes(addition: Addition) -> list[str]:
    """What the ids of all work begin with that routes start."""
    paths = sorted({route.place.path for route in addition.service.routes if route.contracts and not route.gates})
    return list(dict.fromkeys(kind for path in paths for kind, _ in addition.service.kinds_in(PurePosixPath(path))))


def tell_webhooks(addition: Addition, durable: str, kind: str) -> None:
    """Have the webhooks that a workflow waits for know what else its ids begin with."""
    for record in addition.project.adds("webhook"):
        waits = str(record.options.get("workflow") or "").replace("_", "-")
        path = addition.module(f"api.webhook_{Noun(record.name).snake}")
        if waits != durable.replace("_", "-") or path not in addition.project.files:
            continue
        if KINDS.encode() not in addition.project.files[path]:  # It takes the whole id, or is of an earlier version.
            addition.notes.append(f"{path} knows no work whose id begins with {kind}/: see find_root in the runtime")
            continue
        try:
            addition.wire(path, KINDS, kind, [], lambda: layout.text(kind))
        except CannotEdit as error:
            addition.notes.append(f"{error.message}; {error.hint}")


def _declare(addition: Addition, name: Noun, module: str, takes: tuple[Field, ...]) -> None:
    imports = Imports([name.model, name.snake, *(item.name for item in takes)])
    imports.names("!pydantic", "BaseModel")
    imports.names("runtime.durable.gate", "Gate")
    context = {
        "name": name.kebab,
        "variable": name.snake,
        "payload": name.model,
        "fields": contracts.declared(takes, imports),
    }
    addition.create("webhook/gate.py", addition.module(module), context, imports)


def _waiting(addition: Addition, name: Noun, module: str, workflow: str | None) -> str:
    """The lines by which a workflow waits: business, so theirs to place."""
    found = contracts.named(addition, workflow) if workflow else None
    where = found.function.path if found and found.function else "the workflow that waits"
    return (
        f"In {where}, where it should wait:\n"
        f"    answer = await {name.snake}.wait(ctx, timedelta(hours=24))\n"
        f"    if answer is None:\n"
        f'        raise Failure("{name.kebab}: nobody answered in time")\n'
        f"with: from datetime import timedelta; from ..{module} import {name.snake}; "
        f"from ..runtime.errors import Failure\n"
        f"Its tests answer with `service.answer({name.snake}, …)` while it runs, its crash test passes "
        f"`answers={{{name.snake}: …}}`."
    )


def _test(
    addition: Addition,
    name: Noun,
    module: str,
    takes: tuple[Field, ...],
    kinds: Sequence[str],
    request: WebhookRequest,
    segments: tuple[str, ...],
) -> None:
    imports = Imports()
    imports.names("!datetime", "timedelta")
    imports.names("!pydantic", "BaseModel")
    imports.names("!resonate.context", "Context")
    imports.names(module, name.model, name.snake)
    imports.names("runtime.durable.ids", "root_id")
    imports.names("runtime.durable.rpc", "Rpc", "serve")
    imports.names("runtime.errors", "Failure")
    imports.names("runtime.http.signatures", "new_secret")
    imports.names("runtime.testing.running", "RunningService", "StartService", "problem")
    body = {item.wire: _json(addition, item) for item in takes if not item.optional}
    rpc = layout.call("Rpc", ['name="ask"', 'group="tests"', "request=Ask", f"result={name.model}"])
    kind = kinds[0] if kinds else "ask"
    named = "public" if kinds else f'f"{kind}/{{public}}"'
    if kinds:
        imports.names(f"api.webhook_{name.snake}", KINDS)
    sent: layout.Code = named
    for segment in reversed(segments):
        sent = layout.group("{", [Item(sent, f"{layout.text(segment)}: ")], "}")
    assert isinstance(sent, layout.Group)
    sent = layout.Group("{", (*sent.items, Item("answer", "**")), "}")
    context = {
        "name": name.kebab,
        "snake": name.snake,
        "payload": name.model,
        "body": contracts.statement(layout.value(body), indent=0, before="BODY: dict[str, object] = "),
        "other": contracts.other_body(addition, takes),
        "sent": contracts.statement(sent, before="body = "),
        "root": kind,
        "keeps_kinds": bool(kinds),
        "named": named,
        "rpc": contracts.statement(rpc, indent=0, before="ask = "),
        "timed": request.scheme in _TIMED,
        "strict": request.id_from is None,
        "former": request.scheme == FORMER,
        "public": "order-1" if kinds else f"{kind}/order-1",
    }
    if request.scheme == FORMER:
        imports.names("runtime.http.signatures", "FORMER")
        imports.names("runtime.settings", "ServiceSettings")
    addition.create("webhook/test.py", tests_path("webhook", name), context, imports)


def _json(addition: Addition, item: Field) -> object:
    example = addition.types.example(item.shape)
    assert example is not None  # `add_webhook` has refused it
    return example.json

"""`add client`: a client of an HTTP API of somebody else, for a group of this service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold.errors import CannotEdit, Taken, Unknown, UsageError
from resonate_scaffold.fields import closest
from resonate_scaffold.generators import compose, contract as contracts
from resonate_scaffold.generators.addition import Addition, Bind, Imports, asked_before, tests_path
from resonate_scaffold.names import Noun
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project

ENV_EXAMPLE = PurePosixPath(".env.example")
PARTS = ("url", "token", "timeout")
"""Its settings, each behind the client's name."""

_MACHINERY = "runtime.durable.http_api"
_LAST_PART = b"# --- compose.yaml alone ---\n"
_EXPLAINED = """\
# --- the HTTP API {name} ---

# Where it is: https://api.example.com/v1. Empty: its fake answers, in development alone ({fake}).
{env}_URL=
# Its bearer token. Group {group} alone needs it.
{env}_TOKEN=
# How long a request may take, with its answer.
{env}_TIMEOUT=10
"""


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """``group``: whose functions and steps call it."""

    name: str
    group: str = contracts.GROUP_OF_WORKFLOWS


def add_client(project: Project, request: ClientRequest) -> Plan:
    """Plan a client: its class, a fake, settings, what opens it, and a test."""
    name = contracts.noun(request.name, "api")
    addition = Addition(project, "client", name.kebab)
    addition.options = {"group": request.group}
    if done := asked_before(addition):
        return done
    worker = _worker(addition, request.group)
    for module in (_MACHINERY, "clients.__init__"):
        if not project.exists(addition.module(module)):
            raise CannotEdit(
                f"{addition.module(module)} is not there: this service was made by an earlier version",
                "Make a new service, and copy what it has of that.",
            )
    if name.snake.endswith("_"):
        raise UsageError(f"{name} means something else in the code of a service", f"Call it {name}-api.")
    module, fake, class_ = f"clients.{name.snake}", f"fakes.{name.snake}", name.pascal
    example = f"{class_}Example"
    context = {"name": name.kebab, "env": name.snake.upper(), "class": class_, "example": example, "fake": name.snake}

    imports = Imports([class_, example])
    imports.names("!pydantic", "BaseModel")
    imports.names("!resonate.context", "Context")
    imports.names(_MACHINERY, "HttpApi")
    addition.create("client/client.py", addition.module(module), context, imports)

    imports = Imports(["app", "answered", "Example", "NewExample"])
    imports.names("!typing", "Annotated")
    imports.names("!fastapi", "FastAPI", "Header")
    imports.names("!pydantic", "BaseModel")
    addition.create("client/fake.py", addition.module(fake), context, imports)

    _settings(addition, name)
    addition.wire(
        worker,
        "DEPENDENCIES",
        f"{module}.{class_}",
        [(_MACHINERY, "OpenHttpApi"), (module, class_)],
        lambda opener, api: f"{opener}({api})",
    )
    _explain(addition, name, request.group)
    compose.give_secret(addition, request.group, f"{name.snake.upper()}_TOKEN")
    _test(addition, name, module, context)
    addition.notes.append(
        f"In a step: `await ctx.get_dependency({class_}).create_example(ctx, …)`, an example; put your own into "
        f"{addition.module(module)} and {addition.module(fake)}"
    )
    addition.notes.append(f"Where it runs, {name.snake.upper()}_URL is needed; {ENV_EXAMPLE} has its settings")
    return addition.plan()


def _worker(addition: Addition, group: str) -> PurePosixPath:
    """The worker of a group of this service."""
    own = {it.name: it for it in addition.service.groups}
    if group == "api":
        raise UsageError("Group api runs no durable functions", "Name the group whose steps call the API.")
    if group not in own:
        raise Unknown(f"There is no group {group}", closest(group, [it for it in own if it != "api"]))
    return addition.module(f"{own[group].module}.worker")


def _settings(addition: Addition, name: Noun) -> None:
    """Its settings, in the class of the service's own."""
    path = addition.module("settings")
    for module in ("runtime.settings", "settings"):
        there = re.findall(rb"(?m)^    ([a-z_]+):", addition.project.files[addition.module(module)])
        for part in PARTS:
            if f"{name.snake}_{part}".encode() in there:
                raise Taken(f"{addition.module(module)} has {name.snake}_{part} already", "Choose another name.")

    def url(bind: Bind) -> str:
        return f"{name.snake}_url: {bind('runtime.settings', 'BaseUrl')} | None = None"

    def token(bind: Bind) -> str:
        return f"{name.snake}_token: {bind('!pydantic', 'SecretStr')} | None = None"

    def timeout(bind: Bind) -> str:
        duration, timedelta = bind("runtime.settings", "Duration"), bind("!datetime", "timedelta")
        return f"{name.snake}_timeout: {duration} = {timedelta}(seconds=10)"

    behind = "namespace"  # Not beside those of the example, which would go with it.
    for part, write in zip(PARTS, (url, token, timeout), strict=True):
        addition.append_field(path, "Settings", f"{name.snake}_{part}", write, behind=behind)
        behind = f"{name.snake}_{part}"


def _explain(addition: Addition, name: Noun, group: str) -> None:
    """Its settings in `.env.example`, before what belongs to compose alone."""
    env, fake = name.snake.upper(), f"{addition.project.package}/fakes/{name.snake}.py"
    text = _EXPLAINED.format(name=name.kebab, env=env, fake=fake, group=group)
    content = addition.text(ENV_EXAMPLE)
    if content is None:
        addition.notes.append(
            f"There is no {ENV_EXAMPLE}, which is to explain {env}_URL, {env}_TOKEN and {env}_TIMEOUT"
        )
        return
    if f"\n{env}_URL=".encode() in content:
        return
    at = content.replace(b"\r\n", b"\n").find(_LAST_PART) if b"\r\n" not in content else -1
    if at >= 0:
        addition.edit_text(ENV_EXAMPLE, at, f"{text}\n")
    else:
        addition.edit_text(ENV_EXAMPLE, len(content), f"{'' if content.endswith(b'\n') else '\n'}\n{text}")


def without_settings(content: bytes, name: Noun) -> bytes:
    """An `.env.example` without the part of a client."""
    head = rb"# --- the HTTP API %s ---\r?\n" % re.escape(name.kebab.encode())
    return re.sub(rb"(?ms)(?:(?<=\n)\r?\n)?^%s.*?(?=\r?\n# --- |\Z)" % head, b"", content, count=1)


def _test(addition: Addition, name: Noun, module: str, context: dict[str, str]) -> None:
    imports = Imports(["Ask", "ask", "create", "create_it", "service"])
    imports.names("!pydantic", "BaseModel")
    imports.names("!resonate.context", "Context")
    imports.names(module, context["class"], context["example"])
    imports.names("fakes", name.snake)
    imports.names("runtime.durable.rpc", "Rpc", "serve")
    imports.names("runtime.engine.retry", "Retry")
    imports.names("runtime.testing.http_api", "WatchFake")
    imports.names("runtime.testing.running", "RunningService", "StartService")
    addition.create("client/test.py", tests_path("client", name), context, imports)

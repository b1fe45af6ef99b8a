"""RS2xx: a workflow runs again from the top, and has to do the same again.

What a workflow calls without a step runs as part of it, so it is held to the same rules, in whatever file it stands.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import maker, only_logged, whose
from resonate_scaffold.check.rules.determinism.around import at_import, behind, decides, wrappers
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import kind_of
from resonate_scaffold.code.scopes import ProgramClass, Scope, above
from resonate_scaffold.code.values import Class, Constant, Function, Method

_RULES = {
    "clock": ("RS201", "reads the clock", "a replay reads another time"),
    "random": ("RS202", "draws a random value", "a replay draws another one"),
    "uuid": ("RS203", "makes a random id", "a replay makes another one"),
    "environment": ("RS204", "reads the environment of its process", "another worker has another one"),
    "files": ("RS205", "touches files", "a replay does it again, maybe on another machine"),
    "network": ("RS206", "talks to the network", "a replay asks again, and may be answered otherwise"),
    "threads": ("RS207", "leaves the event loop", "nothing records what it gives, and a replay starts it again"),
    "asyncio": (
        "RS208",
        "waits with asyncio",
        "this is not recorded, and cuts durable calls off from the worker's lease",
    ),
}
_HINTS = {
    "RS201": "Read it in a step: await ctx.run(now), where now(ctx) returns it; the result is recorded.",
    "RS202": "Draw it in a step: await ctx.run(draw); the result is recorded.",
    "RS203": "Make it in a step: await ctx.run(new_id); or derive it from ctx.info.id with uuid5.",
    "RS204": "Read it when the worker starts and give it as a dependency, or read it in a step.",
    "RS205": "Do it in a step: await ctx.run(…).",
    "RS206": "Do it in a step: await ctx.run(…).",
    "RS207": "Do it in a step: await ctx.run(…), which may use a thread.",
    "RS208": "Make the calls, then await them in order or gather; wait with ctx.sleep, bound with options(timeout=…).",
}
# What is told to people only may differ: they are told again.
_HARMLESS_IN_LOGS = frozenset({"RS201", "RS202", "RS203", "RS204"})
# With more arguments than this they convert what they are given.
_CONVERTING = {
    "time.localtime": 0,
    "time.gmtime": 0,
    "time.ctime": 0,
    "time.asctime": 0,
    "time.strftime": 1,
    "django.utils.timezone.localtime": 0,
    "django.utils.timezone.localdate": 0,
}
_GENERATOR = re.compile(
    r"(?P<made>(random|secrets)\.SystemRandom|random\.Random"
    r"|numpy\.random\.(default_rng|RandomState|SeedSequence|PCG64|PCG64DXSM|MT19937|Philox|SFC64))(\.(?P<method>\w+))?"
)


class _Hazard(NamedTuple):
    """Something that a workflow may not do: where it stands, and what it is."""

    code: str
    node: ast.expr
    what: str


class Outside:
    """What workflows do to the world around them, RS201 to RS208.

    It stands where it is done. But where steps may do it, in a helper that they share with a workflow, what is wrong is
    that the workflow calls the helper.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._own: dict[Scope, list[_Hazard]] = {}
        self._behind: dict[Scope, list[_Hazard]] = {}
        self._shared = self._find_shared()

    def findings(self, scope: Scope, workflow: Scope) -> Iterator[Finding]:
        """What *scope* does, or has done by a helper that is not only the workflow's."""
        if scope in self._shared:
            return
        told: set[tuple[str, int]] = set()
        calls = self._model.plain_calls.get(scope, ())
        through = [
            hazard._replace(node=call, what=f"calls {callee.name}, which {hazard.what}")
            for call, callee in calls
            if callee in self._shared
            for hazard in self._reached(callee)
            if hazard.code not in _HARMLESS_IN_LOGS or not only_logged(self._model, call, scope)
        ]
        for code, node, what in (*self._hazards(scope), *through, *self._around(scope)):
            if (code, node.lineno) not in told:
                told.add((code, node.lineno))
                yield finding(code, node, scope, f"{whose(scope, workflow)} {what}", _HINTS[code])

    def _around(self, scope: Scope) -> Iterator[_Hazard]:
        """What runs with a function, or was made when it was imported, and stands in no call of it; each once."""
        told: set[tuple[str, str]] = set()
        for it in behind(self._model, scope):
            for hazard in (hazard for each in it.scopes for hazard in self._hazards(each)):
                differs = hazard.code in _HARMLESS_IN_LOGS and not only_logged(self._model, it.node, scope)
                if differs and (hazard.code, it.what) not in told:
                    told.add((hazard.code, it.what))
                    yield hazard._replace(node=it.node, what=f"{it.what}, which {hazard.what}")
        for it in wrappers(self._model, scope):
            for wrapper in it.scopes:
                for hazard in self._hazards(wrapper):
                    if hazard.code not in _HARMLESS_IN_LOGS or decides(self._model, hazard.node, wrapper):
                        yield hazard._replace(node=it.node, what=f"{it.what}, which {hazard.what}")
        for early in at_import(self._model, scope):
            code, does, _ = _RULES[kind_of(early.name) or ""]
            if not only_logged(self._model, early.node, scope):
                why = "each process does so once, so a replay in another has another value"
                yield _Hazard(code, early.node, f"{early.what}, which {does} at import ({early.name}): {why}")

    def _hazards(self, scope: Scope) -> list[_Hazard]:
        """What stands in a function itself."""
        if scope not in self._own:
            self._own[scope] = found = []
            for node, name, default_of in _used(self._model, scope):
                kind = kind_of(name)
                if kind not in _RULES:
                    continue
                code, does, why = _RULES[kind]
                if not _is_let_pass(self._model, code, name, node, scope):
                    by = f", a default of {default_of}" if default_of else ""
                    found.append(_Hazard(code, node, f"{does} ({name.removeprefix('builtins.')}{by}): {why}"))
        return self._own[scope]

    def _reached(self, helper: Scope) -> list[_Hazard]:
        """What a shared helper does, itself or by what it calls."""
        if helper not in self._behind:
            self._behind[helper] = found = []
            for scope in self._model.reached(helper):
                if scope in self._shared:
                    found += self._hazards(scope)
        return self._behind[helper]

    def _find_shared(self) -> set[Scope]:
        """The helpers of workflows that steps or other code call, too; or that have the shape of a step."""
        model = self._model
        code = model.workflow_code
        found: set[Scope] = set()
        waiting = [callee for scope, calls in model.plain_calls.items() if scope not in code for _, callee in calls]
        waiting += [it.function for calls in model.durable_calls.values() for it in calls if it.function is not None]
        waiting += [scope for scope in code if model.context_of(scope) is not None]
        waiting += [scope for scope in code if model.program.is_named_aside(scope.name, scope.module.path)]
        while waiting:
            scope = waiting.pop()
            if scope in code and scope not in found and not model.makes_durable_calls(scope):
                found.add(scope)
                waiting += [callee for _, callee in model.plain_calls.get(scope, ())]
        return found


def _used(model: Model, scope: Scope) -> Iterator[tuple[ast.expr, str, str]]:
    """The names outside that are called, and values such as `os.environ` that are read, in the order of their lines.

    With the class that calls it for a field that it is not given, if one does.
    """
    found: list[tuple[ast.expr, str, str]] = []
    for call in scope.calls:
        function = model.evaluate.value(call.func, scope)
        if isinstance(function, Class):
            found += ((call, name, function.class_.name) for name in _defaults(model, function.class_, call))
            continue
        name = model.evaluate.external(call.func, scope)
        if name is not None:
            found.append((call, name, ""))
    for node in scope.nodes:
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            up = above(node)
            if isinstance(up, ast.Attribute) or (isinstance(up, ast.Call) and up.func is node):
                continue
            name = model.evaluate.external(node, scope)
            if name in ("os.environ", "os.environb", "sys.argv"):
                found.append((node, name, ""))
    return iter(sorted(found, key=lambda it: (it[0].lineno, it[0].col_offset)))


def _defaults(model: Model, class_: ProgramClass, call: ast.Call) -> Iterator[str]:
    """What the default factories of a dataclass's or a model's fields call, for those that a call does not give."""
    given = {it.arg for it in call.keywords}
    if None in given:
        return
    for name, (_, value) in list(class_.fields.items())[len(call.args) :]:
        if name in given or not isinstance(value, ast.Call):
            continue
        for keyword in value.keywords:
            if keyword.arg == "default_factory":
                factory = model.evaluate.value(keyword.value, class_.outer)
                inside = factory.scope.calls if isinstance(factory, Function) else ()
                names = [
                    model.evaluate.external(it.func, factory.scope) for it in inside if isinstance(factory, Function)
                ]
                yield from (
                    it for it in (model.evaluate.external(keyword.value, class_.outer), *names) if it is not None
                )


def _is_let_pass(model: Model, code: str, name: str, node: ast.expr, scope: Scope) -> bool:
    if code in _HARMLESS_IN_LOGS and only_logged(model, node, scope):
        return True
    if not isinstance(node, ast.Call):
        return False
    if code == "RS201":
        return len(node.args) > _CONVERTING.get(name, len(node.args))
    if code == "RS202":
        return _draws_the_same(model, name, node, scope)
    if code == "RS207":
        made, _, _ = name.rpartition(".")
        return kind_of(made) == "threads" and _is_made_here(model, made, node, scope)
    if code == "RS208":
        return name.endswith(".sleep") and bool(node.args) and model.evaluate.value(node.args[0], scope) == Constant(0)
    return False


def _draws_the_same(model: Model, name: str, call: ast.Call, scope: Scope) -> bool:
    """Whether a generator with a seed of its own is made, or one is asked that is judged where it is made."""
    match = _GENERATOR.fullmatch(name)
    if match is None:
        return False
    if match["method"] is None:
        seeds = [*call.args, *(it.value for it in call.keywords)]
        is_seeded = bool(seeds) and model.evaluate.value(seeds[0], scope) != Constant(None)
        return is_seeded and not match["made"].endswith("SystemRandom")
    found = maker(model, call.func.value, scope) if isinstance(call.func, ast.Attribute) else None
    if found is None:
        return True
    function = model.evaluate.value(found[0].func, found[1])
    if isinstance(function, Method):  # a dependency: the process has one for all
        return False
    return model.evaluate.external(found[0].func, found[1]) != match["made"] or found[1] in model.workflow_code


def _is_made_here(model: Model, made: str, call: ast.Call, scope: Scope) -> bool:
    """Whether the pool or thread that a call uses is made in code of a workflow, and so told there."""
    found = maker(model, call.func.value, scope) if isinstance(call.func, ast.Attribute) else None
    if found is None or found[1] not in model.workflow_code:
        return False
    return model.evaluate.external(found[0].func, found[1]) == made

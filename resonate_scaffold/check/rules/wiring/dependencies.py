"""RS112 and RS115: dependencies that are asked for by a base class, and those that nobody provides."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.lists import ListReader
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import KINDS
from resonate_scaffold.code.scopes import ProgramClass, Scope, enclosing
from resonate_scaffold.code.values import (
    Class,
    Client,
    Collection,
    Constant,
    Context,
    External,
    Function,
    Instance,
    Method,
    OneOf,
    Text,
    Thing,
    Value,
)

_DEPENDENCIES = "DEPENDENCIES"


def dependencies(model: Model) -> Iterator[Finding]:
    """RS112 and RS115. They are silent where anything may be provided."""
    provided = _provided(model)
    if provided is None or model.handed_out or model.is_blind:
        return
    whole = _is_whole(model)
    known = {_name_of(it) for it in provided}
    for call, scope, wanted in _asked(model):
        below = [it for it in provided if isinstance(it, ProgramClass) and _extends(model, it, wanted)]
        name = _name_of(wanted)
        if wanted not in provided and below:
            message = (
                f"{name} is asked for, and {below[0].name} is provided: dependencies are found by their exact class"
            )
            yield finding("RS112", call, scope, message, f"Ask for {below[0].name}, or provide {name}.")
        elif whole and name not in known and not _is_optional(call) and not model.is_machinery(scope.module):
            message = f"{name} is asked for, and no worker provides one: the call raises KeyError whenever it runs"
            yield finding("RS115", call, scope, message, _how_to_provide(model, scope, name))


def _provided(model: Model) -> list[ProgramClass | str] | None:
    """The exact classes of all dependencies; None where one of them is not known."""
    found: list[ProgramClass | str] = []
    for scope in model.scopes:
        if model.is_runtime(scope.module):
            continue
        for call in scope.calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr == "with_dependency" and call.args:
                classes = _classes(model.evaluate.value(call.args[0], scope))
                if classes is None:
                    return None
                found += classes
    opened = _opened(model)
    return None if opened is None else found + opened


def _opened(model: Model) -> list[ProgramClass | str] | None:
    """What generated services provide: what DEPENDENCIES of their workers open, their settings, the runtime's own."""
    if not model.runtime:
        return []
    given = _given_by_openers(model)
    found = [it for _, _, it in _asked(model, of_runtime=True) if it not in given]
    found += [it for module in model.modules for it in module.classes if _is_settings(model, it)]
    for worker in model.workers:
        if _DEPENDENCIES not in worker.module.scope.bindings:
            continue
        reader = ListReader(model.evaluate)
        reader.named(_DEPENDENCIES, worker.module.scope)
        if reader.is_open:
            return None
        for node, scope in reader.elements:
            classes = _opened_by(model, node, scope)
            if not classes:
                return None
            found += classes
    return found


def _opened_by(model: Model, node: ast.expr, scope: Scope) -> list[ProgramClass | str] | None:
    """What an element of DEPENDENCIES gives when it is called and entered."""
    opener = model.evaluate.value(node, scope)
    if isinstance(opener, Instance):
        return _yielded(model, opener.class_.methods.get("__call__"))
    return _yielded(model, opener.scope if isinstance(opener, Function) else None)


def _given_by_openers(model: Model) -> list[ProgramClass | str]:
    """What the runtime's openers give, such as a Database: it is there only where DEPENDENCIES name the opener."""
    openers = [it for module in model.modules if model.is_runtime(module) for it in module.classes]
    return [given for it in openers for given in _yielded(model, it.methods.get("__call__")) or []]


def _yielded(model: Model, function: Scope | None) -> list[ProgramClass | str] | None:
    """The exact classes of the one value that a function yields: by the value, else by the annotation."""
    if function is None:
        return None
    yielded = [it.value for it in function.found(ast.Yield) if it.value is not None]
    if len(yielded) != 1:
        return None
    classes = _classes(model.evaluate.value(yielded[0], function))
    if classes is None and isinstance(function.returns, ast.Subscript):  # AsyncIterator[Database]
        given = function.returns.slice
        first = given.elts[0] if isinstance(given, ast.Tuple) and given.elts else given
        classes = _class_named(model.evaluate.value(first, function.outer or function)) or None
    return classes


def _is_settings(model: Model, class_: ProgramClass) -> bool:
    """Whether a class is that of a service's settings, which its runtime provides."""
    if class_.name.endswith("Settings"):
        return True
    bases = (model.evaluate.value(it, class_.outer) for it in class_.node.bases)
    return any(isinstance(it, Class) and it.class_.name.endswith("Settings") for it in bases)


def _asked(model: Model, *, of_runtime: bool = False) -> Iterator[tuple[ast.Call, Scope, ProgramClass | str]]:
    for scope in model.scopes:
        if of_runtime and not model.is_runtime(scope.module):
            continue
        for call in scope.calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr == "get_dependency" and call.args:
                method = model.evaluate.value(call.func, scope)
                if isinstance(method, Method) and isinstance(method.of, Context):
                    for it in _class_named(model.evaluate.value(call.args[0], scope)):
                        yield call, scope, it


def _is_whole(model: Model) -> bool:
    """Whether the program makes its workers itself: then nobody else provides anything."""
    if model.runtime and not any(_DEPENDENCIES in it.module.scope.bindings for it in model.workers):
        return False
    own = [it for it in model.registrations if it.contract is None and not model.is_machinery(it.scope.module)]
    if any(it.client is None or it.client.node is None or _is_handed_back(model, it.client) for it in own):
        return False
    return bool(own) or bool(model.runtime)


def _is_handed_back(model: Model, client: Client) -> bool:
    """Whether a client is returned to who knows whom, who may still provide what it needs."""
    made = client.scope
    if made is None or isinstance(made.node, ast.Module) or any(True for _ in model.evaluate.calls_of(made)):
        return False
    given = [it.value for it in made.found(ast.Return)] + [it.value for it in made.found(ast.Yield)]
    return any(isinstance(model.evaluate.value(it, made), Client) for it in given)


def _is_optional(call: ast.Call) -> bool:
    """Whether a dependency may be missing: what asks for it stands in a `try`, or in a `with` such as `suppress`."""
    return any(isinstance(it, ast.Try | ast.With) for it in enclosing(call))


def _how_to_provide(model: Model, scope: Scope, name: str) -> str:
    if not model.services.isdisjoint(scope.module.path.parents):
        return f"Add what opens a {name} to DEPENDENCIES of its worker."
    return f"Give it to each worker before it starts: client.with_dependency({name}(…))."


def _name_of(class_: ProgramClass | str) -> str:
    """What a class is called last, by whatever path it is imported; a kind of dictionary is a dictionary."""
    if isinstance(class_, str) and class_ in KINDS:
        return KINDS[class_]
    return class_.name if isinstance(class_, ProgramClass) else class_.rpartition(".")[2]


def _classes(value: Value | None) -> list[ProgramClass | str] | None:
    """The exact classes that a value may be of; None where that is not known."""
    match value:
        case Instance(class_, call) if call is not None:
            return [class_]
        case Thing(of) if of.rpartition(".")[2][:1].isupper() or of.startswith("builtins."):
            return [of]
        case Constant(known):
            return [f"builtins.{type(known).__name__}"]
        case Collection(kind):
            return [f"builtins.{kind}"]
        case Text():
            return ["builtins.str"]
        case Function() | Class():  # the type of a class is `type`
            return []
        case OneOf(options):
            several = [_classes(it) for it in options]
            return None if None in several else [it for each in several if each is not None for it in each]
    return None


def _class_named(value: Value | None) -> list[ProgramClass | str]:
    match value:
        case Class(class_):
            return [class_]
        case External(name):
            return [name]
    return []


def _extends(model: Model, class_: ProgramClass, wanted: ProgramClass | str, depth: int = 0) -> bool:
    """Whether a class extends another, here or outside."""
    for base in class_.node.bases:
        for known in _class_named(model.evaluate.value(base, class_.outer)):
            if known == wanted:
                return True
            if isinstance(known, ProgramClass) and depth < 8 and _extends(model, known, wanted, depth + 1):
                return True
    return False

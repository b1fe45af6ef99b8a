"""What a name is bound to: followed through imports, aliases, assignments, parameters, loops and annotations."""

from __future__ import annotations

import ast
import builtins
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from resonate_scaffold.code.program import Program
from resonate_scaffold.code.scopes import Binding, Bound, Module, ProgramClass, Scope
from resonate_scaffold.code.values import (
    Class,
    Client,
    Collection,
    Constant,
    Context,
    External,
    Function,
    Instance,
    ModuleOf,
    OneOf,
    Package,
    Thing,
    Value,
)

CLIENT = frozenset({"resonate.resonate.Resonate", "resonate.Resonate"})
CONTEXT = frozenset({"resonate.context.Context", "resonate.Context"})
OPTIONAL = frozenset({"typing.Optional", "typing.Annotated", "typing_extensions.Annotated", "typing.Required"})
KINDS = {
    "builtins.set": "set",
    "builtins.frozenset": "set",
    "builtins.list": "list",
    "builtins.tuple": "tuple",
    "builtins.dict": "dict",
    "typing.Set": "set",
    "typing.FrozenSet": "set",
    "typing.AbstractSet": "set",
    "typing.MutableSet": "set",
    "collections.abc.Set": "set",
    "collections.abc.MutableSet": "set",
    "typing.List": "list",
    "typing.Dict": "dict",
    "collections.defaultdict": "dict",
    "collections.OrderedDict": "dict",
    "collections.Counter": "dict",
    "collections.deque": "list",
}
_VAGUE = ("typing.", "typing_extensions.", "collections.abc.", "builtins.object")
_BUILTINS = frozenset(dir(builtins))


class Names(ABC):
    """The first layer of :class:`~resonate_scaffold.code.evaluate.Evaluator`, which knows what expressions are."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.durable: set[Scope] = set()
        """Functions that get a Context though they do not say so: they are registered, or run as a step."""
        self._known: dict[ast.AST, Value | None] = {}
        self._names: dict[tuple[Scope, str], Value | None] = {}
        self._busy: set[object] = set()
        self._depth = 0
        self._states: dict[str, list[tuple[Scope, ast.expr]]] | None = None
        self._calls: dict[str, list[tuple[ast.Call, Scope]]] | None = None

    @abstractmethod
    def value(self, node: ast.expr | None, scope: Scope) -> Value | None:
        """What an expression of *scope* is; None where that is not known."""

    @abstractmethod
    def _result(self, function: Scope) -> Value | None:
        """What a function returns."""

    def forget(self) -> None:
        """After :attr:`durable` has grown: what was known may be more now."""
        self._known.clear()
        self._names.clear()

    def name(self, name: str, scope: Scope) -> Value | None:
        """What a name means in a scope."""
        holder: Scope | None = scope
        while holder is not None:
            if name in holder.bindings and name not in holder.globals:
                return self._bound(name, holder)
            holder = holder.outer
        starred = self._starred(name, scope.module)
        if starred is not None:
            return starred
        return External(f"builtins.{name}") if name in _BUILTINS else None

    def _starred(self, name: str, module: Module) -> Value | None:
        """What `from … import *` brings in from the program's own modules."""
        stars = module.scope.bindings.get("*", ())
        key = ("*", module.path, name)
        if not stars or name.startswith("_") or key in self._busy:
            return None
        self._busy.add(key)
        try:
            for star in stars:
                path = self.program.importing(module, star.module, star.level)
                found = self.member(self._module(path), name) if path is not None else None
                if found is not None:
                    return found
        finally:
            self._busy.discard(key)
        return None

    def _bound(self, name: str, scope: Scope) -> Value | None:
        key = (scope, name)
        if key in self._names:
            return self._names[key]
        if key in self._busy:
            return None
        self._busy.add(key)
        try:
            found = self._merged([self._binding(it, it.inside or scope) for it in _that_count(scope.bindings[name])])
        finally:
            self._busy.discard(key)
        self._names[key] = found
        return found

    def _merged(self, values: Sequence[Value | None]) -> Value | None:
        """One value of several: they agree, or only one of them is more than None."""
        several = [it for it in values if it != Constant(None)] or list(values)
        if not several or any(it is None for it in several):
            return None
        if all(it == several[0] for it in several):
            return several[0]
        if all(isinstance(it, Client) for it in several):
            return Client()
        if all(isinstance(it, Collection) and it.kind == several[0].kind for it in several):  # type: ignore[union-attr]
            return Collection(several[0].kind)  # type: ignore[union-attr]
        return None

    def _binding(self, binding: Binding, scope: Scope) -> Value | None:
        match binding.how:
            case Bound.value:
                value = self.value(binding.node, scope) if isinstance(binding.node, ast.expr) else None
                return self._value_or_annotation(value, binding.annotation, scope)
            case Bound.declared:
                return self.annotated(binding.annotation, scope)
            case Bound.function:
                assert binding.scope is not None
                return Function(binding.scope)
            case Bound.class_:
                assert binding.class_ is not None
                return Class(binding.class_)
            case Bound.imported:
                return self._imported(binding, scope.module)
            case Bound.parameter:
                return self._parameter(binding, scope)
            case Bound.each:
                return self._element(binding, scope)
            case Bound.part:
                return self._part(binding, scope)
            case Bound.entered:
                value = self.value(binding.node, scope) if isinstance(binding.node, ast.expr) else None
                return self._entered(value)
        return None

    def _value_or_annotation(self, value: Value | None, annotation: ast.expr | None, scope: Scope) -> Value | None:
        """What is annotated as well as assigned: the annotation knows more of what comes from outside."""
        if annotation is None or not (value is None or value == Constant(None) or isinstance(value, External | Thing)):
            return value
        declared = self.annotated(annotation, scope)
        if isinstance(declared, Thing) and declared.of.startswith(_VAGUE):
            return value
        return declared if declared is not None else value

    def _entered(self, value: Value | None) -> Value | None:
        """What a `with` gives: of a class of the program what its `__enter__` says, of all else the thing itself."""
        if isinstance(value, Instance):
            enter = value.class_.methods.get("__aenter__") or value.class_.methods.get("__enter__")
            given = self._result(enter) if enter is not None else None
            return value if given is None or (isinstance(given, Instance) and given.class_ is value.class_) else given
        return value if isinstance(value, Thing | Client) else None

    def _imported(self, binding: Binding, module: Module) -> Value | None:
        path = self.program.importing(module, binding.module, binding.level)
        if path is None or (path == module.path and not binding.level):  # a module that has the name of another one
            if binding.level:
                return None
            whole = f"{binding.module}.{binding.member}" if binding.member else binding.module
            return External(whole)
        found = self._module(path)
        return found if binding.member is None else self.member(found, binding.member, module)

    def _module(self, path: PurePosixPath) -> Value | None:
        """The module or the package at a path; None for a module that is not parsed."""
        module = self.program.modules.get(path)
        if module is not None:
            return ModuleOf(module)
        return None if self.program.is_file(path) else Package(path.as_posix())

    def member(self, holder: Value | None, name: str, asker: Module | None = None) -> Value | None:
        """A name of a module or a package of the program."""
        if isinstance(holder, ModuleOf):
            # `from . import name` in a package's own __init__ means its module.
            if name in holder.module.scope.bindings and asker is not holder.module:
                return self._bound(name, holder.module.scope)
            starred = self._starred(name, holder.module)
            if starred is not None:
                return starred
            if holder.module.path.name == "__init__.py":
                below = self.program.below(holder.module.directory, name)
                return self._module(below) if below is not None else None
            return None
        if isinstance(holder, Package):
            below = self.program.below(holder.path, name)
            return self._module(below) if below is not None else None
        return None

    def _parameter(self, binding: Binding, scope: Scope) -> Value | None:
        argument = binding.node
        assert isinstance(argument, ast.arg)
        if scope.class_ is not None and not scope.is_static:
            own = [*scope.arguments.posonlyargs, *scope.arguments.args]
            if own and own[0] is argument:
                return Instance(scope.class_)
        annotation = binding.annotation
        if annotation is not None:
            outer = scope.outer or scope
            if self.is_context(annotation, outer):
                return Context(scope)
            if argument in (scope.arguments.vararg, scope.arguments.kwarg):
                return None
            declared = self.annotated(annotation, outer)
            return self._client_given(scope, argument) or declared if isinstance(declared, Client) else declared
        if scope in self.durable and scope.positional and scope.positional[0] is argument:
            return Context(scope)
        return self._client_given(scope, argument)

    def _client_given(self, function: Scope, parameter: ast.arg) -> Value | None:
        """The client that a parameter is, where all calls of its function in the program give the same one."""
        values: list[Value | None] = []
        for call, scope in self.calls_of(function):
            places = [it.arg for it in function.positional]
            place = places.index(parameter.arg) if parameter.arg in places else None
            values.append(self.value(argument(call, parameter.arg, place), scope))
        return values[0] if values and isinstance(values[0], Client) and all(it == values[0] for it in values) else None

    def calls_of(self, function: Scope) -> Iterator[tuple[ast.Call, Scope]]:
        """The calls of a function, by whatever name, but for those in tests and in itself."""
        named = function.class_.name if function.class_ is not None and function.name == "__init__" else function.name
        for call, scope in self._calls_by_name.get(named, ()):
            if scope is function:
                continue
            match self.value(call.func, scope):
                case Function(called) if called is function:
                    yield call, scope
                case Class(class_) if class_.methods.get("__init__") is function:
                    yield call, scope

    @property
    def _calls_by_name(self) -> dict[str, list[tuple[ast.Call, Scope]]]:
        """The calls of the program by the last name of what is called, as it is called where it is from."""
        if self._calls is None:
            self._calls = {}
            for scope in self.program.scopes:
                if scope.module.is_test:
                    continue
                for call in scope.calls:
                    match call.func:
                        case ast.Attribute(attr=name):
                            pass
                        case ast.Name(id=name):
                            for bound in scope.bindings.get(name) or scope.module.scope.bindings.get(name) or []:
                                if bound.how is Bound.imported and bound.member is not None:
                                    name = bound.member
                        case _:
                            continue
                    self._calls.setdefault(name, []).append((call, scope))
        return self._calls

    def _element(self, binding: Binding, scope: Scope) -> Value | None:
        """What a loop's variable may be, over a literal."""
        node = binding.node
        assert isinstance(node, ast.expr)
        of_values = of_items = False
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr="values" | "items" as part), args=[]):
                of_values, of_items = part == "values", part == "items"
                node = inner
        value = self.value(node, scope)
        if not isinstance(value, Collection) or value.node is None or value.scope is None:
            return None
        items: list[ast.expr]
        match value.node:
            case ast.ListComp(elt=item) if binding.index is None:
                items = [item]
            case ast.Dict(keys=keys, values=values):
                if of_values or (of_items and binding.index == 1):
                    items = values
                elif None in keys or (of_items and binding.index != 0):
                    return None
                else:
                    items = [key for key in keys if key is not None]
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                if binding.index is not None:
                    chosen: list[ast.expr] = []
                    for item in items:
                        if not isinstance(item, ast.Tuple | ast.List) or not 0 <= binding.index < len(item.elts):
                            return None
                        chosen.append(item.elts[binding.index])
                    items = chosen
            case _:
                return None
        found = [self.value(item, value.scope) for item in items]
        if not found or any(it is None for it in found):
            return None
        return found[0] if len(found) == 1 else OneOf(tuple(it for it in found if it is not None))

    def _part(self, binding: Binding, scope: Scope) -> Value | None:
        value = self.value(binding.node, scope) if isinstance(binding.node, ast.expr) else None
        if isinstance(value, Collection) and isinstance(value.node, ast.Tuple | ast.List) and value.scope is not None:
            index = binding.index
            if index is not None and 0 <= index < len(value.node.elts):
                return self.value(value.node.elts[index], value.scope)
        return None

    def is_context(self, annotation: ast.expr, scope: Scope) -> bool:
        """Whether an annotation is the SDK's Context."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value.strip(), mode="eval").body
            except (SyntaxError, ValueError):
                return False
        match annotation:
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                return any(self.is_context(side, scope) for side in (left, right))
            case ast.Subscript(value=base, slice=inside) if self.external(base, scope) in OPTIONAL:
                return self.is_context(first_of(inside), scope)
            case ast.Name() | ast.Attribute():
                return self.external(annotation, scope) in CONTEXT
        return False

    def annotated(self, node: ast.expr | None, scope: Scope) -> Value | None:
        """An instance of what an annotation says."""
        match node:
            case None:
                return None
            case ast.Constant(value=str(text)):
                try:
                    parsed = ast.parse(text.strip(), mode="eval").body
                except (SyntaxError, ValueError):
                    return None
                return self.annotated(parsed, scope)
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                sides = [side for side in (left, right) if not is_none(side)]
                return self.annotated(sides[0], scope) if len(sides) == 1 else None
            case ast.Subscript(value=base, slice=inside):
                named = self.external(base, scope)
                if named in OPTIONAL:
                    return self.annotated(first_of(inside), scope)
                return self._instance(self.value(base, scope))
            case ast.Name() | ast.Attribute():
                meant = self._alias(node.id, scope) if isinstance(node, ast.Name) else None
                return meant if meant is not None else self._instance(self.value(node, scope))
        return None

    def _alias(self, name: str, scope: Scope) -> Value | None:
        """What an alias such as `EngineDep = Annotated[Engine, Depends(get)]` stands for; it may stand for itself."""
        key = ("alias", scope, name)
        if key in self._busy:
            return None
        self._busy.add(key)
        try:
            return self._aliased(name, scope)
        finally:
            self._busy.discard(key)

    def _aliased(self, name: str, scope: Scope) -> Value | None:
        holder: Scope | None = scope
        while holder is not None:
            for binding in holder.bindings.get(name, ()):
                if binding.how is Bound.value and isinstance(binding.node, ast.Subscript | ast.BinOp):
                    return self.annotated(binding.node, holder)
                if binding.how is Bound.imported and binding.member is not None:
                    path = self.program.importing(holder.module, binding.module, binding.level)
                    module = self.program.modules.get(path) if path else None
                    if module is not None and module is not scope.module:
                        return self._alias(binding.member, module.scope)
            if name in holder.bindings:
                return None
            holder = holder.outer
        return None

    def _instance(self, value: Value | None) -> Value | None:
        match value:
            case External(name) if name in CLIENT:
                return Client()
            case External(name) if name in KINDS:
                return Collection(KINDS[name])
            case External(name):
                return Thing(name)
            case Class(class_):
                return self._sdk_instance(class_) or Instance(class_)
        return None

    def _sdk_instance(self, class_: ProgramClass) -> Value | None:
        """A class that extends the SDK's client is one."""
        for base in class_.node.bases:
            if self.external(base, class_.outer) in CLIENT:
                return Client()
        return None

    def external(self, node: ast.expr, scope: Scope) -> str | None:
        """The dotted name of what is outside of the program; of a method ``<class>.<method>``."""
        value = self.value(node, scope)
        return value.name if isinstance(value, External) else None


def argument(call: ast.Call, name: str, place: int | None = None) -> ast.expr | None:
    """An argument of a call by its name or its place."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if place is not None and place < len(call.args) and not any(isinstance(it, ast.Starred) for it in call.args):
        return call.args[place]
    return None


def _that_count(bindings: list[Binding]) -> Iterator[Binding]:
    """The bindings that say something: a declaration without a value, or with None, does not where there is a value."""
    valued = [it for it in bindings if it.how is not Bound.declared and not (it.annotation and is_none(it.node))]
    return iter(valued or bindings)


def is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def first_of(inside: ast.expr) -> ast.expr:
    """The first of what stands in the brackets of an annotation."""
    return inside.elts[0] if isinstance(inside, ast.Tuple) and inside.elts else inside

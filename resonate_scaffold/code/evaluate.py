"""What the names and expressions of a program mean, as far as its text says.

A name is followed through imports, aliases, assignments, annotations, attributes of ``self``, of ``app.state`` and of
dataclasses. Where two bindings of a name disagree, nothing is known of it.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from resonate_scaffold.code.outside import given_by
from resonate_scaffold.code.program import Binding, Bound, FunctionNode, Module, Program, ProgramClass, Scope, above
from resonate_scaffold.code.values import (
    Class,
    Client,
    Collection,
    Constant,
    Context,
    External,
    Function,
    Future,
    Instance,
    Method,
    ModuleOf,
    OneOf,
    Options,
    Package,
    Text,
    Thing,
    Value,
)

CLIENT = frozenset({"resonate.resonate.Resonate", "resonate.Resonate"})
CONTEXT = frozenset({"resonate.context.Context", "resonate.Context"})
# What makes a durable call of a context, and what a client starts work with.
DURABLE = frozenset({"run", "rpc", "sleep", "promise", "detached"})
STARTING = frozenset({"run", "rpc"})
_OPTIONAL = frozenset({"typing.Optional", "typing.Annotated", "typing_extensions.Annotated", "typing.Required"})
_KINDS = {
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
_SET_METHODS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_PATH = "pathlib.Path"
_DEEPEST = 40
_MOST_TEXTS = 16


class Evaluator:
    """Answers what expressions are; every answer is kept."""

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

    def forget(self) -> None:
        """After :attr:`durable` has grown: what was known may be more now."""
        self._known.clear()
        self._names.clear()

    def value(self, node: ast.expr | None, scope: Scope) -> Value | None:
        """What an expression of *scope* is; None where that is not known."""
        if node is None:
            return None
        if node in self._known:
            return self._known[node]
        if node in self._busy or self._depth > _DEEPEST:
            return None
        self._busy.add(node)
        self._depth += 1
        try:
            found = self._evaluated(node, scope)
        finally:
            self._busy.discard(node)
            self._depth -= 1
        self._known[node] = found
        return found

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

    def text(self, node: ast.expr | None, scope: Scope) -> str | None:
        """The text that an expression is, if all of it is known."""
        value = self.value(node, scope)
        return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None

    def parts(self, node: ast.expr | None, scope: Scope) -> tuple[str | None, ...] | None:
        """The parts of a text, unknown ones as None; None where it is no text that is put together here."""
        match self.value(node, scope):
            case Constant(str(text)):
                return (text,)
            case Text(parts):
                return parts
        return None

    def number(self, node: ast.expr | None, scope: Scope) -> int | None:
        """The whole number that an expression is."""
        value = self.value(node, scope)
        return value.value if isinstance(value, Constant) and type(value.value) is int else None

    def external(self, node: ast.expr, scope: Scope) -> str | None:
        """The dotted name of what is outside of the program; of a method ``<class>.<method>``."""
        value = self.value(node, scope)
        return value.name if isinstance(value, External) else None

    def each(self, node: ast.expr, scope: Scope) -> list[tuple[ast.expr, Scope]] | None:
        """The elements of a literal list, tuple or set, or the values of a dictionary's."""
        value = self.value(node, scope)
        if not isinstance(value, Collection) or value.node is None or value.scope is None:
            return None
        match value.node:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                found: list[tuple[ast.expr, Scope]] = []
                for item in items:
                    if isinstance(item, ast.Starred):
                        inner = self.each(item.value, value.scope)
                        if inner is None:
                            return None
                        found += inner
                    else:
                        found.append((item, value.scope))
                return found
            case ast.Dict(keys=keys) if None not in keys:
                return [(key, value.scope) for key in keys if key is not None]
        return None

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
                sides = [side for side in (left, right) if not _is_none(side)]
                return self.annotated(sides[0], scope) if len(sides) == 1 else None
            case ast.Subscript(value=base, slice=inside):
                named = self.external(base, scope)
                if named in _OPTIONAL:
                    return self.annotated(_first(inside), scope)
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
            return self._meant(name, scope)
        finally:
            self._busy.discard(key)

    def _meant(self, name: str, scope: Scope) -> Value | None:
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
            case External(name) if name in _KINDS:
                return Collection(_KINDS[name])
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

    def _evaluated(self, node: ast.expr, scope: Scope) -> Value | None:
        match node:
            case ast.Name(id=name):
                return self.name(name, scope)
            case ast.Constant(value=value):
                return Constant(value)
            case ast.Attribute(value=base, attr=attribute):
                return self._attribute(node, base, attribute, scope)
            case ast.Call():
                return self._called(node, scope)
            case ast.Await(value=inner):
                return self._awaited(self.value(inner, scope))
            case ast.JoinedStr(values=values):
                return self._joined(values, scope)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self._added(left, right, scope)
            case ast.BinOp(op=ast.Mod(), left=left) if isinstance(self.value(left, scope), Constant | Text):
                return self._formatted(self.text(left, scope), "%")
            case ast.BinOp(op=ast.Div(), left=left) if self.value(left, scope) == Thing("pathlib.Path"):
                return Thing("pathlib.Path")
            case ast.BinOp(op=ast.Mult() | ast.Pow() as operator, left=left, right=right):
                return _multiplied(operator, self.number(left, scope), self.number(right, scope))
            case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), left=left, right=right):
                sides = self.value(left, scope), self.value(right, scope)
                return Collection("set") if any(_is_set(side) for side in sides) else None
            case ast.List():
                return Collection("list", node, scope)
            case ast.Tuple():
                return Collection("tuple", node, scope)
            case ast.Set():
                return Collection("set", node, scope)
            case ast.Dict():
                return Collection("dict", node, scope)
            case ast.SetComp():
                return Collection("set")
            case ast.ListComp():
                return Collection("list", node, scope)
            case ast.DictComp():
                return Collection("dict")
            case ast.GeneratorExp():
                return Collection("generator")
            case ast.Lambda():
                for it in scope.inner:
                    if it.node is node:
                        return Function(it)
                return None
            case ast.IfExp(body=body, orelse=orelse) | ast.BoolOp(op=ast.Or(), values=[body, orelse]):
                return self._merged([self.value(body, scope), self.value(orelse, scope)])
            case ast.NamedExpr(value=inner):
                return self.value(inner, scope)
            case ast.Subscript(value=base, slice=ast.Constant(value=str(key))):
                return self._item(base, key, scope)
            case ast.Subscript(value=base) if self.value(base, scope) == External(f"{_PATH}.parents"):
                return Thing(_PATH)
            case ast.BinOp(op=ast.Div(), left=left) if self.value(left, scope) == Thing(_PATH):
                return Thing(_PATH)
        return None

    def _bound(self, name: str, scope: Scope) -> Value | None:
        key = (scope, name)
        if key in self._names:
            return self._names[key]
        if key in self._busy:
            return None
        self._busy.add(key)
        try:
            found = self._merged([self._binding(it, scope) for it in _that_count(scope.bindings[name])])
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
                return self._said(value, binding.annotation, scope)
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

    def _said(self, value: Value | None, annotation: ast.expr | None, scope: Scope) -> Value | None:
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
        if path is None:
            if binding.level:
                return None
            whole = f"{binding.module}.{binding.member}" if binding.member else binding.module
            return External(whole)
        found = self._module(path)
        if binding.member is None:
            return found
        return self.member(found, binding.member, module)

    def _module(self, path: PurePosixPath) -> Value:
        module = self.program.modules.get(path)
        return Package(path.as_posix()) if module is None else ModuleOf(module)

    def member(self, holder: Value, name: str, asker: Module | None = None) -> Value | None:
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
            case ast.Subscript(value=base, slice=inside) if self.external(base, scope) in _OPTIONAL:
                return self.is_context(_first(inside), scope)
            case ast.Name() | ast.Attribute():
                return self.external(annotation, scope) in CONTEXT
        return False

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

    def _attribute(self, node: ast.expr, base: ast.expr, attribute: str, scope: Scope) -> Value | None:
        if isinstance(base, ast.Attribute) and base.attr == "state":
            stored = self._state(attribute)
            if stored is not None:
                return stored
        holder = self.value(base, scope)
        match holder:
            case External(name):
                stored = self._state(attribute) if name.endswith(".state") else None
                return stored if stored is not None else External(f"{name}.{attribute}")
            case Thing(of):
                name = f"{of}.{attribute}"
                return Thing(_PATH) if name == f"{_PATH}.parent" else External(name)
            case ModuleOf(module):
                return self._module_attribute(module, attribute, scope)
            case Package():
                return self.member(holder, attribute)
            case Instance(class_):
                return self._instance_attribute(holder, class_, attribute)
            case Class(class_):
                if attribute in class_.methods:
                    return Function(class_.methods[attribute])
                if attribute in class_.fields and class_.fields[attribute][1] is not None:
                    return self.value(class_.fields[attribute][1], class_.outer)
                return None
            case Context() | Client():
                return Method(holder, attribute)
            case Method(of, name) if isinstance(of, Client) and name in ("promises", "schedules"):
                return Method(of, f"{name}.{attribute}")
            case Collection(kind):
                return External(f"builtins.{kind}.{attribute}")
            case Constant(str()) | Text():
                return External(f"builtins.str.{attribute}")
        return None

    def _module_attribute(self, module: Module, attribute: str, scope: Scope) -> Value | None:
        if attribute in module.scope.bindings:
            return self._bound(attribute, module.scope)
        return self.member(ModuleOf(module), attribute)

    def _instance_attribute(
        self, instance: Instance, class_: ProgramClass, attribute: str, depth: int = 0
    ) -> Value | None:
        method = class_.methods.get(attribute)
        if method is not None:
            for decorator in method.decorators:
                if self.external(decorator, class_.outer) in ("builtins.property", "functools.cached_property"):
                    return self._result(method)
            return Function(method, instance)
        stored = class_.attributes.get(attribute)
        if stored:
            # `self.x: T | None = None` only declares what another method sets.
            stored = [it for it in stored if it[1] is None or it[2] is None or not _is_none(it[1])] or stored
            values: list[Value | None] = []
            for scope, value, annotation in stored:
                values.append(self._said(self.value(value, scope), annotation, scope))
            return self._merged(values)
        if attribute in class_.fields:
            annotation, value = class_.fields[attribute]
            found = self.annotated(annotation, class_.outer)
            if isinstance(found, Thing) and found.of.endswith(".Callable"):
                default = self.value(value, class_.outer)  # what is called, unless somebody gives another
                return default if isinstance(default, Function | External) else found
            return found if found is not None else self.value(value, class_.outer) if annotation is None else None
        if depth < 5:
            for base in class_.node.bases:
                parent = self.value(base, class_.outer)
                if isinstance(parent, Class):
                    return self._instance_attribute(instance, parent.class_, attribute, depth + 1)
                if isinstance(parent, External):
                    return External(f"{parent.name}.{attribute}")
        return None

    def _state(self, attribute: str) -> Value | None:
        """What is kept as ``app.state.<attribute>``, if all who set it agree."""
        if self._states is None:
            self._states = {}
            for scope in self.program.scopes:
                for node in scope.nodes:
                    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                        holder = node.value
                        if isinstance(holder, ast.Attribute) and holder.attr == "state":
                            up = above(node)
                            if isinstance(up, ast.Assign):
                                self._states.setdefault(node.attr, []).append((scope, up.value))
        stored = self._states.get(attribute)
        if not stored:
            return None
        return self._merged([self.value(value, scope) for scope, value in stored])

    def _called(self, node: ast.Call, scope: Scope) -> Value | None:
        function = self.value(node.func, scope)
        match function:
            case External(name):
                return self._external_call(node, name, scope)
            case Thing(of):
                made = given_by(f"{of}.__call__")
                return Thing(made) if made is not None else None
            case Class(class_):
                return self._sdk_instance(class_) or Instance(class_, node, scope)
            case Function(inner):
                return self._result(inner)
            case Method(of, "options"):
                return replace(of, options=_options(node, scope))
            case Method(Client() as of, "with_dependency" | "start"):
                return of
            case Method(Context(), name) if name in DURABLE:
                return Future(node, function, scope)
            case Method(Client(), "run" | "rpc" | "get" | "begin_run" | "begin_rpc" | "rfi" | "lfi"):
                return Future(node, function, scope)
            case Method(Context(), "get_dependency") if node.args:
                return self._instance(self.value(node.args[0], scope))
            case Instance(class_) if "__call__" in class_.methods:
                if is_contract(function):
                    return Future(node, function, scope)
                return self._result(class_.methods["__call__"])
        return None

    def _external_call(self, node: ast.Call, name: str, scope: Scope) -> Value | None:
        if name in CLIENT:
            return Client(node, scope)
        if name in ("resonate.resonate.Resonate.remote", "resonate.Resonate.remote") or name in (
            "resonate.resonate.Resonate.local",
            "resonate.Resonate.local",
        ):
            return Client(None, scope)
        if name == "resonate.testing.local_resonate":
            return Client(None, scope)  # it never retries, and knows no other groups
        if name in ("builtins.set", "builtins.frozenset"):
            return Collection("set")
        if name in ("builtins.list", "builtins.tuple") and len(node.args) == 1:
            inner = self.value(node.args[0], scope)
            known = isinstance(inner, Collection) and inner.kind != "set"
            return inner if known else Collection(name.rpartition(".")[2])
        if name == "builtins.sorted":
            return Collection("list")
        if name in _KINDS:
            return Collection(_KINDS[name])
        if name == "builtins.str":
            return Text((None,))
        if name == "builtins.str.format" and isinstance(node.func, ast.Attribute):
            return self._formatted(self.text(node.func.value, scope), "{")
        if name == "builtins.str.join" and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
            return self._between(self.text(node.func.value, scope), self.each(node.args[0], scope))
        if name.startswith("builtins.set.") and name.rpartition(".")[2] in _SET_METHODS:
            return Collection("set")
        if name.startswith("typing.cast") and len(node.args) == 2:
            return self.value(node.args[1], scope) or self.annotated(node.args[0], scope)
        if name == "functools.partial" and node.args:
            whole = self.value(node.args[0], scope)
            return replace(whole, partial=True) if isinstance(whole, Function) else whole
        return Thing(given_by(name) or name)

    def _result(self, function: Scope) -> Value | None:
        """What a function of the program gives: what its one `return` says, else its annotation."""
        if function.decorators_named("contextmanager", "asynccontextmanager"):
            gives = function.returns
            inner = gives.slice if isinstance(gives, ast.Subscript) else None
            first = _first(inner) if inner is not None else None
            yielded = list(function.found(ast.Yield))
            found = self.value(yielded[0].value, function) if len(yielded) == 1 else None
            return found if found is not None else self.annotated(first, function.outer or function)
        returned = [it.value for it in function.found(ast.Return) if it.value is not None]
        yields = any(isinstance(it, ast.Yield) for it in function.nodes)
        found = None
        if len(returned) == 1 and not yields:
            found = self.value(returned[0], function)
        if isinstance(function.node, ast.Lambda):
            return self.value(function.node.body, function)
        if found is None or isinstance(found, Constant) or (isinstance(found, Collection) and found.node is None):
            declared = self.annotated(function.returns, function.outer or function)
            return declared if declared is not None else found
        return found

    def _awaited(self, value: Value | None) -> Value | None:
        if isinstance(value, Future):
            match value.method:
                case Method(Client(), "get"):
                    return value  # a handle
                case Method(Context(), "run" | "rpc") if value.scope is not None:
                    function = self.value(argument(value.call, "fn", 0), value.scope)
                    if isinstance(function, Function):  # what it gives is made to fit what it says
                        return self.annotated(function.scope.returns, function.scope.outer or function.scope)
                case Instance(call=ast.Call() as made, scope=Scope() as holder):
                    return self._instance(self.value(argument(made, "result", 3), holder))
            return None
        return value

    def _joined(self, values: Sequence[ast.expr], scope: Scope) -> Value:
        """An f-string; of what may be several texts, such as a loop's variable, it is several too."""
        known: list[list[str | None]] = [[]]
        for item in values:
            pieces: list[tuple[str | None, ...]] = [(None,)]
            match item:
                case ast.Constant(value=str(text)):
                    pieces = [(text,)]
                case ast.FormattedValue(value=inner, format_spec=None):
                    value = self.value(inner, scope)
                    options = value.options if isinstance(value, OneOf) else (value,)
                    if len(known) * len(options) <= _MOST_TEXTS:
                        pieces = [_formatted_parts(it) for it in options]
            known = [[*before, *piece] for before in known for piece in pieces]
        texts = [_text(it) for it in known]
        return texts[0] if len(texts) == 1 else OneOf(tuple(texts))

    def _added(self, left: ast.expr, right: ast.expr, scope: Scope) -> Value | None:
        sides = self.parts(left, scope), self.parts(right, scope)
        if sides == (None, None):
            return None
        return _text([part for side in sides for part in (side if side is not None else (None,))])

    def _between(self, separator: str | None, items: list[tuple[ast.expr, Scope]] | None) -> Value:
        """What `join` makes of a literal list."""
        parts: list[str | None] = []
        for item, scope in items or ():
            known = self.parts(item, scope)
            parts += [*([separator] if parts else []), *(known if known is not None else (None,))]
        return _text(parts) if items is not None else Text((None,))

    def _formatted(self, pattern: str | None, mark: str) -> Value:
        if pattern is None:
            return Text((None,))
        pieces = pattern.split(mark)
        parts: list[str | None] = [pieces[0]]
        for piece in pieces[1:]:
            tail = piece.partition("}")[2] if mark == "{" else piece[1:]
            parts += [None, tail]
        return _text(parts)

    def _item(self, base: ast.expr, key: str, scope: Scope) -> Value | None:
        value = self.value(base, scope)
        if isinstance(value, Collection) and isinstance(value.node, ast.Dict) and value.scope is not None:
            for known, item in zip(value.node.keys, value.node.values, strict=True):
                if isinstance(known, ast.Constant) and known.value == key:
                    return self.value(item, value.scope)
        return None


def is_contract(value: Value | None) -> bool:
    """Whether a value is one of the contracts of a generated service: an `Rpc`."""
    return isinstance(value, Instance) and value.call is not None and is_class_of_contracts(value.class_)


def is_class_of_contracts(class_: ProgramClass) -> bool:
    """Whether a class is the one of contracts."""
    return class_.name == "Rpc" and {"name", "group", "request", "result"} <= class_.fields.keys()


def argument(call: ast.Call, name: str, place: int | None = None) -> ast.expr | None:
    """An argument of a call by its name or its place."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if place is not None and place < len(call.args) and not any(isinstance(it, ast.Starred) for it in call.args):
        return call.args[place]
    return None


def _options(node: ast.Call, scope: Scope) -> Options:
    return Options(argument(node, "target"), argument(node, "timeout"), argument(node, "version"), node, scope)


def _formatted_parts(value: Value | None) -> tuple[str | None, ...]:
    """What stands in a text for a value."""
    match value:
        case Constant(str() | int() | float() as known) if not isinstance(known, bool):
            return (str(known),)
        case Text(parts):
            return parts
    return (None,)


def _multiplied(operator: ast.operator, left: int | None, right: int | None) -> Value | None:
    """A product or a power of whole numbers, as limits are written: `24 * 60`, `10**6`."""
    if left is None or right is None:
        return None
    if isinstance(operator, ast.Mult):
        return Constant(left * right)
    return Constant(left**right) if 0 <= right <= 64 and abs(left) <= 1024 else None


def _text(parts: Sequence[str | None]) -> Value:
    merged: list[str | None] = []
    for part in parts:
        if part == "":
            continue
        if merged and part is not None and merged[-1] is not None:
            merged[-1] += part
        else:
            merged.append(part)
    if not merged:
        return Constant("")
    if len(merged) == 1 and merged[0] is not None:
        return Constant(merged[0])
    return Text(tuple(merged))


def _that_count(bindings: list[Binding]) -> Iterator[Binding]:
    """The bindings that say something: a declaration without a value, or with None, does not where there is a value."""
    valued = [it for it in bindings if it.how is not Bound.declared and not (it.annotation and _is_none(it.node))]
    return iter(valued or bindings)


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_set(value: Value | None) -> bool:
    keys = Thing("builtins.dict.keys")
    return value == keys or (isinstance(value, Collection) and value.kind == "set")


def is_function_node(node: ast.AST) -> bool:
    """Whether a node makes a scope of its own."""
    return isinstance(node, FunctionNode)


def _first(inside: ast.expr) -> ast.expr:
    """The first of what stands in the brackets of an annotation."""
    return inside.elts[0] if isinstance(inside, ast.Tuple) and inside.elts else inside

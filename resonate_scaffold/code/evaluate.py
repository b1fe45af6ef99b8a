"""What the names and expressions of a program mean, as far as its text says.

A name is followed through imports, aliases, assignments, annotations, attributes of ``self``, of ``app.state`` and of
dataclasses. Where two bindings of a name disagree, nothing is known of it.
"""

from __future__ import annotations

import ast
from dataclasses import replace

from resonate_scaffold.code.names import CLIENT, KINDS, argument, first_of, is_none
from resonate_scaffold.code.outside import given_by, is_awaitable
from resonate_scaffold.code.scopes import Module, ProgramClass, Scope, above
from resonate_scaffold.code.texts import Texts
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
    Options,
    Package,
    Text,
    Thing,
    Value,
)

# What makes a durable call of a context, and what a client starts work with.
DURABLE = frozenset({"run", "rpc", "sleep", "promise", "detached"})
_SET_METHODS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_PATH = "pathlib.Path"
_LITERALS: dict[type[ast.expr], str] = {
    ast.List: "list",
    ast.ListComp: "list",
    ast.Tuple: "tuple",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.GeneratorExp: "generator",
}
_DEEPEST = 40


class Evaluator(Texts):
    """Answers what expressions are; every answer is kept."""

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
            case ast.BinOp():
                return self._operated(node, scope)
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.ListComp():
                return Collection(_LITERALS[type(node)], node, scope)
            case ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return Collection(_LITERALS[type(node)])
            case ast.Lambda():
                return next((Function(it) for it in scope.inner if it.node is node), None)
            case ast.IfExp(body=body, orelse=orelse) | ast.BoolOp(op=ast.Or(), values=[body, orelse]):
                return self._merged([self.value(body, scope), self.value(orelse, scope)])
            case ast.NamedExpr(value=inner):
                return self.value(inner, scope)
            case ast.Subscript(value=base, slice=ast.Constant(value=str(key))):
                return self._item(base, key, scope)
            case ast.Subscript(value=base):
                whole = self.value(base, scope)
                if whole == External(f"{_PATH}.parents"):
                    return Thing(_PATH)
                return whole if isinstance(whole, Class) else None  # of its parameters
        return None

    def _operated(self, node: ast.BinOp, scope: Scope) -> Value | None:
        """What two operands give."""
        left, right = node.left, node.right
        match node.op:
            case ast.Add():
                return self._added(left, right, scope)
            case ast.Mod() if isinstance(self.value(left, scope), Constant | Text):
                return self._formatted(self.text(left, scope), "%")
            case ast.Div() if self.value(left, scope) == Thing(_PATH):
                return Thing(_PATH)
            case ast.Mult() | ast.Pow():
                return _multiplied(node.op, self.number(left, scope), self.number(right, scope))
            case ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor():
                sides = self.value(left, scope), self.value(right, scope)
                return Collection("set") if any(_is_set(side) for side in sides) else None
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
            stored = [it for it in stored if it[1] is None or it[2] is None or not is_none(it[1])] or stored
            values: list[Value | None] = []
            for scope, value, annotation in stored:
                values.append(self._value_or_annotation(self.value(value, scope), annotation, scope))
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
        if name in KINDS:
            return Collection(KINDS[name])
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
            first = first_of(inner) if inner is not None else None
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
        if isinstance(found, External):  # such as `request.app.state.client`
            return self._value_or_annotation(found, function.returns, function.outer or function)
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
        return None if isinstance(value, Thing) and is_awaitable(value.of) else value

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


def _options(node: ast.Call, scope: Scope) -> Options:
    return Options(argument(node, "target"), argument(node, "timeout"), argument(node, "version"), node, scope)


def _multiplied(operator: ast.operator, left: int | None, right: int | None) -> Value | None:
    """A product or a power of whole numbers, as limits are written: `24 * 60`, `10**6`."""
    if left is None or right is None:
        return None
    if isinstance(operator, ast.Mult):
        return Constant(left * right)
    return Constant(left**right) if 0 <= right <= 64 and abs(left) <= 1024 else None


def _is_set(value: Value | None) -> bool:
    keys = Thing("builtins.dict.keys")
    return value == keys or (isinstance(value, Collection) and value.kind == "set")

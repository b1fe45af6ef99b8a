"""What a file is made of: scopes with their bindings and calls, classes, and the nodes above a node."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import PurePosixPath

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Bound(Enum):
    """How a name gets its value."""

    value = auto()
    """``node`` is the value."""
    part = auto()
    """``node`` is unpacked, and ``index`` says which part this is; -1 where that is not known."""
    each = auto()
    """An element of ``node``, which is iterated over; of tuples the part ``index``."""
    entered = auto()
    """What ``node`` gives to a `with`."""
    declared = auto()
    """There is an annotation, and no value."""
    parameter = auto()
    """``node`` is an ``ast.arg``."""
    function = auto()
    """``scope`` is the function."""
    class_ = auto()
    """``class_`` is the class."""
    imported = auto()
    """``member`` of ``module``, or the module itself; ``level`` counts its dots."""
    other = auto()
    """In a way that says nothing: `except … as`, `match`, `del`, `+=`."""


@dataclass(slots=True, eq=False)
class Binding:
    """One way in which a name is bound in a scope."""

    how: Bound
    node: ast.AST
    index: int | None = None
    annotation: ast.expr | None = None
    scope: Scope | None = None
    class_: ProgramClass | None = None
    module: str = ""
    member: str | None = None
    level: int = 0
    inside: Scope | None = None
    """The function that binds a name of an outer one, by `global` or `nonlocal`: ``node`` is an expression of that."""


@dataclass(slots=True, eq=False)
class Scope:
    """A function, a lambda, or the top level of a module (its classes' bodies included, but for what they bind)."""

    module: Module
    node: ast.AST
    name: str
    outer: Scope | None
    class_: ProgramClass | None = None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    calls: list[ast.Call] = field(default_factory=list)
    nodes: list[ast.AST] = field(default_factory=list)
    inner: list[Scope] = field(default_factory=list)
    globals: set[str] = field(default_factory=set)

    @property
    def is_async(self) -> bool:
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def decorators(self) -> list[ast.expr]:
        return self.node.decorator_list if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef) else []

    @property
    def arguments(self) -> ast.arguments:
        """Of a function."""
        assert isinstance(self.node, FunctionNode)
        return self.node.args

    @property
    def positional(self) -> list[ast.arg]:
        """The parameters that may be given by position, without ``self`` and ``cls``."""
        given = [*self.arguments.posonlyargs, *self.arguments.args]
        return given[1:] if self.class_ is not None and not self.is_static else given

    @property
    def is_static(self) -> bool:
        return any(isinstance(it, ast.Name) and it.id == "staticmethod" for it in self.decorators)

    @property
    def is_method(self) -> bool:
        return self.class_ is not None and not self.is_static

    @property
    def returns(self) -> ast.expr | None:
        """The annotation of a function's result."""
        return self.node.returns if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef) else None

    @property
    def yields(self) -> bool:
        """Whether a function is a generator: what it gives comes piece by piece."""
        return any(isinstance(it, ast.Yield | ast.YieldFrom) for it in self.nodes)

    @property
    def line(self) -> int:
        return int(getattr(self.node, "lineno", 1))

    @property
    def column(self) -> int:
        return int(getattr(self.node, "col_offset", 0))

    def decorators_named(self, *names: str) -> bool:
        """Whether a decorator is called one of these, wherever it is from."""
        for decorator in self.decorators:
            inner = decorator.func if isinstance(decorator, ast.Call) else decorator
            if (inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")) in names:
                return True
        return False

    def found[N: ast.AST](self, kind: type[N]) -> Iterator[N]:
        """The nodes of a kind, in this scope itself, in the order of their lines."""
        return (node for node in self.nodes if isinstance(node, kind))


@dataclass(slots=True, eq=False)
class ProgramClass:
    """A class, with its methods."""

    module: Module
    node: ast.ClassDef
    outer: Scope
    methods: dict[str, Scope] = field(default_factory=dict)
    fields: dict[str, tuple[ast.expr | None, ast.expr | None]] = field(default_factory=dict)
    """What its body assigns: annotation and value."""
    attributes: dict[str, list[tuple[Scope, ast.expr | None, ast.expr | None]]] = field(default_factory=dict)
    """What its methods assign to ``self``: in which method, value and annotation."""

    @property
    def name(self) -> str:
        return self.node.name


@dataclass(slots=True, eq=False)
class Module:
    """One file. ``error`` is what is wrong with one that is not Python: line and message."""

    path: PurePosixPath
    lines: list[bytes]
    directory: str = ""
    scope: Scope = field(init=False)
    scopes: list[Scope] = field(default_factory=list)
    classes: list[ProgramClass] = field(default_factory=list)
    error: tuple[int, str] | None = None
    is_test: bool = False
    uses_resonate: bool = False
    """Whether it imports the SDK."""
    encoding: str = "ascii"

    @property
    def is_ascii(self) -> bool:
        return self.encoding == "ascii"

    def text(self, line: int) -> str:
        """A line (from 1) as text."""
        return self.lines[line - 1].decode(self.encoding, "replace").removeprefix("\ufeff")


def above(node: ast.AST) -> ast.AST | None:
    """The node that a node stands in."""
    up: ast.AST | None = getattr(node, "up", None)
    return up


def enclosing(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that a node stands in, from the inside out, up to its function."""
    up = above(node)
    while up is not None and not isinstance(up, (*FunctionNode.__args__, ast.ClassDef, ast.Module)):
        yield up
        up = above(up)


def is_within(node: ast.AST, holder: ast.AST) -> bool:
    """Whether a node is part of another in the same function."""
    return node is holder or any(it is holder for it in enclosing(node))


def statement_of(node: ast.AST) -> ast.AST:
    """The statement that a node stands in."""
    up: ast.AST | None = node
    while up is not None and not isinstance(up, ast.stmt):
        up = above(up)
    return up or node


def assigned(name: str, scope: Scope) -> ast.expr | None:
    """The value of a variable that is bound once, by an assignment."""
    match scope.bindings.get(name):
        case [Binding(how=Bound.value, node=ast.expr() as value)]:
            return value
    return None


def loads(name: str, scope: Scope) -> Iterator[tuple[ast.Name, Scope]]:
    """Where a function reads a variable of its own, in functions inside of it too."""
    for node in scope.found(ast.Name):
        if node.id == name and isinstance(node.ctx, ast.Load):
            yield node, scope
    for inner in scope.inner:
        if name not in inner.bindings:
            yield from loads(name, inner)

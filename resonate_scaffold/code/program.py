"""A program as its syntax trees: files, functions, classes, and what names are bound to. Nothing is imported or run.

Each file is walked once. What the walk leaves behind is all that the rules need: a node knows the node above it
(:func:`above`), a scope knows its bindings, its calls, and the statements that matter.
"""

from __future__ import annotations

import ast
import gc
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

_LARGEST = 4 << 20  # bytes; a syntax tree takes a hundred times as much memory
_DEEPEST = 200  # nested expressions; Python itself gives up on code long before people do

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_KEPT = (
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.comprehension,
    ast.ExceptHandler,
    ast.Return,
    ast.Yield,
    ast.YieldFrom,
    ast.Global,
    ast.Subscript,
    ast.Attribute,
    ast.With,
    ast.AsyncWith,
    ast.Delete,
    ast.AugAssign,
    ast.Starred,
    ast.Await,
)


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


class Program:
    """All files of one check. Paths are relative to one directory, which may hold several programs.

    ``files`` are Python. ``beside`` are files that are not: manifests of generated services, and what these list.
    """

    def __init__(
        self, files: Mapping[PurePosixPath, bytes], beside: Mapping[PurePosixPath, bytes] = MappingProxyType({})
    ) -> None:
        self.beside = beside
        self.modules: dict[PurePosixPath, Module] = {}
        self._content = files
        # Imports are resolved on plain text: a path object for each step would cost more than all else.
        self._files: dict[str, PurePosixPath] = {}
        self._directories: dict[str, bool] = {"": False}
        self._resolved: dict[tuple[str, str, int], PurePosixPath | None] = {}
        # Trees are full of cycles that are never garbage before the end.
        collecting = gc.isenabled()
        gc.disable()
        try:
            for path, content in sorted(files.items()):
                self.modules[path] = module = _parsed(path, content)
                self._files[str(path)] = path
                directory = module.directory
                self._directories[directory] = True  # it holds Python itself
                while directory:
                    directory = directory.rpartition("/")[0]
                    self._directories.setdefault(directory, False)
        finally:
            if collecting:
                gc.enable()

    @property
    def scopes(self) -> Iterator[Scope]:
        """Every scope of every file."""
        for module in self.modules.values():
            yield from module.scopes

    def content(self, path: PurePosixPath) -> bytes | None:
        """The bytes of a file; None where there is none."""
        return self._content[path] if path in self._content else self.beside.get(path)

    def importing(self, module: Module, name: str, level: int) -> PurePosixPath | None:
        """The file or the directory that an import in *module* means; None for what is not in the program.

        An absolute name is looked for beside the importing file and in each directory above it, the nearest first:
        one of these is on the path of whatever runs this.
        """
        key = (module.directory, name, level)
        if key not in self._resolved:
            self._resolved[key] = self._look_up(*key)
        return self._resolved[key]

    def below(self, directory: str, name: str) -> PurePosixPath | None:
        """A module or a package of a directory."""
        return self._at(_joined(directory, name))

    def _look_up(self, directory: str, name: str, level: int) -> PurePosixPath | None:
        below = name.replace(".", "/")
        if level:
            for _ in range(level - 1):
                directory = directory.rpartition("/")[0]
            return self._at(_joined(directory, below))
        while True:
            for base in (directory, _joined(directory, "src")):
                found = self._at(_joined(base, below))
                # A directory beside the importer that only has the name of a distribution is not a package.
                if found is not None and (found in self.modules or self._directories[str(found)]):
                    return found
            if not directory:
                return None
            directory = directory.rpartition("/")[0]

    def _at(self, path: str) -> PurePosixPath | None:
        found = self._files.get(f"{path}.py") or self._files.get(_joined(path, "__init__.py"))
        if found is not None:
            return found
        return PurePosixPath(path) if path in self._directories else None


def _joined(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory and name else directory or name


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


def statement_of(node: ast.AST) -> ast.AST:
    """The statement that a node stands in."""
    up: ast.AST | None = node
    while up is not None and not isinstance(up, ast.stmt):
        up = above(up)
    return up or node


def _parsed(path: PurePosixPath, content: bytes) -> Module:
    module = Module(path, content.splitlines(), str(path).rpartition("/")[0])
    module.is_test = path.name.startswith("test_") or path.name == "conftest.py" or "tests" in path.parts
    module.uses_resonate = b"resonate" in content and any(
        line.lstrip().startswith((b"from resonate", b"import resonate")) for line in module.lines
    )
    tree: ast.Module
    try:
        if len(content) > _LARGEST:
            raise ValueError(f"it has {len(content) >> 20} MB, too much to be read")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the owner's code, and not for who checks it
            tree = ast.parse(content)
        _Walk(module).run(tree)
    except SyntaxError as error:
        module.error = (error.lineno or 1, error.msg)
    except (RecursionError, MemoryError):
        module.error = (1, "it is nested too deeply to be read")
    except ValueError as error:  # NUL, an encoding that is not there
        module.error = (1, str(error))
    if module.error is not None:
        module.scopes.clear()
        module.classes.clear()
        module.scope = Scope(module, ast.Module([], []), "", None)
    return module


class _Walk:
    """One pass over one tree."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._visitors: dict[type[ast.AST], Callable[[Any, Scope, ProgramClass | None], None]] = {
            ast.Assign: self._assign,
            ast.AnnAssign: self._annotated,
            ast.AugAssign: self._augmented,
            ast.For: self._loop,
            ast.AsyncFor: self._loop,
            ast.comprehension: self._loop,
            ast.With: self._with,
            ast.AsyncWith: self._with,
            ast.NamedExpr: self._walrus,
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.ExceptHandler: self._handler,
            ast.MatchAs: self._capture,
            ast.MatchStar: self._capture,
            ast.Global: self._global,
            ast.Nonlocal: self._global,
        }

    def run(self, tree: ast.Module) -> None:
        scope = Scope(self._module, tree, "", None)
        self._module.scope = scope
        self._module.scopes.append(scope)
        self._children(tree, scope, None)

    def _children(self, node: ast.AST, scope: Scope, class_: ProgramClass | None) -> None:
        for name in node._fields:
            value = getattr(node, name, None)
            if value.__class__ is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        item.up = node  # type: ignore[attr-defined]
                        self._visit(item, scope, class_)
            elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
                value.up = node  # type: ignore[attr-defined]
                self._visit(value, scope, class_)

    def _visit(self, node: ast.AST, scope: Scope, class_: ProgramClass | None) -> None:
        kind = node.__class__
        if kind is ast.Name:
            scope.nodes.append(node)
            return
        if kind is ast.Constant:
            return
        if kind is ast.Call:
            scope.calls.append(node)  # type: ignore[arg-type]
        elif kind is ast.FunctionDef or kind is ast.AsyncFunctionDef or kind is ast.Lambda:
            self._function(node, scope, class_)  # type: ignore[arg-type]
            return
        elif kind is ast.ClassDef:
            self._class(node, scope)  # type: ignore[arg-type]
            return
        elif kind in _KEPT_SET:
            scope.nodes.append(node)
        visitor = self._visitors.get(kind)
        if visitor is not None:
            visitor(node, scope, class_)
        self._children(node, scope, class_)

    def _function(self, node: FunctionNode, scope: Scope, class_: ProgramClass | None) -> None:
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        inner = Scope(self._module, node, name, scope, None if isinstance(node, ast.Lambda) else class_)
        scope.inner.append(inner)
        self._module.scopes.append(inner)
        if not isinstance(node, ast.Lambda):
            if class_ is None:
                _bind(scope, name, Binding(Bound.function, node, scope=inner))
            else:
                class_.methods[name] = inner
            outside = [*node.decorator_list, *([node.returns] if node.returns else [])]
        else:
            outside = []
        arguments = node.args
        several = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for argument in (*several, *(it for it in (arguments.vararg, arguments.kwarg) if it)):
            argument.up = node  # type: ignore[attr-defined]
            _bind(inner, argument.arg, Binding(Bound.parameter, argument, annotation=argument.annotation))
            if argument.annotation is not None:
                outside.append(argument.annotation)
        outside += [*arguments.defaults, *(it for it in arguments.kw_defaults if it)]
        for expression in outside:
            expression.up = node  # type: ignore[attr-defined]
            self._visit(expression, scope, None)
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
        for item in body:
            item.up = node  # type: ignore[attr-defined]
            self._visit(item, inner, None)

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        class_ = ProgramClass(self._module, node, scope)
        self._module.classes.append(class_)
        _bind(scope, node.name, Binding(Bound.class_, node, class_=class_))
        for item in (*node.decorator_list, *node.bases, *node.keywords):
            item.up = node  # type: ignore[attr-defined]
            self._visit(item, scope, None)
        for statement in node.body:
            statement.up = node  # type: ignore[attr-defined]
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name)):
                    class_.fields[name] = (statement.annotation, statement.value)
                case ast.Assign(targets=[ast.Name(id=name)]):
                    class_.fields[name] = (None, statement.value)
            self._visit(statement, scope, class_)

    def _assign(self, node: ast.Assign, scope: Scope, class_: ProgramClass | None) -> None:
        if class_ is None:
            for target in node.targets:
                self._store(target, Bound.value, node.value, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope, class_: ProgramClass | None) -> None:
        if class_ is not None:
            return
        if isinstance(node.target, ast.Name):
            how = Bound.declared if node.value is None else Bound.value
            value = node if node.value is None else node.value
            _bind(scope, node.target.id, Binding(how, value, annotation=node.annotation))
        else:
            self._attribute(node.target, node.value, node.annotation, scope)

    def _augmented(self, node: ast.AugAssign, scope: Scope, class_: ProgramClass | None) -> None:
        if class_ is None:
            self._store(node.target, Bound.other, node, scope)

    def _loop(
        self, node: ast.For | ast.AsyncFor | ast.comprehension, scope: Scope, class_: ProgramClass | None
    ) -> None:
        self._store(node.target, Bound.each, node.iter, scope)

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope, class_: ProgramClass | None) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                self._store(item.optional_vars, Bound.entered, item.context_expr, scope)

    def _walrus(self, node: ast.NamedExpr, scope: Scope, class_: ProgramClass | None) -> None:
        self._store(node.target, Bound.value, node.value, scope)

    def _store(self, target: ast.expr, how: Bound, node: ast.AST, scope: Scope, index: int | None = None) -> None:
        if isinstance(target, ast.Name):
            _bind(scope, target.id, Binding(how, node, index))
        elif isinstance(target, ast.Attribute):
            self._attribute(target, node if how is Bound.value and isinstance(node, ast.expr) else None, None, scope)
        elif isinstance(target, ast.Starred):
            self._store(target.value, Bound.other, node, scope)
        elif isinstance(target, ast.Tuple | ast.List):
            inner = Bound.each if how is Bound.each else Bound.part if how is Bound.value else Bound.other
            for place, part in enumerate(target.elts):
                self._store(part, inner, node, scope, place if index is None else -1)

    def _attribute(self, target: ast.expr, value: ast.expr | None, annotation: ast.expr | None, scope: Scope) -> None:
        """Remember what is assigned to an attribute of ``self``."""
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and scope.is_method:
            own = [*scope.arguments.posonlyargs, *scope.arguments.args]
            if own and own[0].arg == target.value.id:
                assert scope.class_ is not None
                scope.class_.attributes.setdefault(target.attr, []).append((scope, value, annotation))

    def _import(self, node: ast.Import, scope: Scope, class_: ProgramClass | None) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            module = alias.name if alias.asname else name
            _bind(scope, name, Binding(Bound.imported, node, module=module))

    def _import_from(self, node: ast.ImportFrom, scope: Scope, class_: ProgramClass | None) -> None:
        for alias in node.names:
            imported = Binding(Bound.imported, node, module=node.module or "", member=alias.name, level=node.level)
            _bind(scope, alias.asname or alias.name, imported)

    def _handler(self, node: ast.ExceptHandler, scope: Scope, class_: ProgramClass | None) -> None:
        if node.name:
            _bind(scope, node.name, Binding(Bound.other, node))

    def _capture(self, node: ast.MatchAs | ast.MatchStar, scope: Scope, class_: ProgramClass | None) -> None:
        if node.name:
            _bind(scope, node.name, Binding(Bound.other, node))

    def _global(self, node: ast.Global | ast.Nonlocal, scope: Scope, class_: ProgramClass | None) -> None:
        scope.globals.update(node.names)


_KEPT_SET = frozenset(_KEPT)


def _bind(scope: Scope, name: str, binding: Binding) -> None:
    """Bind *name* where it belongs: `global` and `nonlocal` send it outwards."""
    if name in scope.globals:
        outer = scope.outer
        while outer is not None and outer.outer is not None and name not in outer.bindings:
            outer = outer.outer
        scope = outer or scope
    scope.bindings.setdefault(name, []).append(binding)

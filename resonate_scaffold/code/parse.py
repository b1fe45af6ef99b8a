"""One file, parsed and walked once: a node knows the node above it, a scope its bindings, calls and statements."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
import warnings
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.code.newer import needed_for, parse_newer
from resonate_scaffold.code.scopes import (
    Binding,
    Bound,
    FunctionNode,
    Module,
    ProgramClass,
    Scope,
    above,
)

_LARGEST = 4 << 20  # bytes; a syntax tree takes a hundred times as much memory
_KEPT = (
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.comprehension,
    ast.Try,
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
_KEPT_SET = frozenset(_KEPT)


def parsed(path: PurePosixPath, content: bytes) -> Module:
    """Read one file."""
    module = Module(path, content.splitlines(), str(path).rpartition("/")[0])
    module.is_test = path.name.startswith("test_") or path.name == "conftest.py" or "tests" in path.parts
    module.uses_resonate = b"resonate" in content and any(
        line.lstrip().startswith((b"from resonate", b"import resonate")) for line in module.lines
    )
    if not content.isascii():
        module.encoding = encoding_of(content)
    tree: ast.Module
    try:
        if len(content) > _LARGEST:
            raise ValueError(f"it has {len(content) >> 20} MB, too much to be read")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the owner's code, and not for who checks it
            tree = _tree(content)
        _Walk(module).run(tree)
    except SyntaxError as error:
        module.error = (error.lineno or 1, _told(error))
    except (RecursionError, MemoryError):
        module.error = (1, "it is nested too deeply to be read")
    except ValueError as error:  # NUL, an encoding that is not there
        module.error = (1, str(error))
    if module.error is not None:
        module.scopes.clear()
        module.classes.clear()
        module.scope = Scope(module, ast.Module([], []), "", None)
    return module


def encoding_of(content: bytes) -> str:
    """The encoding that a file of Python says it has."""
    try:
        return tokenize.detect_encoding(io.BytesIO(content).readline)[0]
    except SyntaxError:  # it is none that Python knows
        return "utf-8"


def _tree(content: bytes) -> ast.Module:
    """The syntax tree of a file; what only a newer Python has is read as its nearest older words."""
    try:
        return ast.parse(content)
    except SyntaxError as error:
        return parse_newer(content, error)


def _told(error: SyntaxError) -> str:
    """What is wrong with the syntax, or which Python has it."""
    needed = needed_for(error.msg)
    if needed is None:
        return error.msg
    return f"it needs Python {needed}, and the tool runs on {sys.version_info.major}.{sys.version_info.minor}"


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
            ast.TypeAlias: self._type_alias,
            ast.MatchAs: self._capture,
            ast.MatchStar: self._capture,
            ast.MatchMapping: self._rest,
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

    def _type_alias(self, node: ast.TypeAlias, scope: Scope, class_: ProgramClass | None) -> None:
        if class_ is None:
            self._store(node.name, Bound.value, node.value, scope)

    def _capture(self, node: ast.MatchAs | ast.MatchStar, scope: Scope, class_: ProgramClass | None) -> None:
        """What a pattern calls something: the whole subject, an instance of a class, or a part that is not known."""
        if not node.name:
            return
        pattern = node.pattern if isinstance(node, ast.MatchAs) else None
        case = above(node) if isinstance(node, ast.MatchAs) else None
        match = above(case) if isinstance(case, ast.match_case) else None
        annotation = pattern.cls if isinstance(pattern, ast.MatchClass) else None
        if isinstance(match, ast.Match) and (pattern is None or annotation is not None):
            binding = Binding(Bound.value, match.subject, annotation=annotation)
        elif annotation is not None:
            binding = Binding(Bound.declared, node, annotation=annotation)
        else:
            binding = Binding(Bound.other, node)
        _bind(scope, node.name, binding)

    def _rest(self, node: ast.MatchMapping, scope: Scope, class_: ProgramClass | None) -> None:
        if node.rest:
            _bind(scope, node.rest, Binding(Bound.other, node))

    def _global(self, node: ast.Global | ast.Nonlocal, scope: Scope, class_: ProgramClass | None) -> None:
        scope.globals.update(node.names)


def _bind(scope: Scope, name: str, binding: Binding) -> None:
    """Bind *name* where it belongs: `global` and `nonlocal` send it outwards."""
    if name in scope.globals:
        binding.inside = scope
        outer = scope.outer
        while outer is not None and outer.outer is not None and name not in outer.bindings:
            outer = outer.outer
        scope = outer or scope
    scope.bindings.setdefault(name, []).append(binding)

"""What the names of one file refer to, and where each is bound."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from resonate_scaffold.edit.text import Text

TESTS = "tests"
_Binder = ast.stmt | ast.expr | ast.pattern | ast.excepthandler
ImportStatement = ast.Import | ast.ImportFrom


class Names(Text):
    """A layer of :class:`~resonate_scaffold.edit.source.Source`."""

    @cached_property
    def _bound(self) -> tuple[tuple[str, _Binder, bool], ...]:
        """Every binding of a name of the module."""
        walrus, functions = b":=" in self.content, b"global" in self.content
        found: list[tuple[str, _Binder, bool]] = []
        for statement in self.tree.body:
            if type(statement) is ast.ImportFrom:  # of which there may be thousands
                found += [(alias.asname or alias.name, statement, True) for alias in statement.names]
            else:
                found += _bindings(statement, walrus=walrus, functions=functions)
        return tuple(found)

    @property
    def module(self) -> str:
        """The file's own module: ``workflows.worker``, ``contracts`` for a package, ``tests.test_x`` for a test."""
        parts = [*self.path.parts[:-1], self.path.stem]
        if parts[0] == self.package:
            del parts[0]
        if parts and parts[-1] == "__init__":
            parts.pop()
        return ".".join(parts)

    def definitions(self) -> Mapping[str, ast.stmt]:
        """The classes, functions, type aliases and (annotated) assignments at module level, by name."""
        found: dict[str, ast.stmt] = {}
        for statement in self.tree.body:
            found.update((name, statement) for name in defined_by(statement))
        return found

    def qualified(self, node: ast.expr) -> str | None:
        """What a name or an attribute refers to, through imports, aliases and own definitions; None where unknown."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        base = self._names.get(node.id) if isinstance(node, ast.Name) else None
        if base is None:
            return None
        return ".".join(filter(None, (base, *reversed(attributes)))) or None

    def mentions(self, key: str, within: str | None = None) -> bool:
        """Whether the code refers to a qualified name, or has it as a string. Imports do not count.

        ``within``: look only into the statements that bind this name.
        """
        last = key.rpartition(".")[2]
        if last.isidentifier() and last.encode() not in self.content:
            return False
        places = range(len(self.tree.body)) if within is None else self._bindings_of(within)
        return any(self._refers(self.tree.body[place], key) for place in places)

    def _bindings_of(self, name: str) -> list[int]:
        """The module's statements in which a name is bound."""
        nodes = {id(node) for bound, node, _ in self._bound if bound == name}
        return [
            place
            for place, statement in enumerate(self.tree.body)
            if name in defined_by(statement) or any(id(node) in nodes for node in ast.walk(statement))
        ]

    def _refers(self, node: ast.AST, key: str) -> bool:
        for child in ast.walk(node):
            match child:
                case ast.Name() | ast.Attribute():
                    if self.qualified(child) == key and isinstance(child.ctx, ast.Load):
                        return True
                case ast.Constant(value=str(text)) if text == key:
                    return True
        return False

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """What the names of the module mean. What stands at module level counts more than what is nested in it."""
        names: dict[str, str] = {}
        nested: dict[str, str] = {}
        for name, node, top in self._bound:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del):
                continue
            meaning = self._meaning(name, node)
            if meaning is not None and top:
                names[name] = meaning
            elif meaning is not None:
                nested.setdefault(name, meaning)
        return {**nested, **names}

    def _meaning(self, name: str, node: _Binder) -> str | None:
        """What a name means that *node* binds: "" is the service's package."""
        if not isinstance(node, ImportStatement):
            return joined(self.module, name)
        for alias in node.names:
            if isinstance(node, ast.Import):
                if (alias.asname or alias.name.partition(".")[0]) == name:
                    return self._absolute(alias.name if alias.asname else name)
            elif (alias.asname or alias.name) == name:
                base = self._base(node)
                return None if base is None else joined(base, alias.name)
        return None

    def _absolute(self, dotted: str) -> str:
        first, _, rest = dotted.partition(".")
        return rest if first == self.package else dotted if first == TESTS else f"!{dotted}"

    def _base(self, node: ast.ImportFrom) -> str | None:
        """The module that names are imported from; None above the top."""
        if not node.level:
            return self._absolute(node.module or "")
        parts = list(self.path.parts[:-1])
        if node.level > len(parts):
            return None
        parts = parts[: len(parts) - node.level + 1] + (node.module or "").split(".")
        if parts[0] == self.package:
            del parts[0]
        return ".".join(filter(None, parts))

    def _expression(self, module: str, name: str | None) -> str | None:
        """How something is written here already."""
        target = module if name is None else joined(module, name)
        ends = {target.rpartition(".")[2].lstrip("!"), module.rpartition(".")[2].lstrip("!")}
        if module and not any(end.encode() in self.content for end in ends):
            return None
        through: str | None = None
        for node in self.tree.body:
            if not isinstance(node, ImportStatement):
                continue
            for alias in node.names:
                if module and alias.name.rpartition(".")[2] not in ends:
                    continue  # what it means ends otherwise; there may be thousands
                dotted = isinstance(node, ast.Import) and alias.asname is None
                local = alias.name.partition(".")[0] if dotted else alias.asname or alias.name
                meaning = self._absolute(alias.name) if dotted else self._meaning(local, node)
                if meaning not in (target, module) or not self._means(local, self._meaning(local, node)):
                    continue
                if meaning == target:
                    return alias.name if dotted else local
                through = through or (alias.name if dotted else local)
        return None if through is None or name is None else f"{through}.{name}"

    def _means(self, local: str, meaning: str | None) -> bool:
        return all(self._meaning(local, node) == meaning for bound, node, _ in self._bound if bound == local)


def _bindings(statement: ast.stmt, *, walrus: bool, functions: bool) -> Iterator[tuple[str, _Binder, bool]]:
    """What a statement of a module binds of the module's names: name, what binds it, whether the statement does itself.

    Args:
        walrus: whether expressions may bind, too.
        functions: whether a function may bind what it declares ``global``.
    """
    stack: list[tuple[ast.AST, bool]] = [(statement, True)]
    while stack:
        node, top = stack.pop()
        inside: list[ast.AST | None] = []
        match node:
            case ast.Import():
                yield from ((alias.asname or alias.name.partition(".")[0], node, top) for alias in node.names)
            case ast.ImportFrom():
                yield from ((alias.asname or alias.name, node, top) for alias in node.names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node, top
                declared = (it for it in ast.walk(node) if functions and isinstance(it, ast.Global))
                yield from ((name, it, False) for it in declared for name in it.names)
            case ast.Lambda():
                pass
            case ast.comprehension(iter=value, ifs=conditions):
                inside += [value, *conditions]
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        yield target.id, node, top
                    else:
                        inside.append(target)
                inside += [value] if walrus else []
            case ast.AnnAssign(target=target, value=value):
                if isinstance(target, ast.Name) and value is not None:
                    yield target.id, node, top
                inside += [value] if walrus else []
            case ast.TypeAlias(name=ast.Name(id=name)):
                yield name, node, top
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name, node, False
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name, node, False
                inside += ast.iter_child_nodes(node)
            case ast.ExceptHandler(name=str(name)):
                yield name, node, False
                inside += ast.iter_child_nodes(node)
            case ast.Expr() if not walrus:
                pass
            case _:
                inside += ast.iter_child_nodes(node)
        stack.extend((child, False) for child in reversed(inside) if child is not None)


def defined_by(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [node.id for target in targets for node in _unpacked(target) if isinstance(node, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.TypeAlias(name=ast.Name(id=name)):
            return [name]
    return []


def _unpacked(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for inner in target.elts:
            yield from _unpacked(inner.value if isinstance(inner, ast.Starred) else inner)
    else:
        yield target


def loaded_names(nodes: Iterable[ast.AST]) -> set[str]:
    return {child.id for node in nodes for child in ast.walk(node) if isinstance(child, ast.Name)}


def joined(module: str, name: str) -> str:
    return f"{module}.{name}" if module else name


def dumped(statements: Iterable[ast.stmt]) -> list[str]:
    return [ast.dump(statement) for statement in statements]

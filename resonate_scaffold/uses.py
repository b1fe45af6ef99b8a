"""Every reference that a file makes to the service's own names: what `survey` knows callers and users from."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from resonate_scaffold.source import Source

_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__name__", "__doc__", "__path__", "__spec__", "__package__"}

# It calls its second argument, a contract, many times.
_FAN_OUT = "runtime.durable.fan_out.fan_out"

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Use:
    """A reference to a qualified name, ``within`` a statement of the module.

    ``how``: it is called (``call``), also by `fan_out`; passed to a call (``argument``); imported (``import``); or
    anything else.
    """

    name: str
    line: int
    how: str
    within: ast.stmt


class Uses:
    """Reads every reference to the service's own names out of one file.

    A function's own variables hide what the module calls the same. Annotations in quotes count as what they say. A
    name that nothing defines (any more) counts as one of the module.
    """

    def __init__(self, source: Source, package: str, module: str | None) -> None:
        self._source = source
        self._package = package
        self._module = module
        self._known: dict[str, str | None] = {}
        self._found: list[Use] = []
        self._stack: list[tuple[ast.AST, tuple[Mapping[str, str | None], ...], str]] = []

    def read(self) -> Sequence[Use]:
        """All uses, in the order of their lines."""
        for statement in self._source.tree.body:
            self._within = statement
            self._stack = [(statement, (), "other")]
            while self._stack:
                self._visit(*self._stack.pop())
        return sorted(self._found, key=lambda use: (use.line, use.name, use.how))

    def _visit(self, node: ast.AST, scopes: tuple[Mapping[str, str | None], ...], how: str) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                for _, _, name in self._imported(node):
                    self._add(name, node.lineno, "import")
            case ast.Name() | ast.Attribute():
                self._chain(node, scopes, how)
            case ast.Call(func=function, args=arguments, keywords=keywords):
                given = [*arguments, *(keyword.value for keyword in keywords)]
                called = given[1] if len(given) > 1 and self._source.qualified(function) == _FAN_OUT else None
                self._push(scopes, "call", [function, called])
                self._push(scopes, "argument", [it for it in given if it is not called])
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                annotations = [arg.annotation for arg in _parameters(node.args)]
                self._push(scopes, "annotation", [*annotations, node.returns])
                self._push(scopes, "other", [*node.decorator_list, *_defaults(node.args), *_bounds(node)])
                self._push((*scopes, self._locals(node.args, node.body)), "other", node.body)
            case ast.Lambda():
                self._push(scopes, "other", _defaults(node.args))
                self._push((*scopes, self._locals(node.args, ())), "other", [node.body])
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                stored = {it.id for loop in node.generators for it in ast.walk(loop.target) if isinstance(it, ast.Name)}
                inner = (*scopes, dict.fromkeys(stored))
                self._push(scopes, "other", [node.generators[0].iter])
                self._push(inner, "other", [loop.iter for loop in node.generators[1:]])
                self._push(inner, "other", [test for loop in node.generators for test in loop.ifs])
                results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
                self._push(inner, "other", results)
            case ast.AnnAssign():
                self._push(scopes, "annotation", [node.annotation])
                self._push(scopes, "other", [node.target, node.value])
            case ast.Constant(value=str(text)) if how == "annotation":
                self._push(scopes, how, [unquoted(text, node.lineno)])
            case ast.Subscript(value=base, slice=inside) if how == "annotation":
                self._push(scopes, "other", [base])
                name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
                items = inside.elts if isinstance(inside, ast.Tuple) else [inside]
                quoted = 0 if name == "Literal" else 1 if name == "Annotated" else len(items)
                self._push(scopes, "annotation", items[:quoted])
                self._push(scopes, "other", items[quoted:])
            case ast.BinOp() | ast.List() | ast.Tuple() if how == "annotation":
                self._push(scopes, "annotation", ast.iter_child_nodes(node))
            case _:
                self._push(scopes, "other", ast.iter_child_nodes(node))

    def _push(self, scopes: tuple[Mapping[str, str | None], ...], how: str, nodes: Iterable[ast.AST | None]) -> None:
        self._stack.extend((node, scopes, how) for node in nodes if node is not None)

    def _chain(self, node: ast.Name | ast.Attribute, scopes: tuple[Mapping[str, str | None], ...], how: str) -> None:
        parts: list[str] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            parts.append(base.attr)
            base = base.value
        if not isinstance(base, ast.Name):
            self._push(scopes, "other", [base])
            return
        if not parts and not isinstance(node.ctx, ast.Load):
            return
        spelled = ".".join([base.id, *reversed(parts)])
        for scope in reversed(scopes):
            if base.id in scope:
                imported = scope[base.id]
                name = None if imported is None else join(imported, spelled.partition(".")[2])
                break
        else:
            name = self._qualified(node, base.id, spelled)
        if name:
            self._add(name, node.lineno, how)

    def _qualified(self, node: ast.expr, root: str, spelled: str) -> str | None:
        if spelled not in self._known:
            name = self._source.qualified(node)
            if name is None and self._module is not None and root not in _BUILTINS:
                name = join(self._module, spelled)
            self._known[spelled] = name
        return self._known[spelled]

    def _add(self, name: str, line: int, how: str) -> None:
        if name and not name.startswith("!"):
            self._found.append(Use(name, line, how, self._within))

    def _locals(self, arguments: ast.arguments, body: Iterable[ast.stmt]) -> Mapping[str, str | None]:
        """The names that belong to a function: None, or what a local import binds."""
        found: dict[str, str | None] = dict.fromkeys(arg.arg for arg in _parameters(arguments))
        outer: set[str] = set()
        waiting: list[ast.AST] = list(body)
        while waiting:
            node = waiting.pop()
            match node:
                case ast.Global(names=names) | ast.Nonlocal(names=names):
                    outer |= set(names)
                case ast.Import() | ast.ImportFrom():
                    found |= {bound: meant for bound, meant, _ in self._imported(node)}
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    found.setdefault(name)
                    continue
                case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                    found.setdefault(name)
                case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                    found.setdefault(name)
                case ast.MatchMapping(rest=str(name)):
                    found.setdefault(name)
                case ast.Lambda():
                    continue
                case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                    continue
            waiting.extend(ast.iter_child_nodes(node))
        return {name: meant for name, meant in found.items() if name not in outer}

    def _imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str, str]]:
        """What an import binds: the name, what it means, and what is imported (`import a.b` binds `a`)."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                name, root = self._own(alias.name), alias.name.partition(".")[0]
                yield (alias.asname, name, name) if alias.asname else (root, self._own(root), name)
            return
        parts = self._source.path.parent.parts
        base = parts[: len(parts) - node.level + 1] if node.level else ()
        origin = self._own(".".join([*base, *([node.module] if node.module else [])]))
        for alias in node.names:
            name = join(origin, alias.name)
            yield alias.asname or alias.name, name, name

    def _own(self, name: str) -> str:
        root, _, rest = name.partition(".")
        return rest if root == self._package else f"!{name}"


def join(module: str, name: str) -> str:
    return f"{module}.{name}" if module and name else module or name


def unquoted(text: str, line: int) -> ast.expr | None:
    """An annotation in quotes as the expression that it says, at the line where it stands."""
    try:
        parsed = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(parsed):
        if isinstance(node, ast.expr):
            node.lineno = line
    return parsed


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    several = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [*several, *(it for it in (arguments.vararg, arguments.kwarg) if it is not None)]


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(it for it in arguments.kw_defaults if it is not None)]


def _bounds(function: _Function) -> list[ast.expr]:
    return [it.bound for it in function.type_params if isinstance(it, ast.TypeVar) and it.bound is not None]

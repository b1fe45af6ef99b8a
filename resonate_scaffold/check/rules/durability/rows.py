"""Rows of an object-relational mapper: what an expression gives that belongs to a session, for RS306."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import ProgramClass, Scope, assigned
from resonate_scaffold.code.values import Class, External, Function, Instance, Thing

# A SQLModel is a model of pydantic as well, and can be written.
_BASES = re.compile(
    r"sqlalchemy\.orm\.(DeclarativeBase|DeclarativeBaseNoMeta|declarative_base|registry\.generate_base)"
    r"|sqlalchemy\.ext\.(declarative|asyncio)\.(declarative_base|AsyncAttrs)|sqlalchemy\.ext\.declarative\.api\.\w+"
    r"|flask_sqlalchemy\.SQLAlchemy\.Model|django\.db\.models\.Model|tortoise\.(models\.)?Model|peewee\.Model"
)
# As dataclasses rows can be written.
_WRITABLE = re.compile(r"sqlalchemy\.orm\.MappedAsDataclass|pydantic\..*|sqlmodel\.SQLModel|msgspec\.Struct")
_BY_KEY = frozenset({"get", "get_one", "merge"})
_LOOKS = frozenset(
    {"scalar", "scalars", "scalar_one", "scalar_one_or_none", "one", "one_or_none", "first", "all", "unique"}
)
_CHAINED = frozenset(
    {"execute", "exec", "where", "filter", "filter_by", "order_by", "limit", "offset", "options", "with_for_update"}
)
_SELECTS = frozenset({"select", "query"})
_DEEPEST = 12


def row(model: Model, node: ast.expr, scope: Scope) -> ProgramClass | None:
    """The class of rows that an expression gives, one or several of them."""
    value = model.evaluate.value(node, scope)
    if isinstance(value, Instance):
        return value.class_ if is_row(model, value.class_) else None
    found = _looked_up(model, node, scope, 0)
    return found if found is not None and is_row(model, found) else None


def is_row(model: Model, class_: ProgramClass) -> bool:
    """Whether instances of a class are rows of a session: no JSON can be made of them."""
    names = list(_bases(model, class_, 0))
    return any(_BASES.fullmatch(it) for it in names) and not any(_WRITABLE.fullmatch(it) for it in names)


def _bases(model: Model, class_: ProgramClass, depth: int) -> Iterator[str]:
    """The names outside that a class extends, through those of the program; what a decorator adds counts too."""
    if class_.node.decorator_list:
        yield "pydantic.dataclasses.dataclass"
    for node in class_.node.bases:
        match model.evaluate.value(node, class_.outer):
            case Class(inner) if depth < 6:
                yield from _bases(model, inner, depth + 1)
            case External(name) | Thing(name):
                yield name


def _looked_up(model: Model, node: ast.expr, scope: Scope, depth: int) -> ProgramClass | None:
    """The class that a query asks for: `session.get(Order, id)`, `(await session.scalars(select(Order))).all()`."""
    if depth > _DEEPEST:
        return None
    match node:
        case ast.Await(value=inner):
            return _looked_up(model, inner, scope, depth + 1)
        case ast.Name(id=name):
            value = assigned(name, scope)
            return _looked_up(model, value, scope, depth + 1) if value is not None else None
        case ast.Call(func=ast.Attribute(attr=method), args=[first, *_]) if method in _BY_KEY:
            known = model.evaluate.value(first, scope)
            return known.class_ if isinstance(known, Instance if method == "merge" else Class) else None
        case ast.Call(func=ast.Attribute(value=holder, attr=method), args=given) if method in _LOOKS | _CHAINED:
            inside = _selected(model, given[0], scope, depth + 1) if given else None
            return inside if inside is not None else _looked_up(model, holder, scope, depth + 1)
        case ast.Call(func=ast.Attribute(attr="query")):
            return _selected(model, node, scope, depth + 1)
        case ast.Call(func=ast.Name(id="list"), args=[inner]):
            return _looked_up(model, inner, scope, depth + 1)
        case ast.Call():
            return _returned(model, node, scope, depth)
    return None


def _returned(model: Model, call: ast.Call, scope: Scope, depth: int) -> ProgramClass | None:
    """The class of what a function of the program says that it gives, or looks up."""
    function = model.evaluate.value(call.func, scope)
    if not isinstance(function, Function) or function.scope.decorators:
        return None
    called = function.scope
    declared = model.evaluate.annotated(called.returns, called.outer or called)
    if isinstance(declared, Instance):
        return declared.class_
    returned = [it.value for it in called.found(ast.Return) if it.value is not None]
    return _looked_up(model, returned[0], called, depth + 1) if len(returned) == 1 and declared is None else None


def _selected(model: Model, node: ast.expr, scope: Scope, depth: int) -> ProgramClass | None:
    """The class of `select(Order)`, whatever narrows it."""
    if depth > _DEEPEST:
        return None
    match node:
        case ast.Name(id=name):
            value = assigned(name, scope)
            return _selected(model, value, scope, depth + 1) if value is not None else None
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=[only]) if called in _SELECTS:
            known = model.evaluate.value(only, scope)
            return known.class_ if isinstance(known, Class) else None
        case ast.Call(func=ast.Attribute(value=holder, attr=method)) if method in _CHAINED:
            return _selected(model, holder, scope, depth + 1)
    return None

"""What an expression may be known to be. Whatever is not known is ``None``: nobody guesses."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from resonate_scaffold.code.scopes import Module, ProgramClass, Scope


@dataclass(frozen=True, slots=True)
class External:
    """A name outside of the program: ``time.time``, ``resonate.resonate.Resonate``; a builtin is ``builtins.open``."""

    name: str


@dataclass(frozen=True, slots=True)
class Thing:
    """An instance of an external class, or what an external function gave."""

    of: str


@dataclass(frozen=True, slots=True)
class ModuleOf:
    """A module of the program."""

    module: Module


@dataclass(frozen=True, slots=True)
class Package:
    """A directory of the program, without an ``__init__``."""

    path: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function or a method of the program; of a method ``owner`` is the instance."""

    scope: Scope
    owner: Instance | None = None
    partial: bool = False
    """Some of its arguments are given already."""


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the program."""

    class_: ProgramClass


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of one; ``call`` made it, where that is known, in ``scope``."""

    class_: ProgramClass
    call: ast.Call | None = None
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal: text, number, truth value, None, bytes."""

    value: object


@dataclass(frozen=True, slots=True)
class Text:
    """Text of which parts are known; the others are None."""

    parts: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """A literal of several; of a dictionary ``node`` has keys and values. Or what is known to be of that ``kind``."""

    kind: str
    node: ast.expr | None = None
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any of these."""

    options: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """What `options` was given; ``node`` is that call. Without one all is as it is by default."""

    target: ast.expr | None = None
    timeout: ast.expr | None = None
    version: ast.expr | None = None
    node: ast.Call | None = None
    scope: Scope | None = None

    @property
    def hide(self) -> bool:
        """Whether some of them come as `**options`, which is not read."""
        return self.node is not None and any(it.arg is None for it in self.node.keywords)


@dataclass(frozen=True, slots=True)
class Context:
    """The Context of a durable function, which has it as its parameter."""

    scope: Scope
    options: Options = Options()


@dataclass(frozen=True, slots=True)
class Client:
    """A `Resonate`; ``node`` makes it in ``scope``, where that is known."""

    node: ast.Call | None = None
    scope: Scope | None = None
    options: Options = Options()


@dataclass(frozen=True, slots=True)
class Method:
    """An attribute of a context, a client, or of what a client has: ``promises.create``."""

    of: Context | Client
    name: str


@dataclass(frozen=True, slots=True)
class Future:
    """What a durable call gave: in a workflow a future, outside a handle."""

    call: ast.Call
    method: Method | Instance
    scope: Scope | None = None


type Value = (
    External
    | Thing
    | ModuleOf
    | Package
    | Function
    | Class
    | Instance
    | Constant
    | Text
    | Collection
    | OneOf
    | Context
    | Client
    | Method
    | Future
)

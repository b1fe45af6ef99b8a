"""What the nouns with a contract share: its models and its `Rpc`, its name, its examples."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import CannotEdit, InvalidName, Taken, Unknown, UsageError
from resonate_scaffold.fields import Field, Shape, closest, parse_fields
from resonate_scaffold.generators.growth import Bind, Growth, at, root_kinds
from resonate_scaffold.layout import Code, Item
from resonate_scaffold.names import Name
from resonate_scaffold.shapes import Example, Import, annotation, same_values
from resonate_scaffold.survey import Contract
from resonate_scaffold.templates import render_add

MAX_LENGTH = 34
"""A root id is at most 190 characters: a kind, a caller's name and a key of 120."""

# Names that mean something else in the code that is generated around what is added: classes, what modules import, and
# what functions call things. (`create` refuses whatever else would clash, less helpfully.)
_RESERVED = frozenset(
    {"Accepted", "Any", "APIRouter", "Ask", "AwareDatetime", "BaseModel", "Call", "ConfigDict", "Context", "Database"}
    | {"Engine", "Failure", "Gate", "Operation", "Outcome", "Progress", "Request", "Response", "Rpc", "Schedule"}
    | {"Served", "Service", "Settings", "Start", "Status"}
    | {"accepted", "again", "answer", "api", "app", "ask", "asked", "asked_for", "at_once", "await_end", "body", "call"}
    | {"caller", "caller_of", "contracts", "ctx", "date", "datetime", "deliver", "effect", "ended", "engine", "first"}
    | {"func", "gate", "given", "group", "holds", "ids", "keyed", "location", "made", "name", "not_found", "once"}
    | {
        "other",
        "owned",
        "parse",
        "patience",
        "poll",
        "problem",
        "public",
        "quote",
        "read_now",
        "record",
        "refused",
        "request",
    }
    | {"response", "result", "root", "router", "rpc", "run", "same", "sent", "serve", "service", "session", "settled"}
    | {"start", "started", "submission_of", "timedelta", "unknown", "wait", "waiting", "wanted", "wrapped"}
    | {"i", "l", "o"}  # which read as figures
    | set(dir(builtins))
)


@dataclass(frozen=True, slots=True)
class New:
    """A contract that is being added. ``module`` is where it stands: ``contracts.db``."""

    name: Name
    durable: str
    group: str
    module: str
    takes: tuple[Field, ...]
    returns: tuple[Field, ...]

    @property
    def variable(self) -> str:
        return self.name.snake

    @property
    def request(self) -> str:
        """The request model's qualified name."""
        return f"{self.module}.{self.name.pascal}"

    @property
    def result(self) -> str:
        """The result model's qualified name."""
        return f"{self.module}.{self.name.pascal}Result"

    @property
    def imports(self) -> tuple[Import, ...]:
        """What code that names all three imports."""
        return (*self.models, (self.module, self.variable))

    @property
    def models(self) -> tuple[Import, ...]:
        """What code that names both models imports."""
        return (self.module, self.name.pascal), (self.module, f"{self.name.pascal}Result")


def noun(text: str, suffix: str) -> Name:
    """The name of something to add; ``suffix`` makes a refused name a good one (``email-workflow``).

    Raises:
        InvalidName: it would not do as a module, a class or a durable name.
    """
    name = Name.parse(text, suffix)
    if name.snake in _RESERVED or name.pascal in _RESERVED:
        raise InvalidName(f'"{text}" means something else in the code of a service', f"{text}-{suffix}")
    if len(text) > MAX_LENGTH:
        raise InvalidName(
            f'"{text}" has {len(text)} characters, the limit is {MAX_LENGTH}', text[:MAX_LENGTH].rstrip("-_")
        )
    return name


def fields(growth: Growth, takes: Sequence[str], returns: Sequence[str]) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """The fields of ``--takes`` and ``--returns``."""
    resolve = growth.types.resolve
    return parse_fields(list(takes), "--takes", resolve), parse_fields(list(returns), "--returns", resolve)


def check_free(growth: Growth, durable: str) -> None:
    """Refuse a durable name that the service knows already, or by which its ids begin."""
    kinds = root_kinds(growth)
    for contract in growth.survey.contracts:
        if contract.durable == durable:
            raise Taken(f"{durable} is there already ({at(contract.place)})", "Choose another name.")
    if durable in kinds:
        raise Taken(f"Ids that begin with {durable}/ are there already ({kinds[durable]})", "Choose another name.")


def is_certain(growth: Growth, durable: str, callers: tuple[str, ...] = ()) -> bool:
    """Whether a durable function is known to answer an example: it is as it was added, and so is what it calls.

    One that calls itself, through others, never answers.
    """
    project = growth.project
    if durable in callers:
        return False
    for added in project.manifest.adds:
        if (_DURABLE.get(added.kind) or (lambda name: ""))(added.name) == durable:
            functions = [path for path in map(PurePosixPath, added.files) if _is_function(project.package, path)]
            untouched = all(path in project.files and not project.is_edited(path) for path in functions)
            calls = added.options.get("calls", [])
            known = isinstance(calls, list) and all(is_certain(growth, one, (*callers, durable)) for one in calls)
            return untouched and known
    return False


_DURABLE: Mapping[str, Callable[[str], str]] = {
    "workflow": str,
    "db-function": lambda name: f"db.{name.replace('-', '_')}",
    "rpc": str,
}


def _is_function(package: str, path: PurePosixPath) -> bool:
    return path.parts[0] == package and path.parts[1:2] != ("contracts",)


def declare(growth: Growth, new: New, *, timeout_days: int | None = None, wire: str = "") -> None:
    """Append the models and the `Rpc` of *new* to its contracts file.

    ``wire`` is text for the request's docstring (the wire shape, for what others serve).
    """
    check_free(growth, new.durable)
    for item in (*new.takes, *new.returns):
        for shape in item.shape.walk():
            if shape.kind in ("model", "alias"):
                _check_no_cycle(growth, new.module, shape.name.rpartition(".")[0])

    def write(bind: Bind) -> str:
        context = {
            "durable": new.durable,
            "group": new.group,
            "variable": new.variable,
            "request": new.name.pascal,
            "result": f"{new.name.pascal}Result",
            "takes": list(declared(new.takes, bind)),
            "returns": list(declared(new.returns, bind)),
            "base": bind("!pydantic", "BaseModel"),
            "rpc": bind("rpc", "Rpc"),
            "timeout": timeout_days and f"{bind('!datetime', 'timedelta')}(days={timeout_days})",
            "wire": wire,
        }
        return render_add("contract.py", context)

    names = [new.name.pascal, f"{new.name.pascal}Result", new.variable]
    growth.append(growth.module(new.module), names, write)


def module_of(group: str) -> bytes:
    """A contracts file without any."""
    text = f"What group `{group}` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."
    return f"{layout.docstring(text)}\n".encode()


def declared(items: Iterable[Field], bind: Bind) -> Iterable[str]:
    """Fields as lines of a class body."""
    for item in items:
        line = f"{item.name}: {annotation(item.shape, bind)}{' = None' if item.optional else ''}"
        if len(line) + 4 > layout.WIDTH:
            hint = "Name it in the contracts, and use that name."
            raise UsageError(f"The type of {item.name} is too long for a line", hint)
        yield line


def request_example(growth: Growth, qualified: str, items: Sequence[Field]) -> Example:
    """An example of a request, for a test.

    Raises:
        UsageError: no value is known that fits.
    """
    example = growth.types.example_of(qualified, items)
    if example is None:
        wanted = [item for item in items if not item.optional and growth.types.example(item.shape) is None]
        raise no_example(wanted[0].name, wanted[0].shape)
    return example


def other_body(growth: Growth, items: Iterable[Field], except_for: Collection[str] = ()) -> str:
    """The statement of `OTHER`, `BODY` with one field of another value; "" where no such value is known."""
    for item in items:
        if item.optional or item.name in except_for:
            continue
        example, other = growth.types.example(item.shape), growth.types.example(item.shape, other=True)
        if example is not None and other is not None and other.json != example.json:
            changed = [Item("BODY", "**"), Item(layout.value(other.json), f"{layout.text(item.name)}: ")]
            return statement(layout.group("{", changed, "}"), indent=0, before="OTHER = ")
    return ""


def no_example(name: str, shape: Shape) -> UsageError:
    """The refusal where no value is known."""
    return UsageError(
        f"No example of {name} ({shape.spelled}) is known, which its test needs",
        "Give the field a default, or an example: Field(examples=[…]).",
    )


def find(growth: Growth, durable: str, option: str) -> Contract:
    """The contract with a durable name.

    Raises:
        Unknown: there is none.
    """
    found = [contract for contract in growth.survey.contracts if contract.durable == durable]
    if not found:
        known = [contract.durable for contract in growth.survey.contracts]
        raise Unknown(f"{option} {durable}: no contract has this name", closest(durable, known))
    return max(found, key=lambda contract: contract.version)


def models_of(contract: Contract) -> tuple[str, str]:
    """The qualified names of a contract's request and result.

    Raises:
        Unknown: they cannot be read from the code.
    """
    if contract.request is None or contract.result is None:
        raise Unknown(
            f"The models of {contract.durable} cannot be read ({at(contract.place)})",
            "Write request= and result= as names of models.",
        )
    return contract.request, contract.result


def filled(
    needed: Sequence[Field], known: Mapping[str, tuple[str, Shape]], growth: Growth, imports: list[Import]
) -> tuple[list[Item], list[str]]:
    """Arguments for a model: from what is *known* by name (expression and shape), else an example.

    Returns the arguments and the names of those that are examples.
    """
    items: list[Item] = []
    invented: list[str] = []
    run = 0  # of examples, one after the other: they share a comment
    for item in needed:
        expression, shape = known.get(item.name, ("", None))
        if shape is not None and growth.types.fits(shape, item.shape):
            items.append(Item(expression, f"{item.name}="))
            run = 0
        elif not item.optional:
            example = growth.types.example(item.shape)
            if example is None:
                raise no_example(item.name, item.shape)
            imports += example.imports
            items.append(Item(example.code, f"{item.name}="))
            invented.append(item.name)
            if shape is not None and same_values(shape, item.shape):
                items[-1] = replace(items[-1], comment=f"An example: {expression} may break a constraint.")
                run = 0
            else:
                run += 1
                items[-run] = replace(items[-run], comment=_INVENTED if run == 1 else _ALL_INVENTED)
    return items, invented


_INVENTED = "An example: nothing here has this name and type."
_ALL_INVENTED = "Examples: nothing here has these names and types."


def statement(code: Code, *, indent: int = 4, before: str = "") -> str:
    """A statement of a function's body, laid out."""
    return f"{' ' * indent}{before}{layout.render(code, indent=indent, before=before)}"


def definition(function: str, parameters: Sequence[str], result: str) -> str:
    """The first line, or lines, of an async function."""
    return layout.render(layout.group(f"async def {function}(", parameters, f") -> {result}:"))


def _check_no_cycle(growth: Growth, module: str, needed: str) -> None:
    """Contracts import each other, so two must not need one another."""
    seen: set[str] = set()
    waiting = [] if needed == module else [needed]
    while waiting:
        current = waiting.pop()
        if current == module:
            raise CannotEdit(
                f"{growth.module(needed)} imports {growth.module(module)}, so that cannot import it",
                "Move the model into a contracts file of its own, which both may import.",
            )
        if current not in seen and growth.module(current) in growth.project.files:
            seen.add(current)
            waiting += _imported_contracts(growth, growth.module(current))


def _imported_contracts(growth: Growth, path: PurePosixPath) -> Iterator[str]:
    """The contracts modules that one of them imports."""
    for node in ast.walk(growth.survey.source(path).tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        module = (node.module or "").removeprefix(f"{growth.project.package}.").removeprefix("contracts").lstrip(".")
        if node.level in (0, 2) and "contracts" not in (node.module or ""):
            continue  # of another part, or from outside
        yield from [f"contracts.{module}"] if module else (f"contracts.{alias.name}" for alias in node.names)


def options(**values: Any) -> dict[str, Any]:
    """Options as they are recorded: fields as they are typed."""
    return {
        key: [item.spelled for item in value]
        if value and isinstance(value, tuple) and isinstance(value[0], Field)
        else list(value)
        if isinstance(value, tuple)
        else value
        for key, value in values.items()
    }

"""What the nouns with a contract share: its module, its models and its `Rpc`, its name, its examples."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import InvalidName, Taken, Unknown, UsageError
from resonate_scaffold.fields import Field, Shape, closest, parse_fields
from resonate_scaffold.generators.addition import Addition, Imports, at, check_kind
from resonate_scaffold.layout import Code, Item
from resonate_scaffold.names import Name
from resonate_scaffold.service.service import Contract
from resonate_scaffold.shapes import Example, Import, annotation, same_values

GROUP_OF_WORKFLOWS = "workers"

MAX_LENGTH = 34
"""A root id is at most 190 characters: a kind, a caller's name and a key of 120."""

# Names that mean something else in the code that is generated around what is added: classes, what modules import, and
# what functions call things. (`create` refuses whatever else would clash, less helpfully.)
_SPOKEN_FOR = """
    Accepted Any APIRouter Ask AsyncSession AuthenticatedRoute AwareDatetime BaseModel CallFunction ClientDep ConfigDict
    Context Crashes Database Failure Gate Operation Outcome Progress Registration Request Response Rpc RunningService
    Schedule Service Settings Signed StartService Status
    accept again answer api app ask asked body call call_id caller client conftest contract contracts crashes ctx date
    datetime decimal definition deliver effect ended fakes first func gate get_caller get_submission given group holds
    ids is_visible job_id keyed location made missing name not_found once operation_id other outcome owned parse
    patience poll problem public public_id public_of quote read record refused request response result root root_id
    router routers run runtime sent serve service session settings settled shared signed start started submission
    timedelta unknown urllib uuid wait waiting wanted workflows
    i l o
"""
_RESERVED = frozenset(_SPOKEN_FOR.split()) | frozenset(dir(builtins))


@dataclass(frozen=True, slots=True)
class New:
    """A contract that is being added. ``module`` is its own: ``contracts.db.save_result``.

    ``raises`` are the classes of its failures.
    """

    name: Name
    durable: str
    group: str
    module: str
    takes: tuple[Field, ...]
    returns: tuple[Field, ...]
    version: int = 1
    raises: tuple[Import, ...] = ()

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


def fields(
    addition: Addition, takes: Sequence[str], returns: Sequence[str]
) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """The fields of ``--takes`` and ``--returns``."""
    resolve = addition.types.resolve
    return parse_fields(list(takes), "--takes", resolve), parse_fields(list(returns), "--returns", resolve)


def check_free(addition: Addition, durable: str, group: str) -> None:
    """Refuse a durable name that the service knows already, or by which its ids begin."""
    for contract in addition.service.contracts_spelling(durable.rpartition(".")[2]):
        if contract.durable == durable and contract.group == group:
            raise Taken(f"{durable} is there already ({at(contract.place)})", "Choose another name.")
        if contract.durable == durable:
            raise Taken(
                f"{durable} is there already, of group {contract.group} ({at(contract.place)})",
                "Rename one of the two: in development one process serves all groups, and tells functions by name.",
            )
    check_kind(addition, durable)


def is_certain(addition: Addition, contract: Contract, callers: tuple[str, ...] = ()) -> bool:
    """Whether a durable function is known to answer an example: it is as it was added, and so is what it calls.

    One that calls itself, through others, never answers.
    """
    project = addition.project
    kinds = {GROUP_OF_WORKFLOWS: ("workflow", contract.durable), "db": ("db-function", contract.variable)}
    kind, name = kinds.get(contract.group, ("rpc", contract.target))
    added = project.find_add(kind, name.replace("_", "-") if kind == "db-function" else name)
    if added is None or contract.durable in callers:
        return False
    made = {PurePosixPath(path): known for path, known in added.files.items()}
    functions = {path: known for path, known in made.items() if _is_function(project.package, path)}
    untouched = all(path in project.files and not project.is_changed(path, functions[path]) for path in functions)
    calls = added.options.get("calls", [])
    return untouched and all(
        (found := named(addition, one)) is not None and is_certain(addition, found, (*callers, contract.durable))
        for one in calls
    )


def _is_function(package: str, path: PurePosixPath) -> bool:
    return path.parts[0] == package and path.parts[1:2] != ("contracts",)


def declare(addition: Addition, new: New, summary: str, *, timeout_days: int | None = None, wire: str = "") -> None:
    """Make the module of a contract: its models and its `Rpc`.

    ``summary`` is the module's docstring; ``wire`` is text for the request's (the wire shape, for what others serve).
    """
    check_free(addition, new.durable, new.group)
    models = [new.name.pascal, f"{new.name.pascal}Result"]
    imports = Imports([*models, new.variable])
    imports.names("!pydantic", "BaseModel")
    imports.names("runtime.durable.rpc", "Rpc")
    imports.add(new.raises)
    if timeout_days:
        imports.names("!datetime", "timedelta")
    context = {
        "summary": layout.docstring(summary),
        "durable": new.durable,
        "group": new.group,
        "variable": new.variable,
        "request": models[0],
        "result": models[1],
        "takes": list(declared(new.takes, imports)),
        "returns": list(declared(new.returns, imports)),
        "timeout": timeout_days and f"timedelta(days={timeout_days})",
        "wire": wire,
        "version": new.version,
        "raises": [name for _, name in new.raises],
    }
    addition.create("contract.py", addition.module(new.module), context, imports)


def package_of(group: str) -> bytes:
    """The `__init__.py` of a group's contracts."""
    return f"{layout.docstring(f'What group `{group}` serves.')}\n".encode()


def declared(items: Iterable[Field], imports: Imports) -> Iterable[str]:
    """Fields as lines of a class body."""
    for item in items:
        yield f"{item.name}: {annotation(item.shape, imports)}{' = None' if item.optional else ''}"


def request_example(addition: Addition, qualified: str, items: Sequence[Field]) -> Example:
    """An example of a request, for a test.

    Raises:
        UsageError: no value is known that fits.
    """
    example = addition.types.example_of(qualified, items)
    if example is None:
        wanted = [item for item in items if not item.optional and addition.types.example(item.shape) is None]
        raise no_example(wanted[0].name, wanted[0].shape)
    return example


def other_body(addition: Addition, items: Iterable[Field], except_for: Collection[str] = ()) -> str:
    """The statement of `OTHER`, `BODY` with one field of another value; "" where no such value is known."""
    for item in items:
        if item.optional or item.name in except_for:
            continue
        example, other = addition.types.example(item.shape), addition.types.example(item.shape, other=True)
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


def named(addition: Addition, text: str) -> Contract | None:
    """The contract with a durable name, or with a target such as `payments.workers.charge`; its latest version."""
    near = addition.service.contracts_spelling(text.rpartition(".")[2])
    found = [contract for contract in near if text in (contract.durable, contract.target)]
    return max(found, key=lambda contract: contract.version, default=None)


def find(addition: Addition, text: str, option: str) -> Contract:
    """The contract with a name, as :func:`named` finds it.

    Raises:
        Unknown: there is none.
    """
    contract = named(addition, text)
    if contract is None:
        known = [contract.durable for contract in addition.service.contracts]
        raise Unknown(f"{option} {text}: no contract has this name", closest(text, known))
    return contract


def find_workflow(addition: Addition, text: str) -> Contract:
    """The workflow with a name.

    Raises:
        Unknown: there is none.
        UsageError: it is another group's function.
    """
    contract = find(addition, text, "--workflow")
    if contract.group != GROUP_OF_WORKFLOWS:
        known = [item.durable for item in addition.service.contracts if item.group == GROUP_OF_WORKFLOWS]
        raise UsageError(f"{text} is a function of group {contract.group}, not a workflow", closest("", known))
    return contract


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
    needed: Sequence[Field], known: Mapping[str, tuple[str, Shape]], addition: Addition, imports: Imports
) -> tuple[list[Item], list[str]]:
    """Arguments for a model: from what is *known* by name (expression and shape), else an example.

    Returns the arguments and the names of those that are examples.
    """
    items: list[Item] = []
    invented: list[str] = []
    run = 0  # of examples, one after the other: they share a comment
    for item in needed:
        expression, shape = known.get(item.name, ("", None))
        if shape is not None and addition.types.fits(shape, item.shape):
            items.append(Item(expression, f"{item.name}="))
            run = 0
        elif not item.optional:
            example = addition.types.example(item.shape)
            if example is None:
                raise no_example(item.name, item.shape)
            imports.add(example.imports)
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
    """A statement of a function's body."""
    return f"{' ' * indent}{before}{layout.render(code)}"


def definition(function: str, parameters: Sequence[str], result: str) -> str:
    """The first line of an async function."""
    return f"async def {function}({', '.join(parameters)}) -> {result}:"


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

"""What the nouns with a contract share: its module, its models and its `Rpc`, its name, its examples."""

from __future__ import annotations

import builtins
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import InvalidName, Taken, Unknown, UsageError, plain, quoted
from resonate_scaffold.fields import Field, closest, parse_fields
from resonate_scaffold.generators.addition import Addition, Imports, at, check_kind
from resonate_scaffold.generators.wiring import RESULT, Known, Open, Source
from resonate_scaffold.layout import Code, Item
from resonate_scaffold.names import Name, Noun
from resonate_scaffold.service.things import Contract
from resonate_scaffold.shape import Shape
from resonate_scaffold.shapes import declaration
from resonate_scaffold.values import Example, Import

GROUP_OF_WORKFLOWS = "workers"

MAX_LENGTH = 34
"""A root id is at most 190 characters: a kind, a caller's name and a key of 120."""

# What the code that is generated around what is added calls something else: classes, what modules import, and what
# functions call things.
_SPOKEN_FOR = """
    Accepted Annotated Any APIRouter Ask AsyncSession AuthenticatedRoute AwareDatetime BaseModel CallFunction
    ClientDep ConfigDict Context Crashes Database Decimal Failure Field Gate Literal Operation Outcome Progress
    Registration Request Response Rpc RunningService Schedule Service Settings Signed StartService Status UUID accept
    again answer api app ask asked body call call_id caller client conftest contract contracts crashes ctx date
    datetime decimal definition deliver effect ended fakes first func gate get_caller get_submission given group holds
    ids is_visible job_id keyed made missing not_found once operation_id other outcome owned parse patience poll
    problem public public_id public_of read refused request response result root root_id router routers run runtime
    select sent serve service session settings settled shared signed start started submission time timedelta unknown
    urllib uuid wait waiting wanted workflows
    i l o
"""
TAKEN = frozenset(_SPOKEN_FOR.split()) | frozenset(dir(builtins))

_OURS = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_THEIRS = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class New:
    """A contract that is being added. ``module`` is its own: ``contracts.db.save_result``.

    ``raises`` are the classes of its failures.
    """

    name: Noun
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
        return f"{self.module}.{self.name.model}"

    @property
    def result(self) -> str:
        """The result model's qualified name."""
        return f"{self.module}.{self.name.pascal}Result"

    @property
    def models(self) -> tuple[Import, ...]:
        """What code that names both models imports."""
        return (self.module, self.name.model), (self.module, f"{self.name.pascal}Result")


def noun(text: str, suffix: str) -> Noun:
    """The name of something to add; ``suffix`` makes a refused name a good one (``order-workflow``).

    Raises:
        InvalidName: it would not do as a module, a class or a durable name.
    """
    if not _OURS.fullmatch(text):
        why = "is no name of lower-case letters, digits and -" if text else "is not a name"
        raise InvalidName(f"{quoted(text)} {why}", _suggested(text, suffix))
    if len(text) > MAX_LENGTH:
        raise InvalidName(
            f'"{text}" has {len(text)} characters, the limit is {MAX_LENGTH}', text[:MAX_LENGTH].rstrip("-_")
        )
    return Noun(text, TAKEN)


def package(text: str, suffix: str) -> Noun:
    """The name of something that is a package and a process of this service.

    Raises:
        InvalidName: a noun would not do, or means something else in a service or to Python.
    """
    name = noun(text, suffix)
    Name.parse(text, suffix)
    if name.snake in TAKEN or name.snake.endswith("_") or name.pascal in TAKEN:
        raise InvalidName(f'"{text}" means something else in the code of a service', f"{text}-{suffix}")
    return name


def theirs(text: str, suffix: str) -> Noun:
    """The name that another team gave: any that the engine takes.

    Raises:
        InvalidName: it has other characters.
    """
    if not _THEIRS.fullmatch(text):
        raise InvalidName(f"{quoted(text)} is no name of letters, digits, - and _", _suggested(text, suffix))
    return Noun(text, TAKEN)


def _suggested(text: str, suffix: str) -> str:
    """A name that resembles a text."""
    latin = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    name = re.sub(r"^[0-9-]+", "", Noun(latin).kebab)[:MAX_LENGTH].rstrip("-")
    return name or f"my-{suffix}"


def fields(
    addition: Addition, takes: Sequence[str], returns: Sequence[str]
) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """The fields of ``--takes`` and ``--returns``."""
    resolve = addition.types.resolve
    found = parse_fields(list(takes), "--takes", resolve), parse_fields(list(returns), "--returns", resolve)
    note_wire_names(addition, *found)
    return found


def note_wire_names(addition: Addition, *several: Iterable[Field]) -> None:
    """Tell what Python calls the fields whose names on the wire it cannot have."""
    for item in (item for items in several for item in items):
        note = f"{plain(item.wire)} is {item.name} in Python"
        if item.has_alias and note not in addition.notes:
            addition.notes.append(note)


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
    check_kind(addition, durable, is_of_work=False)


def is_certain(addition: Addition, contract: Contract, callers: tuple[str, ...] = ()) -> bool:
    """Whether a durable function is known to answer an example: it is as it was added, and so is what it calls.

    One that calls itself, through others, never answers.
    """
    project = addition.project
    # A workflow that was renamed keeps its durable name; its record goes by the new one.
    kinds = {
        GROUP_OF_WORKFLOWS: ("workflow", contract.variable.removesuffix("_").replace("_", "-")),
        "db": ("db-function", name_of_db(contract)),
    }
    kind, name = kinds.get(contract.group, ("rpc", contract.target))
    added = project.find_add(kind, name)
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


def name_of_db(contract: Contract) -> str:
    """What a db function was added as: ``reserve-stock`` for ``db.reserve_stock``."""
    return contract.durable.rpartition(".")[2].replace("_", "-")


def _is_function(package: str, path: PurePosixPath) -> bool:
    return path.parts[0] == package and path.parts[1:2] != ("contracts",)


def declare(addition: Addition, new: New, summary: str, *, wire: str = "") -> None:
    """Make the module of a contract: its models and its `Rpc`.

    ``summary`` is the module's docstring; ``wire`` is text for the request's (the wire shape, for what others serve).
    """
    check_free(addition, new.durable, new.group)
    models = [new.name.model, f"{new.name.pascal}Result"]
    imports = Imports([*models, new.variable, *(item.name for item in (*new.takes, *new.returns))])
    imports.names("!pydantic", "BaseModel")
    imports.names("runtime.durable.rpc", "Rpc")
    imports.add(new.raises)
    if new.group == GROUP_OF_WORKFLOWS:
        imports.names("runtime.durable.rpc", "JOB_TIMEOUT")
    context = {
        "summary": layout.docstring(summary),
        "durable": new.durable,
        "group": new.group,
        "variable": new.variable,
        "request": models[0],
        "result": models[1],
        "takes": declared(new.takes, imports),
        "returns": declared(new.returns, imports),
        "timeout": "JOB_TIMEOUT" if new.group == GROUP_OF_WORKFLOWS else "",
        "wire": wire,
        "version": new.version,
        "raises": [name for _, name in new.raises],
    }
    addition.create("contract.py", addition.module(new.module), context, imports)


def package_of(group: str) -> bytes:
    """The `__init__.py` of a group's contracts."""
    return f"{layout.docstring(f'What group `{group}` serves.')}\n".encode()


def declared(items: Sequence[Field], imports: Imports) -> list[str]:
    """Fields as lines of a class body; names on the wire that are not those of Python come with what they need."""
    lines = []
    if any(item.has_alias for item in items):
        config = imports("!pydantic", "ConfigDict")
        lines += [f"model_config = {config}(validate_by_name=True, serialize_by_alias=True)", ""]
    for item in items:
        lines.append(declaration(item, imports))
    return lines


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
            changed = [Item("BODY", "**"), Item(layout.value(other.json), f"{layout.text(item.wire)}: ")]
            return statement(layout.group("{", changed, "}"), indent=0, before="OTHER = ")
    return ""


def example(addition: Addition, field: Field) -> Example:
    """An example of a field, for a test.

    Raises:
        UsageError: no value is known that fits.
    """
    found = addition.types.example(field.shape)
    if found is None:
        raise no_example(field.name, field.shape)
    return found


def no_example(name: str, shape: Shape) -> UsageError:
    """The refusal where no value is known."""
    return UsageError(
        f"No example of {name} ({shape.spelled}) is known, which its test needs",
        "Give the field a default, or an example: Field(examples=[…]).",
    )


def named(addition: Addition, text: str) -> Contract | None:
    """The contract with a durable name, or with a target such as `payments.workers.charge`; its latest version.

    Where none has the name to the letter, ``-`` and ``_`` are the same.
    """
    last = text.rpartition(".")[2]
    spellings = dict.fromkeys((last, last.replace("_", "-"), last.replace("-", "_")))
    near = [contract for spelling in spellings for contract in addition.service.contracts_spelling(spelling)]
    exact = [contract for contract in near if text in (contract.durable, contract.target)]
    folded = text.replace("_", "-")
    found = exact or [it for it in near if folded in (it.durable.replace("_", "-"), it.target.replace("_", "-"))]
    return max(found, key=lambda contract: contract.version, default=None)


def find(addition: Addition, text: str, option: str) -> Contract:
    """The contract with a name, as :func:`named` finds it.

    Raises:
        Unknown: there is none.
    """
    contract = named(addition, text)
    if contract is None:
        name = text.rpartition(".")[2].replace("-", "_")
        if any(query.name == name for query in addition.service.queries):
            what = f"{option} {text}: {name} is a query, which only the API calls"
            raise Unknown(what, "A workflow reads by a durable function: add db-function NAME --read-only")
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


@dataclass(frozen=True, slots=True)
class Filled:
    """Arguments for a model. ``invented`` are the names of those that are examples, since nothing has their name and
    type; ``open``, by name, what those could be that nobody decided.
    """

    items: tuple[Item, ...]
    invented: tuple[str, ...]
    open: Mapping[str, Open]


def filled(
    needed: Sequence[Field], known: Known, addition: Addition, imports: Imports, call: str = RESULT, spelled: str = ""
) -> Filled:
    """Arguments for a model: from what is known, else an example; what may be left out is.

    ``call`` is what `--map` calls it, ``spelled`` how an error or a question does.
    """
    items: list[Item] = []
    invented: list[str] = []
    left: dict[str, Open] = {}
    run = 0  # of examples, one after the other: they share a comment
    for item in needed:
        source = known.source_of(call, item, spelled)
        if isinstance(source, Source):
            items.append(Item(source.code, f"{item.name}="))
            run = 0
            continue
        if isinstance(source, Open):
            left[item.name] = source
        if item.optional:
            continue
        example = addition.types.example(item.shape)
        if example is None:
            raise no_example(item.name, item.shape)
        imports.add(example.imports)
        items.append(Item(example.code, f"{item.name}="))
        if isinstance(source, Open):
            what = source.why if len(source.sources) == 1 else f"To fill in: {source.why}"
            items[-1] = replace(items[-1], comment=what)
            run = 0
        else:
            invented.append(item.name)
            run += 1
            items[-run] = replace(items[-run], comment=_INVENTED if run == 1 else _ALL_INVENTED)
    return Filled(tuple(items), tuple(invented), left)


def note_examples(
    addition: Addition, path: PurePosixPath, found: Filled, call: str = RESULT, spelled: str = ""
) -> None:
    """Tell which arguments are examples, and which nobody decided."""
    whose = f"{spelled}'s" if spelled else "the result's"
    for name in found.invented:
        addition.notes.append(f"{path}: {whose} {name} is an example; put your own value there")
    for name, left in found.open.items():
        if len(left.sources) == 1:
            addition.notes.append(
                f"{path}: {whose} {name} is an example: {left.sources[0].code} may break a constraint"
            )
        else:
            could = " or ".join(source.code for source in left.sources)
            decided = f"--map {call}.{name}={left.sources[0].label}"
            addition.notes.append(f"{path}: {whose} {name} could be {could}; fill it in, or add it with {decided}")


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

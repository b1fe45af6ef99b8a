"""Where the arguments of durable calls come from, in a workflow that is being added.

Fields meet by name. A result that has the name wins over what came before only where that was passed through it; where
two values could be meant, somebody is asked, or the argument stays open: an example, with a line that says what could
stand there. ``--map charge.amount=price_of.price`` decides it beforehand.

What an entity's functions call `id` and `version` are other values for each entity: elsewhere they are `patient_id`
and `patient_version`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from resonate_scaffold.errors import UsageError, plain
from resonate_scaffold.fields import Field, closest
from resonate_scaffold.shape import Shape
from resonate_scaffold.shapes import Types, narrowed, same_values

Choose = Callable[[str, Sequence[str]], str | None]
"""Asks somebody: a question, and what could be meant as ``--map`` has it. None: neither."""

REQUEST, RESULT = "request", "result"


@dataclass(frozen=True, slots=True)
class Source:
    """What an argument may be: as code (``price_of_result.price``) and as ``--map`` has it (``price_of.price``).

    ``is_asked``: it came with the request, so it is whatever a client sent.
    """

    code: str
    label: str
    shape: Shape
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """An argument that nothing was decided for, with what could stand there, the nearest first."""

    sources: tuple[Source, ...]
    why: str


class Known:
    """The values that are known at one place of a function, and which of them an argument takes.

    ``takes`` are the fields of the request; they get narrower where a call takes less than they would.
    """

    def __init__(
        self,
        types: Types,
        takes: Iterable[Field],
        maps: Sequence[str] = (),
        choose: Choose | None = None,
        *,
        narrows: bool = False,
    ) -> None:
        self.takes = {item.name: item for item in takes}
        self.narrowed: dict[str, str] = {}
        """The fields of the request that were narrowed, and the calls by which."""
        self._types = types
        self._choose = choose
        self._narrows = narrows
        self._maps = dict(map(_parsed, maps))
        self._unused = {*self._maps}
        self._decided: list[str] = []
        self._calls: dict[str, Mapping[str, Source]] = {}
        asked = {
            item.name: Source(f"request.{item.name}", f"{REQUEST}.{item.name}", item.shape, is_asked=True)
            for item in self.takes.values()
        }
        self._calls[REQUEST] = asked
        self._named: dict[str, list[Source]] = {name: [source] for name, source in asked.items()}

    @property
    def decided(self) -> tuple[str, ...]:
        """What was mapped or answered, as ``--map`` has it."""
        return tuple(self._decided)

    def source_of(self, call: str, item: Field, spelled: str = "") -> Source | Open | None:
        """What an argument of a call takes. ``spelled`` is the call as an error or a question shows it.

        Raises:
            UsageError: it is mapped to what is not there, or is of another type.
        """
        mapped = self._mapped(call, item, spelled)
        if mapped is not None:
            return mapped
        near = [source for source in reversed(self._near(item.name, spelled)) if self._suits(source, item)]
        if len(near) > 1:
            answer = self._choose and self._choose(
                f"{spelled or call}: which {item.name} ({item.shape.spelled})?", [source.label for source in near]
            )
            chosen = next((source for source in near if source.label == answer), None)
            if chosen is None:
                return Open(tuple(near), f"{' or '.join(source.code for source in near)}?")
            self._decided.append(f"{call}.{item.name}={chosen.label}")
            near = [chosen]
        if not near:
            return None
        return self._certain(near[0], item, spelled or call)

    def called(
        self, call: str, variable: str, given: Mapping[str, str], answers: Iterable[Field], spelled: str
    ) -> None:
        """Know what a call answered; ``given`` is the code of its arguments, by their names."""
        results: dict[str, Source] = {}
        for item in answers:
            source = Source(f"{variable}.{item.name}", f"{call}.{item.name}", item.shape)
            results[item.name] = results[_folded(item.wire)] = source
            passed = given.get(item.name)
            for name in {item.name, _of_entity(item.name, spelled)}:
                before = [
                    it
                    for it in self._named.get(name, [])
                    if it.code != passed or not same_values(it.shape, source.shape)
                ]
                self._named[name] = [*before, source]
        for name in _names(call, spelled):
            self._calls.setdefault(name, results)

    def check_maps(self, calls: Sequence[str]) -> None:
        """Refuse what is mapped for a call or an argument that is not there.

        Raises:
            UsageError: with what is there.
        """
        for target in sorted(self._unused):
            call, _, name = target.rpartition(".")
            if call not in calls and call not in self._calls:
                raise UsageError(f"--map {plain(target)}: there is no call {plain(call)}", closest(call, [*calls]))
            raise UsageError(f"--map {plain(target)}: {call} takes no {plain(name)}", "Leave it out.")

    def _near(self, name: str, spelled: str) -> list[Source]:
        """The values that have the name of a call's argument, in the order in which they came to be known."""
        elsewhere = _of_entity(name, spelled)
        if elsewhere == name:
            return self._named.get(name, [])
        asked = [source for source in self._named.get(name, []) if source.is_asked]
        return [*asked, *self._named.get(elsewhere, [])]

    def _mapped(self, call: str, item: Field, spelled: str) -> Source | Open | None:
        target = f"{call}.{item.name}"
        spellings = (f"{one}.{name}" for one in _names(call, spelled) for name in (item.name, _folded(item.wire)))
        typed = next((it for it in spellings if it in self._maps), None)
        if typed is None:
            return None
        text = self._maps[typed]
        self._unused.discard(typed)
        where, _, name = text.rpartition(".")
        results = self._calls.get(where)
        if results is None:
            hint = closest(where, [it for it in self._calls if "." not in it])
            raise UsageError(f"--map {target}={plain(text)}: there is no {plain(where)} before {call}", hint)
        if name not in results:
            raise UsageError(f"--map {target}={plain(text)}: {where} has no {plain(name)}", closest(name, [*results]))
        source = results[name]
        if not self._suits(source, item):
            what = f"{text} is {source.shape.spelled}, and {target} is {item.shape.spelled}"
            raise UsageError(f"--map {target}={text}: {what}", "Map it to a value of that type.")
        self._decided.append(f"{target}={source.label}")
        return self._certain(source, item, call)

    def _suits(self, source: Source, item: Field) -> bool:
        """Whether a value is of the type; what came with the request may have to be narrowed, yet."""
        if not source.is_asked:
            return self._types.fits(source.shape, item.shape)
        wanted = item.shape.inner if item.shape.kind == "optional" and source.shape.kind != "optional" else item.shape
        return self._types.fits(source.shape, source.shape) and same_values(source.shape, wanted)

    def _certain(self, source: Source, item: Field, call: str) -> Source | Open:
        """The source, if every value of it does."""
        if not source.is_asked or self._types.fits(source.shape, item.shape, surely=True):
            return source
        name = source.label.rpartition(".")[2]
        shape = narrowed(source.shape, item.shape) if self._narrows else None
        field = None if shape is None else replace(self.takes[name], shape=shape)
        if field is None or (field.typed_default is not None and field.value is None):
            return Open((source,), f"An example: {source.code} may break a constraint.")
        self.takes[name] = field
        self.narrowed.setdefault(name, call)
        tighter = replace(source, shape=field.shape)
        for known in (*self._named.values(),):
            known[:] = [tighter if it.code == source.code else it for it in known]
        self._calls[REQUEST] = {**self._calls[REQUEST], name: tighter}
        return tighter


_WRITES_ENTITY = re.compile(r"db\.(?:create|update|delete)_(\w+)")


def _of_entity(name: str, spelled: str) -> str:
    """What a field of a call is called elsewhere: `patient_id` for the `id` of `db.update_patient`."""
    entity = _WRITES_ENTITY.fullmatch(spelled)
    return f"{entity[1]}_{name}" if entity and name in ("id", "version") else name


def _names(call: str, spelled: str) -> tuple[str, ...]:
    """What `--map` may call a call: as Python does, or as the engine, with its group or without."""
    durable = _folded(spelled)
    return (call, durable, durable.rpartition(".")[2]) if durable else (call,)


def _folded(name: str) -> str:
    return name.replace("-", "_")


def _parsed(text: str) -> tuple[str, str]:
    """``CALL.FIELD=SOURCE.FIELD``, with ``_`` for ``-``."""
    target, equals, source = (_folded(part.strip()) for part in text.partition("="))
    if not equals or "." not in target or "." not in source:
        raise UsageError(
            f"--map {plain(text)} is not CALL.FIELD=CALL.FIELD", "For example: --map charge.amount=price_of.price"
        )
    return target, source

"""What of the requests and results of a run may be shown: what the models of this service's contracts do not hide.

A field that is a ``SecretStr``, or has ``Field(repr=False)``, is shown as ``**********``. Of a function that has no
contract here, and of a step that does not say what it returns, nobody knows: its values are left out, and its call says
so (``is_hidden``).
"""

import dataclasses
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeAliasType, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, RootModel, Secret, SecretBytes, SecretStr

from ..engine.runs import Call, RunTree
from .gate import Gate
from .rpc import Registration, Rpc
from .scheduled_runs import FIRE

HIDDEN = "**********"
"""What is shown in the place of a value that a contract hides."""

STEPS_OF_GATES = ("_open", "_close")
"""The steps with which a gate asks its question and closes it."""

_SECRETS = (SecretStr, SecretBytes, Secret)


class ShownValues:
    """What may be shown, by the contracts and gates of a service, and by the functions that it serves."""

    def __init__(
        self, contracts: Iterable[Rpc[Any, Any]], gates: Mapping[str, Gate[Any]], served: Iterable[Registration]
    ) -> None:
        self._contracts = {(contract.name, contract.version): contract for contract in contracts}
        self._gates = gates
        self._functions = {(entry.name, entry.version): entry.function for entry in served}

    def hide(self, tree: RunTree, *, all_values: bool = False) -> None:
        """Take out of a tree what may not be shown; with ``all_values`` only what is known to be secret."""
        left: list[tuple[Call, Call | None]] = [(tree.root, None)]
        while left:
            call, caller = left.pop()
            left += [(inner, call) for inner in call.calls]
            if not self._hide_known(call, caller) and not all_values:
                call.is_hidden = call.request is not None or call.result is not None
                call.request = call.result = None

    def _hide_known(self, call: Call, caller: Call | None) -> bool:
        """Take out what is secret in one call; False where nobody here knows what is."""
        if call.form == "step":
            return self._hide_step(call, caller)
        if call.form == "gate":
            return self._hide_answer(call)
        if call.form in ("call", "detached"):
            return self._hide_call(call)
        return False

    def _hide_call(self, call: Call) -> bool:
        if call.name == FIRE.name and isinstance(call.request, dict):  # What a schedule starts is inside of its plan.
            plan = call.request
            contract = self._contracts.get((plan.get("function", ""), plan.get("version") or 1))
            if contract is not None:
                call.request = {**plan, "request": hidden(contract.request, plan.get("request"))}
        else:
            contract = self._contracts.get((call.name, call.version or 1))
            if contract is not None:
                call.request = hidden(contract.request, call.request)
        if contract is not None:
            call.result = hidden(contract.result, call.result)
        return contract is not None

    def _hide_answer(self, call: Call) -> bool:
        gate = self._gates.get(call.name)
        if gate is not None:
            recorded = call.result if isinstance(call.result, dict) else {}
            call.result = hidden(gate.payload, recorded.get("answer"))
        return gate is not None

    def _hide_step(self, call: Call, caller: Call | None) -> bool:
        if call.name in STEPS_OF_GATES:
            call.result = None  # The gate itself says what was answered.
            return True
        function = self._functions.get((caller.name, caller.version or 1)) if caller else None
        step = getattr(function, "__globals__", {}).get(call.name)
        try:
            result = get_type_hints(step, include_extras=True)["return"]
        except (TypeError, NameError, KeyError, AttributeError):
            return False
        call.result = hidden(result, call.result)
        return True


def hidden(kind: Any, value: Any) -> Any:
    """A value as JSON, without what its type hides."""
    if value is None:
        return None
    if isinstance(kind, TypeAliasType):
        return hidden(kind.__value__, value)
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _SECRETS or origin in _SECRETS:
        return HIDDEN
    if origin is Annotated:
        return hidden(arguments[0], value)
    if origin in (Union, types.UnionType):
        for member in arguments:  # Whichever it is: what one of them hides is hidden.
            value = hidden(member, value)
        return value
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _hidden_in_model(kind, value)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, dict):
        shown = {field.name: field for field in dataclasses.fields(kind)}
        hints = get_type_hints(kind, include_extras=True)
        return {
            name: hidden(hints[name], part) if name in shown and shown[name].repr else HIDDEN
            for name, part in value.items()
        }
    if isinstance(value, dict) and len(arguments) == 2:
        return {name: hidden(arguments[1], part) for name, part in value.items()}
    if isinstance(value, list) and arguments:
        if origin is tuple and arguments[-1] is not ...:
            return [hidden(one, part) for one, part in zip(arguments, value, strict=False)]
        return [hidden(arguments[0], part) for part in value]
    return value


def _hidden_in_model(model: type[BaseModel], value: Any) -> Any:
    if issubclass(model, RootModel):
        field = model.model_fields["root"]
        return hidden(field.annotation, value) if field.repr else HIDDEN
    if not isinstance(value, dict):
        return value
    kinds: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        for spelling in (name, field.alias, field.serialization_alias):
            if spelling is not None:
                kinds[spelling] = field.annotation if field.repr else SecretStr
    for name, computed in model.model_computed_fields.items():
        kinds[computed.alias or name] = computed.return_type if computed.repr else SecretStr
    # What a model of another release recorded may have been hidden there.
    others = Any if model.model_config.get("extra") == "allow" else SecretStr
    return {name: hidden(kinds.get(name, others), part) for name, part in value.items()}

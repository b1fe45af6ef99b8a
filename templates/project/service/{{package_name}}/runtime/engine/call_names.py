"""What a recorded call is: a step, a call of a function, a sleep or a question, its name, and whom it is for."""

from typing import Any

from resonate.types import PromiseRecord, TaskData

STEP = "step"
"""The tag of a step: its function's name."""

GATE = "gate"
"""The tag of a call with which a workflow waits at a gate: the gate's name."""

NAMELESS = "the step"
"""A step as an earlier release recorded it."""


def describe(tags: dict[str, str], data: Any) -> str:
    """What a call is, in words."""
    if tags.get("resonate:scope") == "local":
        return f"{NAMELESS} {tags[STEP]}" if STEP in tags else NAMELESS
    if tags.get("resonate:timer") == "true":
        return "a sleep"
    function = _function_in(data)
    return f"a call of {function}" if function else "a promise"


def name_of_call(call: PromiseRecord) -> str:
    """The name of a call: its step, the function that it calls, or ``sleep``."""
    return describe(call.tags, call.param.data).rpartition(" ")[2]


def function_of(call: PromiseRecord) -> str | None:
    """The durable function that a record calls; None where it calls none."""
    return _function_in(call.param.data)


def group_of(call: PromiseRecord) -> str | None:
    """The group that serves a record, as the engine knows it; an engine in this process spells the address in its own way."""
    return call.tags.get("resonate:target", "").rpartition("@")[2] or None


def _function_in(data: Any) -> str | None:
    function = data.func if isinstance(data, TaskData) else data.get("func") if isinstance(data, dict) else None
    return function if isinstance(function, str) else None

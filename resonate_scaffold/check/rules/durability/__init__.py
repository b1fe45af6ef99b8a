"""RS3xx: what makes a durable function survive."""

from __future__ import annotations

from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding
from resonate_scaffold.check.rules.durability.blocking import blocking
from resonate_scaffold.check.rules.durability.called_in_place import called_in_place
from resonate_scaffold.check.rules.durability.deadlines import deadlines
from resonate_scaffold.check.rules.durability.dropped import dropped
from resonate_scaffold.check.rules.durability.effects import effects
from resonate_scaffold.check.rules.durability.failures import failures
from resonate_scaffold.check.rules.durability.json_values import json_values
from resonate_scaffold.check.rules.durability.loops import loops
from resonate_scaffold.check.rules.durability.operations import operations
from resonate_scaffold.check.rules.durability.parent_contexts import parent_contexts
from resonate_scaffold.check.rules.durability.retries import retries
from resonate_scaffold.check.rules.durability.sagas import sagas
from resonate_scaffold.check.rules.durability.streams import deaf
from resonate_scaffold.check.rules.durability.suspension import suspension
from resonate_scaffold.check.rules.durability.timeout_errors import timeout_errors
from resonate_scaffold.check.rules.durability.timeouts import timeouts
from resonate_scaffold.check.rules.durability.writes import writes
from resonate_scaffold.code.model import Model


def durability(model: Model) -> Iterator[Finding]:
    """Whatever has an effect is recorded, bounded, awaited, and can be written down."""
    yield from effects(model)
    yield from parent_contexts(model)
    yield from writes(model)
    yield from blocking(model)
    yield from dropped(model)
    yield from json_values(model)
    yield from retries(model)
    yield from timeouts(model)
    yield from timeout_errors(model)
    yield from deaf(model)
    yield from deadlines(model)
    yield from loops(model)
    yield from failures(model)
    yield from called_in_place(model)
    yield from operations(model)
    yield from suspension(model)
    yield from sagas(model)

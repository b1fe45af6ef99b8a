"""RS1xx: who calls what, and who serves it."""

from __future__ import annotations

from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding
from resonate_scaffold.check.rules.wiring.arguments import arguments, served_types
from resonate_scaffold.check.rules.wiring.calls import calls_by_name
from resonate_scaffold.check.rules.wiring.clients import clients_at_import
from resonate_scaffold.check.rules.wiring.contracts import contracts
from resonate_scaffold.check.rules.wiring.dependencies import dependencies
from resonate_scaffold.check.rules.wiring.groups import groups_without_a_process
from resonate_scaffold.check.rules.wiring.imports import imports
from resonate_scaffold.check.rules.wiring.options import options, replaced_options
from resonate_scaffold.check.rules.wiring.registered import registered_twice, unregistered
from resonate_scaffold.check.rules.wiring.released import released
from resonate_scaffold.check.rules.wiring.unused import unused
from resonate_scaffold.code.model import Model


def wiring(model: Model) -> Iterator[Finding]:
    """Whatever is called is served, where and as it is called."""
    replaced = replaced_options(model)
    yield from calls_by_name(model, replaced)
    yield from contracts(model)
    yield from groups_without_a_process(model)
    yield from registered_twice(model)
    yield from unregistered(model)
    yield from unused(model)
    yield from arguments(model)
    yield from served_types(model)
    yield from clients_at_import(model)
    yield from options(replaced)
    yield from dependencies(model)
    yield from released(model)
    yield from imports(model)

"""RS2xx: a workflow runs again from the top, and has to do the same again.

What a workflow calls without a step runs as part of it, so it is held to the same rules, in whatever file it stands.
"""

from __future__ import annotations

from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding
from resonate_scaffold.check.rules.determinism.hashes import hashes
from resonate_scaffold.check.rules.determinism.order import SetOrder
from resonate_scaffold.check.rules.determinism.outside import Outside
from resonate_scaffold.check.rules.determinism.state import MutableGlobals
from resonate_scaffold.code.model import Model


def determinism(model: Model) -> Iterator[Finding]:
    """Whatever a workflow does it does again in the same way."""
    outside, order, state = Outside(model), SetOrder(model), MutableGlobals(model)
    for scope, workflow in model.workflow_code.items():
        yield from outside.findings(scope, workflow)
        yield from order.findings(scope, workflow)
        yield from state.findings(scope, workflow)
    yield from hashes(model)

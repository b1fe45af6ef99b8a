"""RS2xx: a workflow runs again from the top, and has to do the same again.

What a workflow calls without a step runs as part of it, so it is held to the same rules, in whatever file it stands.
"""

from __future__ import annotations

from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding
from resonate_scaffold.check.rules.determinism.hashes import hashes
from resonate_scaffold.check.rules.determinism.lost_changes import LostChanges
from resonate_scaffold.check.rules.determinism.order import SetOrder
from resonate_scaffold.check.rules.determinism.outside import Outside
from resonate_scaffold.check.rules.determinism.side_by_side import SideBySide
from resonate_scaffold.check.rules.determinism.state import MutableGlobals
from resonate_scaffold.code.model import Model


def determinism(model: Model) -> Iterator[Finding]:
    """Whatever a workflow does it does again in the same way."""
    kinds = (Outside(model), SetOrder(model), MutableGlobals(model), SideBySide(model), LostChanges(model))
    for scope, workflow in model.workflow_code.items():
        for kind in kinds:
            yield from kind.findings(scope, workflow)
    yield from hashes(model)

"""RS301: effects outside of a step."""

from __future__ import annotations

import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import kind_of

# Of a session: nothing of it is sent before a flush or a commit.
_COLLECTED = re.compile(r".*\.(add|add_all|merge|delete)")


def effects(model: Model) -> Iterator[Finding]:
    """RS301: in a function the statements, or what a session collects where it sends them by its end."""
    hint = "Do it in a step, await ctx.run(…), or in a db function that is called by rpc."
    for scope, workflow in model.workflow_code.items():
        named = [(call, model.evaluate.external(call.func, scope)) for call in scope.calls]
        effects = [(call, name) for call, name in named if name is not None and kind_of(name) == "effects"]
        sent = [(call, name) for call, name in effects if not _COLLECTED.fullmatch(name)]
        told: set[int] = set()
        for call, name in sent or effects:
            if call.lineno in told:
                continue
            told.add(call.lineno)
            whose = scope.name if scope is workflow else f"{scope.name}, called from {workflow.name} without a step,"
            message = f"{whose} does {name.rpartition('.')[2]} outside of a step: it happens again at each replay"
            yield finding("RS301", call, scope, message, hint)

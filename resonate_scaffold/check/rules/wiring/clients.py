"""RS110: clients that are made at import."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.values import Constant


def clients_at_import(model: Model) -> Iterator[Finding]:
    """RS110. Under `if __name__ == "__main__":` no loop runs either. RS501 and RS502 tell those of another release."""
    for client in model.clients:
        assert client.node is not None and client.scope is not None
        unread = client.node.args or any(it.arg is None for it in client.node.keywords)
        if not isinstance(client.scope.node, ast.Module) or unread or model.is_stale(client):
            continue
        start = argument(client.node, "autostart")
        if start is not None and model.evaluate.value(start, client.scope) != Constant(True):
            continue
        message = "a client is made when the module is imported: it needs a running event loop, and raises without one"
        hint = "Make it where the loop runs (a lifespan, an async main), or with autostart=False and start() there."
        yield finding("RS110", client.node, client.scope, message, hint)

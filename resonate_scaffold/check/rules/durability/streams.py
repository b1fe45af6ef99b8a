"""RS310: workers whose stream of work ends after five minutes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import is_given
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import Scope
from resonate_scaffold.code.values import Thing

_STREAM = re.compile(r"resonate\.connections\.(sse\.)?SSEConnection")


def deaf(model: Model) -> Iterator[Finding]:
    """RS310."""
    working = {it.client.node for it in model.registrations if it.client is not None}
    for client in model.clients:
        assert client.node is not None and client.scope is not None
        if client.node in working and _hears_by_the_stream(model, client.node, client.scope):
            message = (
                "this worker hears of work by a stream that ends after 300 s, silently (SDK 0.8): "
                "after five minutes it is deaf"
            )
            hint = (
                "Give it an SSEConnection whose session has ClientTimeout(total=None), as sources=[…], "
                "and the HttpConnection as network=."
            )
            yield finding("RS310", client.node, client.scope, message, hint)


def _hears_by_the_stream(model: Model, client: ast.Call, scope: Scope) -> bool:
    """Whether a client's work comes by the SDK's own stream: made from an url, or given as it is."""
    sources = argument(client, "sources")
    if is_given(model, sources, scope):
        assert sources is not None
        values = [model.evaluate.value(it, holder) for it, holder in model.evaluate.each(sources, scope) or ()]
        return any(isinstance(it, Thing) and _STREAM.fullmatch(it.of) for it in values)
    return is_given(model, argument(client, "url"), scope)

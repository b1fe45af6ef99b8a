"""The queries of a generated service: what its API reads without starting work."""

from __future__ import annotations

from resonate_scaffold.code.evaluate import Evaluator
from resonate_scaffold.code.scopes import Scope

_SESSIONS = frozenset({"sqlalchemy.ext.asyncio.AsyncSession", "sqlalchemy.ext.asyncio.session.AsyncSession"})
_FOLDER = ("db", "queries")


def is_query(scope: Scope, evaluate: Evaluator) -> bool:
    """Whether a function is a query: of a module of `db/queries/`, public, and its first parameter is a session."""
    if scope.module.path.parent.parts[-2:] != _FOLDER or not scope.is_async or scope.name.startswith("_"):
        return False
    if scope.outer is not scope.module.scope or scope.class_ is not None or not scope.positional:
        return False
    annotation = scope.positional[0].annotation
    return annotation is not None and evaluate.external(annotation, scope.module.scope) in _SESSIONS

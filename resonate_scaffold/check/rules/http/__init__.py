"""RS4xx: routes start or await durable work, and say so honestly."""

from __future__ import annotations

from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding
from resonate_scaffold.check.rules.http.access import Access
from resonate_scaffold.check.rules.http.background import background
from resonate_scaffold.check.rules.http.chosen_functions import chosen_functions
from resonate_scaffold.check.rules.http.clock_ids import clock_ids
from resonate_scaffold.check.rules.http.handles import stale_handles, unconfirmed
from resonate_scaffold.check.rules.http.ids import colons, searches
from resonate_scaffold.check.rules.http.random_ids import random_ids
from resonate_scaffold.check.rules.http.settling import settling
from resonate_scaffold.check.rules.http.status import status
from resonate_scaffold.check.rules.http.waits import waits
from resonate_scaffold.check.rules.http.work import contexts, work
from resonate_scaffold.code.model import Model


def http(model: Model) -> Iterator[Finding]:
    """Routes of a program that uses Resonate."""
    if not model.program_uses_resonate:
        return
    access = Access(model)
    for route in model.routes:
        scopes = model.reached(route.handler, 3)
        starts = [it for scope in scopes for it in model.starts.get(scope, ()) if it.kind != "schedule"]
        yield from work(model, route, starts)
        yield from contexts(model, route)
        yield from waits(model, route)
        yield from status(model, route, scopes, starts)
        yield from settling(model, route, scopes, access)
        yield from random_ids(model, route.handler)
        yield from unconfirmed(model, route, starts)
        yield from stale_handles(model, route, scopes)
        yield from background(model, route, scopes)
        yield from chosen_functions(model, route)
        yield from clock_ids(model, route)
    yield from colons(model)
    yield from searches(model)

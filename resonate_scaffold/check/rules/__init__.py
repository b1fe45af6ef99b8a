"""The rules, a package a family and a module a rule."""

from collections.abc import Callable, Iterator

from resonate_scaffold.check.findings import Finding
from resonate_scaffold.check.rules.determinism import determinism
from resonate_scaffold.check.rules.durability import durability
from resonate_scaffold.check.rules.http import http
from resonate_scaffold.check.rules.stale import stale
from resonate_scaffold.check.rules.wiring import wiring
from resonate_scaffold.code.model import Model

CHECKS: tuple[Callable[[Model], Iterator[Finding]], ...] = (wiring, determinism, durability, http, stale)

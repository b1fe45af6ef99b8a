"""`resonate-scaffold check`: mistakes in code that uses Resonate, found by reading it. Nothing is imported or run.

files -> Program (syntax trees) -> Model (what it does with Resonate) -> rules -> findings
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath

from resonate_scaffold.check.findings import Finding, is_selected, is_suppressed
from resonate_scaffold.check.model import Model
from resonate_scaffold.check.program import Program
from resonate_scaffold.check.rules.determinism import determinism
from resonate_scaffold.check.rules.durability import durability
from resonate_scaffold.check.rules.http import http
from resonate_scaffold.check.rules.stale import stale
from resonate_scaffold.check.rules.wiring import wiring

CHECKS: tuple[Callable[[Model], Iterator[Finding]], ...] = (wiring, determinism, durability, http, stale)


def check(
    files: Mapping[PurePosixPath, bytes], select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> list[Finding]:
    """What is wrong in these files, in the order of their lines."""
    return findings_of(Model(Program(files)), select, ignore)


def findings_of(model: Model, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> list[Finding]:
    """What is wrong in a program, by the rules that are selected and not suppressed where they stand."""
    found = set(_broken(model.program))
    for rule in CHECKS:
        found.update(rule(model))
    modules = model.program.modules
    return sorted(
        it
        for it in found
        if is_selected(it.code, select, ignore) and not is_suppressed(_line(modules[it.path].lines, it.line), it.code)
    )


def _line(lines: list[bytes], number: int) -> bytes:
    return lines[number - 1] if 0 < number <= len(lines) else b""


def _broken(program: Program) -> Iterator[Finding]:
    for path, module in program.modules.items():
        if module.error is not None:
            line, message = module.error
            hint = "Mend it; nothing else is checked in it."
            yield Finding(path, line, 1, "RS000", f"this is not Python: {message}", hint)

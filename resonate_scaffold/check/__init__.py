"""`resonate-scaffold check`: mistakes in code that uses Resonate, found by reading it. Nothing is imported or run.

files -> Program (syntax trees) -> Model (what it does with Resonate) -> rules -> findings
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath

from resonate_scaffold.check.findings import Finding, is_selected, is_suppressed
from resonate_scaffold.check.rules.determinism import determinism
from resonate_scaffold.check.rules.durability import durability
from resonate_scaffold.check.rules.http import http
from resonate_scaffold.check.rules.ownership import ownership
from resonate_scaffold.check.rules.stale import stale
from resonate_scaffold.check.rules.wiring import wiring
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.program import Program

CHECKS: tuple[Callable[[Model], Iterator[Finding]], ...] = (wiring, determinism, durability, http, stale)


def check(
    files: Mapping[PurePosixPath, bytes], select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> list[Finding]:
    """What is wrong in these files, in the order of their lines. What is not `.py` is read for RS113 and RS601."""
    return findings_of(Model(program_of(files)), select, ignore)


def program_of(files: Mapping[PurePosixPath, bytes]) -> Program:
    """The program in these files, which may have manifests of generated services beside the Python."""
    python = {path: content for path, content in files.items() if path.suffix == ".py"}
    return Program(python, {path: content for path, content in files.items() if path not in python})


def findings_of(model: Model, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> list[Finding]:
    """What is wrong in a program, by the rules that are selected and not suppressed where they stand."""
    found = {*_broken(model.program), *ownership(model.program)}
    runtime = {it.path for it in model.runtime}
    for rule in CHECKS:
        found.update(it for it in rule(model) if it.path not in runtime)  # what is in there is not the owner's to mend
    return sorted(
        it
        for it in found
        if is_selected(it.code, select, ignore) and not is_suppressed(_line(model.program, it), it.code)
    )


def _line(program: Program, it: Finding) -> bytes:
    """The line of code that a finding is about."""
    module = program.modules.get(it.path)
    return module.lines[it.line - 1] if module is not None and 0 < it.line <= len(module.lines) else b""


def _broken(program: Program) -> Iterator[Finding]:
    for path, module in program.modules.items():
        if module.error is not None:
            line, message = module.error
            hint = "Nothing else in it is checked. If a newer Python has this syntax, run the tool on that."
            yield Finding(path, line, 1, "RS000", f"the file cannot be parsed: {message}", hint)

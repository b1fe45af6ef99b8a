"""`resonate-scaffold check`: mistakes in code that uses Resonate, found by reading it. Nothing is imported or run.

files -> Program (syntax trees) -> Model (what it does with Resonate) -> rules -> findings
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from resonate_scaffold.check.findings import Finding, is_selected

if TYPE_CHECKING:  # what reads and judges is imported where a program is: an unchanged one is answered without it
    from resonate_scaffold.code.model import Model
    from resonate_scaffold.code.program import Program


def check(
    files: Mapping[PurePosixPath, bytes], select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> list[Finding]:
    """What is wrong in these files, in the order of their lines. What is not `.py` is read for RS113 and RS6xx."""
    from resonate_scaffold.code.model import Model

    return findings_of(Model(program_of(files)), select, ignore)


def program_of(files: Mapping[PurePosixPath, bytes]) -> Program:
    """The program in these files, which may have manifests of generated services beside the Python."""
    from resonate_scaffold.code.program import Program

    python = {path: content for path, content in files.items() if path.suffix == ".py"}
    return Program(python, {path: content for path, content in files.items() if path not in python})


def findings_of(model: Model, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> list[Finding]:
    """What is wrong in a program, by the rules that are selected and not suppressed where they stand."""
    return [it for it in judge(model).found if is_selected(it.code, select, ignore)]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong in a program by any rule, but for what comments suppress; and the files that were analysed."""

    found: list[Finding]
    analysed: list[PurePosixPath]


def judge(model: Model) -> Judgement:
    """Ask every rule."""
    from resonate_scaffold.check import noqa
    from resonate_scaffold.check.rules import CHECKS
    from resonate_scaffold.check.rules.deployments import deployments
    from resonate_scaffold.check.rules.ownership import ownership

    program = model.program
    found = {*_broken(program), *ownership(program), *deployments(program)}
    runtime = {it.path for it in model.runtime}
    for rule in CHECKS:
        found.update(it for it in rule(model) if it.path not in runtime)  # what is in there is not the owner's to mend
    for path, module in program.modules.items():
        comments = noqa.read(program.files[path]) if module.error is None else []
        if comments:
            here = [it for it in found if it.path == path]
            found.difference_update(it for it in here if any(comment.suppresses(it) for comment in comments))
            if path not in runtime:
                found.update(noqa.unused(path, here, comments))
    return Judgement(sorted(found), list(program.modules))


def _broken(program: Program) -> Iterator[Finding]:
    for path, module in program.modules.items():
        if module.error is not None:
            line, message = module.error
            hint = "Nothing else in it is checked. If a newer Python has this syntax, run the tool on that."
            yield Finding(path, line, 1, "RS000", f"the file cannot be parsed: {message}", hint)

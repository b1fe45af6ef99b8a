"""Figures of the tool, and of a service that it makes, as ratios within one run.

    python -m tests.bench [--only PART]...

Everything is measured beside what it is compared with, by turns, on the machine as it is at that moment: the
ratios mean something, the absolute figures only here and now. Medians, with the least and the most in brackets.
The exit status is 0 unless something broke. It needs a network, to install the service and cookiecutter.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from resonate_scaffold import templates
from tests import bench_service
from tests.bench_service import NAME, PACKAGE
from tests.conftest import PROGRAM, tree
from tests.figures import LINE, row, run

VERSION_RUNS, NEW_ROUNDS = 15, 7
ADD_ROUNDS, GROWN = 5, (50, 500, 5000)
CHECK_ROUNDS, CHECKED = 5, (100, 1000, 5000)


def main() -> None:
    """Run the parts that were asked for, and print each one's rows when it ends."""
    parts: dict[str, Callable[..., Iterator[str]]] = {"version": version, "new": new, "add": add, "check": check}
    parts |= bench_service.PARTS
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Figures, as ratios within one run.")
    parser.add_argument("--only", action="append", choices=list(parts), help="run this part; may be repeated")
    chosen = parser.parse_args().only or list(parts)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, load {psutil.getloadavg()[0]:.1f}")
    print(LINE.format("what", "figure", "against", "ratio", "wanted", "verdict"))
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        for name in chosen:
            for row in parts[name](Path(scratch)):
                print(row, flush=True)


def version(_: Path) -> Iterator[str]:
    """`--version` as a process, beside an interpreter that does nothing."""
    own, bare = [], []
    for _round in range(VERSION_RUNS):
        own.append(run(PROGRAM, "--version"))
        bare.append(run(sys.executable, "-c", "pass"))
    yield row("resonate-scaffold --version, s", own, "python -c pass", bare, 3, "<= 0.15", judge=own)


def new(scratch: Path) -> Iterator[str]:
    """`new` against `copier copy` of its template, and against cookiecutter with an equal one."""
    cookiecutter = _install_cookiecutter(scratch)
    _write_cookiecutter_template(scratch / "cookiecutter")
    config = scratch / "cookiecutter.yaml"
    config.write_text(json.dumps({key: str(scratch / key) for key in ("cookiecutters_dir", "replay_dir")}))

    def times(into: Path) -> tuple[float, float, float]:
        into.mkdir()
        return (
            run(PROGRAM, "new", NAME, "--no-install", "--no-git", "--defaults", "--into", into / "tool"),
            run(
                *(Path(sys.executable).with_name("copier"), "copy", "--quiet", "--defaults"),
                *("-d", f"project_name={NAME}", templates.builtin_directory(), into / "copier" / NAME),
            ),
            run(
                *(cookiecutter, "--no-input", "--config-file", config, "-o", into / "cookiecutter"),
                *(scratch / "cookiecutter", f"project_name={NAME}"),
            ),
        )

    times(scratch / "new-warm-up")
    # All made the same service, but for what each records about itself, and our `.env`.
    trees = [tree(made / NAME) for made in (scratch / "new-warm-up").iterdir()]
    paths = set().union(*trees) - {".copier-answers.yml", ".resonate-scaffold.json", ".env"}
    differing = sorted(path for path in paths if len({files.get(path) for files in trees}) > 1)
    if differing:
        sys.exit(f"error: the templates are not equal, see {', '.join(differing)}\nMend the conversion in this file.")
    own, copier, other = zip(*(times(scratch / f"new-{number}") for number in range(NEW_ROUNDS)), strict=True)
    what = "new --no-install --no-git --defaults, s"
    yield row(what, own, "copier copy", copier, 3, "< 1")
    yield row(what, own, "cookiecutter", other, 3, "< 1")


def add(scratch: Path) -> Iterator[str]:
    """`add workflow` on the example, and how it grows with the workflows that a service has."""
    service = scratch / "grown" / NAME
    run(PROGRAM, "new", NAME, "--no-install", "--no-git", "--defaults", "--into", service.parent)
    example = _adding(service)
    bare = [run(sys.executable, "-c", "pass") for _ in example]
    yield row("add workflow, on the example, s", example, "python -c pass", bare, 3, "<= 0.4", judge=example)
    here = 0
    for there in GROWN:
        _grow(service, here, there)
        here = there
        took = _adding(service)
        yield row(f"add workflow, beside {there:,} more, s", took, "on the example", example, 3, "")


def check(scratch: Path) -> Iterator[str]:
    """`check` on clean services of so many Python files: half of what grows is workflows, half their tests."""
    service = scratch / "checked" / NAME
    run(PROGRAM, "new", NAME, "--no-install", "--no-git", "--defaults", "--into", service.parent)
    here, first = 0, list[float]()
    for files in CHECKED:
        there = here + (files - len(list(service.rglob("*.py")))) // 2
        _grow(service, here, there)
        here = there
        took = [run(PROGRAM, "check", service) for _ in range(CHECK_ROUNDS)]
        if not first:
            first = took
        wanted = "<= 2" if files == 1000 else ""
        yield row(f"check, {files:,} files, s", took, f"{CHECKED[0]} files", first, 3, wanted, judge=took)


def _adding(service: Path) -> list[float]:
    """Seconds that each `add` took; each is taken back, so that all meet the same service."""
    took = []
    fields = ("--takes", "order_id:str", "--takes", "quantity:int", "--returns", "receipt:str")
    for _ in range(ADD_ROUNDS):
        took.append(run(PROGRAM, "add", "workflow", "measured", *fields, "--project", service))
        run(PROGRAM, "remove", "workflow", "measured", "--project", service)
    return took


def _grow(service: Path, here: int, there: int) -> None:
    """Make as many workflows as there would be after so many `add`s, from what one of them made."""
    package = service / PACKAGE
    wired = [package / "contracts" / "workflows.py", package / "workflows" / "worker.py"]
    before = [path.read_text() for path in wired]
    run(PROGRAM, "add", "workflow", "load-00000", "--takes", "order_id:str", "--project", service)
    contract = wired[0].read_text().removeprefix(before[0])
    lines = wired[1].read_text().splitlines(keepends=True)
    served = next(line for line in lines if "serve(contracts.load_00000," in line)
    made = {path: path.read_text() for path in service.rglob("*load_00000.py")}
    run(PROGRAM, "remove", "workflow", "load-00000", "--project", service)

    def of(number: int, text: str) -> str:
        return re.sub(r"(?<=[Ll]oad)([_-]?)00000", rf"\g<1>{number:05}", text)

    numbers = range(here + 1, there + 1)
    wired[0].write_text(before[0] + "".join(of(number, contract) for number in numbers))
    imported = "".join(of(number, "from .load_00000 import load_00000\n") for number in numbers)
    listed = "".join(of(number, served) for number in numbers)
    worker = before[1].replace("from .process_job", f"{imported}from .process_job", 1)
    wired[1].write_text(re.sub(r"(?m)^(SERVED: .*\n(?:    .*\n)*)", lambda found: found[1] + listed, worker, count=1))
    for path, text in made.items():
        for number in numbers:
            path.with_name(of(number, path.name)).write_text(of(number, text))


def _install_cookiecutter(scratch: Path) -> Path:
    """The program, in an environment of its own: the project does not depend on it."""
    environment = scratch / "cookiecutter-environment"
    uv = (sys.executable, "-m", "uv")
    run(*uv, "venv", "--quiet", "--python", sys.executable, environment)
    python = environment / Path(sys.executable).parent.name / "python"
    run(*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, "cookiecutter")
    return python.with_name("cookiecutter")


def _write_cookiecutter_template(root: Path) -> None:
    """The shipped template in cookiecutter's form; what it should not render is listed, as is usual there."""
    questions = {question.name: question for question in templates.builtin_questions()}
    variable = re.compile(rf"(?<![\w.\"'])({'|'.join(questions)})\b")

    def converted(text: str) -> str:
        tag = r"\{\{.*?\}\}|\{%.*?%\}"
        return re.sub(tag, lambda found: variable.sub(r"cookiecutter.\1", found[0]), text, flags=re.DOTALL)

    service = templates.builtin_directory() / "service"
    verbatim = []
    for path, content in tree(service).items():
        if "_copier_conf" in path or "__pycache__" in path:
            continue
        name = converted(path.removesuffix(".jinja"))
        target = root / "{{cookiecutter.project_name}}" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".jinja"):
            content = converted(content.decode()).encode()
        else:
            verbatim.append(name)
        target.write_bytes(content)
    context: dict[str, Any] = {"project_name": NAME, "_copy_without_render": verbatim}
    for name, question in questions.items():
        default = converted(question.default) if isinstance(question.default, str) else question.default
        context.setdefault(name, list(question.choices) or default)
    (root / "cookiecutter.json").write_text(json.dumps(context))


if __name__ == "__main__":
    main()

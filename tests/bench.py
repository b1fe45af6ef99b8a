"""Figures of the tool, and of a service that it makes, as ratios within one run.

    python -m tests.bench [--only PART]... [--against DIR]

Everything is measured beside what it is compared with, by turns, on the machine as it is at that moment: the
ratios mean something, the absolute figures only here and now. Medians, with the least and the most in brackets.
``--against`` takes another checkout of this repository, such as one of the commit before, whose tool is measured on the
same things, turn by turn: rows say "before", and a ratio above 1 means that this one is slower.
The exit status is 0 unless something broke. It needs a network, to install the service and cookiecutter.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import psutil

from resonate_scaffold import templates
from resonate_scaffold.forms import form
from tests import bench_engine, bench_image, bench_runs, bench_service, bench_upgrade
from tests.bench_service import NAME, PACKAGE
from tests.conftest import PROGRAM, tree
from tests.figures import LINE, peak, row, run

ROOT = Path(__file__).parent.parent
VERSION_RUNS, NEW_ROUNDS = 15, 7
ADD_ROUNDS, GROWN = 5, (50, 500, 5000)
CHECK_ROUNDS, CHECKED = 5, (100, 1000, 5000)
APPLICATION = 1184, 40
"""Files of an application, and how many of them have to do with durable work."""


def main() -> None:
    """Run the parts that were asked for, and print each one's rows when it ends."""
    of_tool: dict[str, Callable[[Path, list[Tool]], Iterator[str]]]
    of_tool = {"version": version, "new": new, "add": add, "check": check}
    of_tool_and_engine = of_tool | {"engine": lambda scratch, _: bench_engine.engine(scratch)}
    of_tool_and_engine["runs"] = lambda scratch, _: bench_runs.runs(scratch)
    of_tool_and_engine["image"] = lambda scratch, _: bench_image.image(scratch)
    of_tool_and_engine["upgrade"] = lambda scratch, _: bench_upgrade.upgrade(scratch)
    parts = [*of_tool_and_engine, *bench_service.PARTS]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Figures, as ratios within one run.")
    parser.add_argument("--only", action="append", choices=parts, help="run this part; may be repeated")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout, for the figures of the tool")
    asked = parser.parse_args()
    tools = [Tool(ROOT), *([Tool(asked.against.resolve())] if asked.against else [])]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, load {psutil.getloadavg()[0]:.1f}")
    print(LINE.format("what", "figure", "against", "ratio", "wanted", "verdict"))
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        # Bytecode of everything is kept, as it is where programs are installed, and nothing is written beside the code.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = f"{scratch}/bytecode"
        os.environ["XDG_CACHE_HOME"] = f"{scratch}/cache"
        for name in asked.only or parts:
            own = of_tool_and_engine.get(name)
            there = own(Path(scratch), tools) if own else bench_service.PARTS[name](Path(scratch))
            for row in there:
                print(row, flush=True)


@dataclass(frozen=True)
class Tool:
    """The tool of a checkout of this repository."""

    root: Path

    def __call__(self, *arguments: str | Path) -> float:
        """Run it to its end; how long it took, in s."""
        return run(sys.executable, "-P", "-m", "resonate_scaffold", *arguments, PYTHONPATH=str(self.root))


def _beside_before(what: str, figures: list[list[float]]) -> Iterator[str]:
    """The row that compares this tool with that of another checkout, where there is one."""
    if len(figures) == 2:
        yield row(what, figures[0], "before", figures[1], 3, "<= 1.05")


def version(_: Path, tools: list[Tool]) -> Iterator[str]:
    """`--version` as a process, beside an interpreter that does nothing."""
    own, bare = list[float](), list[float]()
    each: list[list[float]] = [[] for _ in tools]
    for _round in range(VERSION_RUNS):
        own.append(run(PROGRAM, "--version"))
        bare.append(run(sys.executable, "-c", "pass"))
        for figures, tool in zip(each, tools, strict=True):
            figures.append(tool("--version"))
    yield row("resonate-scaffold --version, s", own, "python -c pass", bare, 3, "<= 0.15", judge=own)
    yield from _beside_before("resonate-scaffold --version, s", each)


def new(scratch: Path, tools: list[Tool]) -> Iterator[str]:
    """`new` against `copier copy` of its template, and against cookiecutter with an equal one."""
    cookiecutter = _install_cookiecutter(scratch)
    _write_cookiecutter_template(scratch / "cookiecutter")
    config = scratch / "cookiecutter.yaml"
    config.write_text(json.dumps({key: str(scratch / key) for key in ("cookiecutters_dir", "replay_dir")}))

    def times(into: Path) -> tuple[float, ...]:
        into.mkdir()
        made = (NAME, "--no-install", "--no-git", "--defaults", "--into")
        return (
            *(
                tool("new", *made, into / (f"before-{number}" if number else "tool"))
                for number, tool in enumerate(tools)
            ),
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
    trees = [tree(scratch / "new-warm-up" / made / NAME) for made in ("tool", "copier", "cookiecutter")]
    paths = set().union(*trees) - {".copier-answers.yml", ".resonate-scaffold.json", ".env"}
    differing = sorted(path for path in paths if len({files.get(path) for files in trees}) > 1)
    if differing:
        sys.exit(f"error: the templates are not equal, see {', '.join(differing)}\nMend the conversion in this file.")
    rounds = [times(scratch / f"new-{number}") for number in range(NEW_ROUNDS)]
    *each, copier, other = [list(figures) for figures in zip(*rounds, strict=True)]
    what = "new --no-install --no-git --defaults, s"
    yield row(what, each[0], "copier copy", copier, 3, "< 1")
    yield row(what, each[0], "cookiecutter", other, 3, "< 1")
    yield from _beside_before(what, each)


def add(scratch: Path, tools: list[Tool]) -> Iterator[str]:
    """`add workflow` on the example, and how it grows with the workflows that a service has."""
    examples = [example(scratch / f"example-{number}", tool) for number, tool in enumerate(tools)]
    took = _adding(examples, tools)
    bare = [run(sys.executable, "-c", "pass") for _ in took[0]]
    what = "add workflow, on the example, s"
    yield row(what, took[0], "python -c pass", bare, 3, "<= 0.4", judge=took[0])
    yield from _beside_before(what, took)
    grown = [example(scratch / f"grown-{number}", tool) for number, tool in enumerate(tools)]
    here = 0
    for there in GROWN:
        for service, tool in zip(grown, tools, strict=True):
            grow(service, tool, here, there)
        here = there
        took = _adding([*grown, *examples], tools * 2)
        beside, alone = took[: len(tools)], took[len(tools) :]
        what = f"add workflow, beside {there:,} more, s"
        yield row(what, beside[0], "on the example", alone[0], 3, "<= 1.5" if there == max(GROWN) else "")
        yield from _beside_before(what, beside)
        if len(tools) == 2:
            yield row(f"{what}, before", beside[1], "on the example, before", alone[1], 3)


def check(scratch: Path, tools: list[Tool]) -> Iterator[str]:
    """`check` and `graph` on clean services of so many Python files, and on an application of which few files matter.

    What grows in a service are workflows, their contracts and their tests. Each is measured without a cache, and again
    when nothing has changed.
    """
    services = [example(scratch / f"checked-{number}", tool) for number, tool in enumerate(tools)]
    here, first = [0 for _ in tools], list[float]()
    for files in CHECKED:
        for number, (service, tool) in enumerate(zip(services, tools, strict=True)):
            missing = max(files - len(list(service.rglob("*.py"))), 0)
            there = here[number] + missing // FILES_OF_A_WORKFLOW[_is_older(service)]
            grow(service, tool, here[number], there)
            here[number] = there
        took = _reading(scratch, "check", services, tools)
        if not first:
            first = took[0][0]
        wanted = "<= 2" if files == 1000 else ""
        what = f"check, {files:,} files, s"
        yield row(what, took[0][0], f"{CHECKED[0]} files", first, 3, wanted, judge=took[0][0])
        yield from _beside_before(what, [cold for cold, _ in took])
        if files == 1000:
            yield from _unchanged(what, took, "<= 0.5")
            yield from _peak("check", services[0], scratch)
            drawn = _reading(scratch, "graph", services, tools)
            yield row("graph, 1,000 files, s", drawn[0][0], "check", took[0][0], 3, "<= 2", judge=drawn[0][0])
            yield from _unchanged("graph, 1,000 files, s", drawn, "<= 0.5")
            yield from _peak("graph", services[0], scratch)
    application = scratch / "application"
    make_application(application, *APPLICATION)
    for command in ("check", "graph"):
        took = _reading(scratch, command, [application] * len(tools), tools)
        what = f"{command}, {APPLICATION[0]:,} files of which {APPLICATION[1]} matter, s"
        bare = [run(sys.executable, "-c", "pass") for _ in took[0][0]]
        yield row(what, took[0][0], "python -c pass", bare, 3, "<= 1.5", judge=took[0][0])
        yield from _beside_before(what, [cold for cold, _ in took])
        yield from _unchanged(what, took, "<= 0.5")
        yield from _peak(command, application, scratch)


def _reading(
    scratch: Path, command: str, trees: list[Path], tools: list[Tool]
) -> list[tuple[list[float], list[float]]]:
    """Seconds that each tool took for a tree: with an empty cache, and with nothing changed since."""
    took = [(list[float](), list[float]()) for _ in tools]
    for _round in range(CHECK_ROUNDS):
        for (cold, unchanged), tree_of, tool in zip(took, trees, tools, strict=True):
            shutil.rmtree(scratch / "cache", ignore_errors=True)
            cold.append(tool(command, tree_of))
            unchanged.append(tool(command, tree_of))
    return took


def _unchanged(what: str, took: list[tuple[list[float], list[float]]], wanted: str) -> Iterator[str]:
    cold, unchanged = took[0]
    yield row(f"{what}: unchanged", unchanged, "without a cache", cold, 3, wanted, judge=unchanged)


def _peak(command: str, of: Path, scratch: Path) -> Iterator[str]:
    """The most memory that a command took, without a cache."""
    shutil.rmtree(scratch / "cache", ignore_errors=True)
    own = [peak("resonate_scaffold", command, of, PYTHONPATH=str(ROOT))]
    version = [peak("resonate_scaffold", "--version", PYTHONPATH=str(ROOT))]
    yield row(f"memory of that {command}, MiB", own, "--version", version, 0, "<= 250", judge=own)


def make_application(into: Path, files: int, matter: int) -> None:
    """A FastAPI application of so many files, as it grew: features of four files, of which few start durable work.

    Its main module mounts all of them.
    """
    features = files // 4
    durable = set(range(0, features, features // (matter // 4)))
    (into / "app").mkdir(parents=True)
    (into / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "1"\n')
    names = [f"feature_{number:04}" for number in range(features)]
    mounted = "".join(f"app.include_router({name}.routes.router)\n" for name in names)
    imports = "".join(f"import app.{name}.routes as {name}_routes\n" for name in names)
    mounted = mounted.replace(".routes.router", "_routes.router")
    (into / "app" / "__init__.py").write_text("")
    (into / "app" / "main.py").write_text(f"from fastapi import FastAPI\n\n{imports}\napp = FastAPI()\n{mounted}")
    for number, name in enumerate(names):
        package = into / "app" / name
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "models.py").write_text(_MODELS)
        (package / "service.py").write_text(_SERVICE)
        (package / "routes.py").write_text(_ROUTES + (_DURABLE if number in durable else ""))


_MODELS = "from dataclasses import dataclass\n" + "".join(
    f"""

@dataclass
class Record{number}:
    \"\"\"One row of table {number}.\"\"\"

    id: int
    name: str
    amount: float = 0.0

    def label(self, upper: bool = False) -> str:
        text = f"{{self.name}} ({{self.id}})"
        return text.upper() if upper else text
"""
    for number in range(12)
)
_SERVICE = "from .models import Record0, Record1\n" + "".join(
    f"""

def total_{number}(records: list[Record0], limit: int = 100) -> float:
    found = 0.0
    for record in records[:limit]:
        if record.amount > {number} and not record.name.startswith("_"):
            found += round(record.amount * 1.{number}, 2)
        elif record.name in {{"a", "b", "c"}}:
            found -= min(record.amount, {number}.5)
    return found


def other_{number}(record: Record1) -> dict[str, object]:
    return {{"id": record.id, "label": record.label(upper=True), "rest": [it for it in range({number} + 3)]}}
"""
    for number in range(12)
)
_ROUTES = (
    "from fastapi import APIRouter\n\nfrom . import service\nfrom .models import Record0\n\nrouter = APIRouter()\n"
    + "".join(
        f"""

@router.get("/records/{number}")
async def read_{number}(limit: int = 10) -> dict[str, float]:
    records = [Record0(it, f"record-{{it}}", it / 3) for it in range(limit)]
    return {{"total": service.total_{number}(records), "count": float(len(records))}}
"""
        for number in range(12)
    )
)
_DURABLE = """

from datetime import timedelta  # noqa: E402

from resonate.context import Context  # noqa: E402
from resonate.resonate import Resonate  # noqa: E402


async def settle(ctx: Context, account: str) -> float:
    return await ctx.run(add_up, account)


async def add_up(ctx: Context, account: str) -> float:
    return service.total_1([Record0(1, account, 2.0)])


@router.post("/settlements/{account}", status_code=202)
async def start(client: Resonate, account: str) -> str:
    handle = client.options(target="workers", timeout=timedelta(hours=1)).rpc(f"settle/{account}", "settle", account)
    return await handle.id()
"""


def example(into: Path, tool: Tool) -> Path:
    """The example service, as a tool makes it."""
    tool("new", NAME, "--no-install", "--no-git", "--defaults", "--into", into)
    return into / NAME


def _adding(services: list[Path], tools: list[Tool]) -> list[list[float]]:
    """Seconds that each `add` of each tool took; each is taken back, so that all meet the same service."""
    took: list[list[float]] = [[] for _ in tools]
    fields = ("--takes", "order_id:str", "--takes", "quantity:int", "--returns", "receipt:str")
    for _round in range(ADD_ROUNDS + 1):
        for figures, service, tool in zip(took, services, tools, strict=True):
            figures.append(tool("add", "workflow", "measured", *fields, "--project", service))
            tool("remove", "workflow", "measured", "--project", service)
    return [figures[1:] for figures in took]  # the first round warms up


def _is_older(service: Path) -> bool:
    """Whether a service has the layout of version 0.1.0: a module of contracts a group, no record of its own an add."""
    return (service / PACKAGE / "contracts" / "workflows.py").is_file()


FILES_OF_A_WORKFLOW = {False: 3, True: 2}
"""Python files that `add workflow` makes, by :func:`_is_older`."""


def grow(service: Path, tool: Tool, here: int, there: int) -> None:
    """Make as many workflows as there would be after so many `add`s, from what one of them made."""
    before = tree(service)
    tool("add", "workflow", "load-00000", "--takes", "order_id:str", "--project", service)
    after = tree(service)
    tool("remove", "workflow", "load-00000", "--project", service)
    made = {path: content.decode() for path, content in after.items() if path not in before}
    numbers = range(here + 1, there + 1)
    for number in numbers:
        hashes = {
            recorded(path, text): recorded(path, _of(number, text))
            for path, text in made.items()
            for recorded in (_form, _sha256)  # 0.1.0 recorded bytes
        }
        for path, text in made.items():
            # Of the older layout there are none: its records are all in one file, which is left as it is.
            record = path.endswith(".json")
            name = re.sub(r"/\d+-workflow", f"/{number:04}-workflow", path) if record else path
            new = service / _of(number, name)
            new.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(_replaced(_of(number, text), hashes) if record else _of(number, text))

    worker = service / PACKAGE / "workflows" / "worker.py"
    edited = after[f"{PACKAGE}/workflows/worker.py"].decode().splitlines(keepends=True)
    imported, served = (line for line in edited if "load_00000" in line)
    text = worker.read_text()
    text = text.replace("from .process_job", "".join(_of(it, imported) for it in numbers) + "from .process_job", 1)
    listed = "".join(_of(number, served) for number in numbers)
    worker.write_text(re.sub(r"(?m)^(SERVED: .*\n(?:    .*\n)*)", lambda found: found[1] + listed, text, count=1))
    if _is_older(service):
        name = f"{PACKAGE}/contracts/workflows.py"
        one = after[name].decode().removeprefix(before[name].decode())
        with (service / name).open("a") as contracts:
            contracts.writelines(_of(number, one) for number in numbers)


def _of(number: int, text: str) -> str:
    """What was made for ``load-00000``, for another number."""
    return re.sub(r"(?<=[Ll]oad)([_-]?)00000", rf"\g<1>{number:05}", text)


def _form(path: str, text: str) -> str:
    return form(PurePosixPath(path), text.encode())


def _sha256(_: str, text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _replaced(text: str, new: dict[str, str]) -> str:
    """The text with other hashes."""
    return re.sub(r"[0-9a-f]{64}", lambda found: new.get(found[0], found[0]), text)


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

"""The rules that keep the service's shape: imports point inward, and every contract is served."""

import ast
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel
from resonate.context import Context

import {{ package_name }} as package
from {{ package_name }} import (
    dev,
)
from {{ package_name }}.rpc import (
    Rpc,
    WiringError,
    check_served,
    serve,
)

ROOT = Path(str(package.__file__)).parent

PARTS = {path.parent.name for path in ROOT.glob("*/*.py")}
TOP = {path.stem for path in ROOT.glob("*.py")} - {"dev", "__main__"}

# What a part may import of the service: itself, the contracts and the modules at the top.
ALLOWED = {part: {part, "contracts"} | TOP for part in PARTS}
ALLOWED["contracts"] = {"contracts", "rpc", "gate"}
# The modules at the top serve all parts, and reach into none that is a process of its own.
PRIVATE = PARTS - {"contracts"}


def imported_parts(path: Path) -> set[str]:
    """The first name below the package of everything that a file imports from it."""
    here = path.relative_to(ROOT).with_suffix("").parts
    parts: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            module = tuple((node.module or "").split(".")) if node.module else ()
            if node.level:
                target = here[: len(here) - node.level] + module
            elif module[:1] == (ROOT.name,):
                target = module[1:]
            else:
                continue
            parts |= {target[0]} if target else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            parts |= {name[1] for name in names if name[0] == ROOT.name and len(name) > 1}
    return parts


@pytest.mark.parametrize("part", sorted(PARTS))
def test_imports_point_inward(part: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / part).rglob("*.py")
        for name in imported_parts(path)
        if name not in ALLOWED[part]
    }
    assert not wrong


@pytest.mark.parametrize("module", sorted(TOP))
def test_the_top_reaches_into_no_part(module: str) -> None:
    assert not imported_parts(ROOT / f"{module}.py") & PRIVATE


@pytest.mark.parametrize("part", sorted(path.parent.name for path in ROOT.glob("*/worker.py")))
def test_dev_serves_what_each_worker_serves(part: str) -> None:
    """A function that `dev` does not serve leaves its callers waiting there."""
    served = import_module(f"{package.__name__}.{part}.worker").SERVED
    assert [entry.contract.name for entry in served if entry not in dev.SERVED] == []


def test_no_function_is_served_twice() -> None:
    names = [(entry.contract.name, entry.contract.version) for entry in dev.SERVED]
    assert sorted(names) == sorted(set(names))


class Ping(BaseModel):
    text: str


class Pong(BaseModel):
    text: str


ping = Rpc(name="ping", group="tests", request=Ping, result=Pong)


async def answer(ctx: Context, request: Ping) -> Pong:
    return Pong(text=request.text)


def test_start_up_refuses_what_would_hang() -> None:
    contracts = ModuleType("contracts")
    contracts.ping = ping  # type: ignore[attr-defined]
    check_served("tests", contracts, [serve(ping, answer)])
    with pytest.raises(WiringError, match="SERVED of group tests lacks it"):
        check_served("tests", contracts, [])
    with pytest.raises(WiringError, match="stands twice"):
        check_served("tests", contracts, [serve(ping, answer), serve(ping, answer)])
    with pytest.raises(WiringError, match="belongs to group tests, not others"):
        check_served("others", contracts, [serve(ping, answer)])

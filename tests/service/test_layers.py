"""The runtime's layers import downwards only, and nothing of the service around it."""

import re

import grimp
import pytest
from shop.runtime.service import Service

GROUND = {"errors", "settings", "outages", "systems"}

# What each part of the runtime may import of the others. `dev`, `cli` and `testing` are above all.
ALLOWED = {
    "errors": set[str](),
    "settings": {"errors"},
    "outages": set[str](),
    "systems": set[str](),
    "columns": set[str](),
    "database_connections": GROUND,
    "migrations": GROUND | {"columns", "database_connections"},
    "local_postgres": GROUND,
    "probe": set[str](),
    "database": GROUND | {"columns", "database_connections", "local_postgres", "migrations"},
    "reads": GROUND | {"database"},
    "pages": GROUND,
    "telemetry": GROUND,
    "engine": GROUND | {"telemetry"},
    # `once` writes to the database, `prune` removes what that wrote, `rows` what columns are for.
    "durable": GROUND | {"telemetry", "engine", "database", "columns"},
    "http": GROUND | {"telemetry", "engine", "durable", "reads", "pages"},  # The last two in `queries` alone.
    "service": GROUND
    | {"telemetry", "engine", "durable", "database", "reads", "dev"},  # The last two where they are called.
    "exported": GROUND | {"engine", "durable", "service"},
    "shown_runs": GROUND | {"engine", "durable", "service"},
    "run_lines": {"engine", "durable"},
    "cli_runs": GROUND | {"engine", "durable", "service", "shown_runs", "run_lines"},
    "cli_prune": GROUND | {"service"},
    "console": GROUND | {"telemetry", "engine", "durable", "http", "service", "shown_runs"},
    "dev": GROUND | {"telemetry", "engine", "durable", "database", "service", "console"},
    "cli": GROUND
    | {"telemetry", "engine", "durable", "database", "local_postgres", "http", "service", "dev", "exported", "testing"}
    | {"cli_prune", "cli_runs", "console"},
    "testing": GROUND | {"telemetry", "engine", "durable", "database", "reads", "http", "service", "dev"},
}

RUNTIME = "shop.runtime"
TEXTS = (".py", ".md", ".html", ".css", ".js", ".svg")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import of the package, also those inside of functions and for type checkers."""
    return grimp.build_graph("shop", cache_dir=None)


def part_of(module: str) -> str:
    """The first name below the runtime."""
    return module.removeprefix(f"{RUNTIME}.").partition(".")[0]


def test_every_part_is_known(graph: grimp.ImportGraph) -> None:
    assert {part_of(module) for module in graph.find_children(RUNTIME)} == set(ALLOWED)


@pytest.mark.parametrize("part", ALLOWED)
def test_a_part_imports_only_what_is_below_it(graph: grimp.ImportGraph, part: str) -> None:
    here = {f"{RUNTIME}.{part}", *graph.find_descendants(f"{RUNTIME}.{part}")}
    wrong = [
        f"{importer} imports {imported}"
        for importer in sorted(here)
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
        if imported not in here and not (imported.startswith(f"{RUNTIME}.") and part_of(imported) in ALLOWED[part])
    ]
    assert wrong == []


def test_in_durable_only_operations_use_the_database(graph: grimp.ImportGraph) -> None:
    importers = graph.find_modules_that_directly_import(f"{RUNTIME}.database")
    assert {it for it in importers if it.startswith(f"{RUNTIME}.durable.")} == {
        f"{RUNTIME}.durable.{module}" for module in ("once", "prune")
    }


def test_the_runtime_does_not_name_the_service(definition: Service) -> None:
    """It has the same bytes in every service."""
    runtime = definition.directory / "runtime"
    texts = {path: path.read_text("utf-8") for path in runtime.rglob("*") if path.suffix in TEXTS}
    assert len(texts) > 30
    assert [path.name for path, text in texts.items() if re.search(rf"\b{definition.name}\b", text)] == []


def test_every_module_has_its_line_in_the_readme(definition: Service) -> None:
    runtime = definition.directory / "runtime"
    readme = (runtime / "README.md").read_text("utf-8")
    modules = [path for path in runtime.rglob("*.py") if path.name != "__init__.py"]
    assert [path.name for path in modules if not re.search(rf"`([a-z]+/)?{path.name}`", readme)] == []

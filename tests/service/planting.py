"""Small packages on disk: services with a mistake in them, for the guarantees to find."""

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from shop.runtime.service import Service
from shop.runtime.settings import ServiceSettings

_NUMBERS = itertools.count(1)

APP = """
from fastapi import APIRouter, FastAPI
from shop.runtime.http.app import install

router = APIRouter()


def create_app(settings, lifespan):
    app = FastAPI(title="planted", lifespan=lifespan)
    install(app, settings, [router])
    return app
"""

WORKFLOWS = """
SERVED = []
SCHEDULES = []
"""

DB = """
SERVED = []
"""


class PlantedSettings(ServiceSettings):
    namespace: str = "planted"


@contextmanager
def planted_service(
    directory: Path, files: Mapping[str, str] | None = None, *, groups: Sequence[str] = ("workers", "db")
) -> Iterator[Service]:
    """Write a bare service, with these files in it or in the place of its own, and make it importable.

    Its modules use the runtime of the service under test. A folder of a file is a package.
    """
    package = f"planted_{next(_NUMBERS)}"
    written = {
        "__init__.py": "",
        "contracts/__init__.py": "",
        "api/app.py": APP,
        "workflows/worker.py": WORKFLOWS,
        "db/worker.py": DB,
        "fakes/worker.py": "SERVED = []\n",
        **(files or {}),
    }
    root = directory / package
    for name, content in written.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for folder in {path.parent for path in root.rglob("*.py")}:
        (folder / "__init__.py").touch()
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(directory))
        patched.chdir(directory)  # What reads the package may keep a cache here.
        try:
            yield Service(name="planted", package=package, settings=PlantedSettings, groups=groups)
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] == package]:
                del sys.modules[name]

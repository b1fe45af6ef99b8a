"""How long `upgrade` takes on a service of version 0.1.0 that has grown: a part of `tests.bench`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from resonate_scaffold.templates import complete_answers
from resonate_scaffold.upgrade.releases import replay_with
from resonate_scaffold.upgrade.replay import Record
from tests.conftest import git
from tests.figures import row, run
from tests.past_service import write

FILES, ADDS = 500, 60
"""The service's files; and how many `add workflow` and `add route` it has seen. The rest are its owner's modules."""

ROUNDS = 3
_OLD = "0.1.0"
_OWN = b'''"""Rules of the business."""

from ..contracts.workflows import ProcessJob


def is_large(request: ProcessJob) -> bool:
    """Whether somebody has to look at it."""
    return request.requires_approval
'''


def upgrade(scratch: Path) -> Iterator[str]:
    """The real run and the dry one, of a service each of whose workflows has a line of its owner's."""
    service = grown(scratch / "upgraded")
    took, dry = list[float](), list[float]()
    for _round in range(ROUNDS):
        dry.append(_upgrade(service, "--dry-run"))
        took.append(_upgrade(service))
        git(service, "reset", "--quiet", "--hard")
        git(service, "clean", "--quiet", "--force", "-d")
    bare = [run(sys.executable, "-c", "pass") for _ in took]
    yield row(f"upgrade, {FILES} files, s", took, "python -c pass", bare, 3, "<= 10", judge=took)
    yield row(f"upgrade --dry-run, {FILES} files, s", dry, "upgrade", took, 3, "<= 10", judge=dry)


def grown(into: Path) -> Path:
    """A service of version 0.1.0 with so many files, in a git repository. Its owner has edited each workflow."""
    answers = complete_answers({"project_name": "myapi"})
    options = {"takes": ["order_id:str", "quantity:int"], "returns": ["receipt:str"], "calls": []}
    adds = list[Record]()
    for number in range(ADDS // 2):
        name = f"load-{number:05}"
        adds.append(Record("workflow", name, options))
        adds.append(Record("route", f"POST /{name}", {"target": name, "idempotency": None, "key": None, "wait": None}))
    made = replay_with(_OLD, answers, adds)
    assert made.refused == ()
    edited = {
        path: content + b"\n\nMINE = True\n"
        for path, content in made.files.items()
        if path.parent == PurePosixPath("myapi/workflows") and path.name.startswith("load_")
    }
    rules = {PurePosixPath(f"myapi/workflows/rules_{number:05}.py"): _OWN for number in range(FILES - len(made.files))}
    service = write({**made.files, **edited, **rules}, into)
    git(service, "init", "--quiet")
    git(service, "add", "--all")
    git(service, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--message", "As it was")
    return service


def _upgrade(service: Path, *options: str) -> float:
    root = Path(__file__).parent.parent
    command: list[str | Path] = [
        sys.executable,
        "-P",
        "-m",
        "resonate_scaffold",
        "upgrade",
        "--project",
        service,
        *options,
    ]
    return run(*command, PYTHONPATH=str(root))

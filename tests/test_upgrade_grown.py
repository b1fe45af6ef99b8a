"""Services of 0.1.0 that grew at random, with code of their owner in each file, pass their own checks once upgraded.

That nothing of an owner is lost is what ``test_upgrade`` looks for. Here, no file is left in conflict, and the service
is run. ``UPGRADES=30`` tries thirty.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from hypothesis import HealthCheck, Phase, assume, given, settings, strategies as st

from resonate_scaffold.project import MANIFEST, FilesInMemory, Manifest, Project
from resonate_scaffold.upgrade.releases import replay_with
from resonate_scaffold.upgrade.replay import Record
from tests.past_service import write
from tests.test_sequences_runs import run
from tests.test_upgrade import adds, after, grown_by_old, made_for, planned_between, project, with_removes

OLD = "0.1.0"
RECORDS = 6
"""A service that counts has at least so many adds."""

OWN = '''

def own_{number}() -> str:
    """Of the owner, and of nobody's template."""
    return "own-{number}"
'''


def with_own_code(files: Mapping[PurePosixPath, bytes]) -> dict[PurePosixPath, bytes]:
    """The files, each module of which has a function of its owner's at its end, and a comment at its beginning."""
    found = dict(files)
    for number, path in enumerate(path for path in sorted(files) if path.suffix == ".py" and files[path]):
        lines = files[path].decode().splitlines(keepends=True)
        first = next((at for at, line in enumerate(lines) if line.startswith(("def ", "async def ", "class ", "@"))), 0)
        if first:
            lines.insert(first, f"# Of the owner: {number}.\n")
        found[path] = ("".join(lines) + OWN.format(number=number)).encode()
    return found


@settings(
    max_examples=int(os.environ.get("UPGRADES", "1")),
    deadline=None,
    phases=[Phase.generate],
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(st.data(), st.booleans(), st.sampled_from(["sqlite", "postgres"]))
def test_it_passes_its_own_checks(service_python: Path, data: st.DataObject, bare: bool, database: str) -> None:
    answers = {**project("shop").manifest.answers, "bare": bare, "database": database}
    asked = adds(data)
    assume(len(asked) >= RECORDS)
    made = grown_by_old(answers, with_removes(data, asked))
    it = Project("shop", Manifest.from_bytes(made[MANIFEST]), FilesInMemory(made))
    records = [Record(added.kind, added.name, added.options) for added in it.recorded()]
    old = replay_with(OLD, answers, records)
    new = made_for(it, old, records)
    ours = with_own_code(made)
    upgrade = planned_between(it, old, new, ours)
    in_conflict = {path for conflict in upgrade.conflicts for path in conflict.paths}
    print(f"{len(records)} adds, {len(ours)} files, in conflict: {sorted(map(str, in_conflict))}")
    # An owner who takes back what is in the way. What has no file there any more is found by its own text.
    numbers = [line for path in in_conflict for line in _marks(after(ours, upgrade).get(path, b""))]
    kept = {path: made[path] if any(it in ours[path] for it in numbers) else ours[path] for path in ours}
    upgrade = planned_between(it, old, new, kept)
    assert upgrade.conflicts == ()
    with tempfile.TemporaryDirectory() as directory:
        service = write(after(kept, upgrade), Path(directory, "shop"))
        cache = service_python.parent.parent / "mypy"
        for arguments in (
            ["ruff", "check", "."],
            ["mypy", "--cache-dir", str(cache)],
            ["pytest", "-q", "-x", "-p", "no:cacheprovider"],
        ):
            status, said = run([service_python, "-m", *arguments], service)
            assert status == 0, said


def _marks(content: bytes) -> list[bytes]:
    """The owner's lines of a file."""
    return [line.strip() for line in content.splitlines() if line.startswith((b"# Of the owner: ", b"def own_"))]

"""Make a service again from its records: the answers of `new`, then each `add`, in their order.

Every release has this module, so that a later one can make what this one would have made, by running it:

    python -m resonate_scaffold.upgrade.replay < {"answers": {…}, "records": [{"kind", "name", "options"}, …]}

It prints one JSON object: ``files`` (path to content in base64), ``executable`` (paths), and ``refused``, the records
that this version would not add, each with kind, name and reason.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import __version__
from resonate_scaffold.errors import ScaffoldError
from resonate_scaffold.generators.again import plan_again
from resonate_scaffold.generators.deploy import follow
from resonate_scaffold.generators.project import ENV, new_project
from resonate_scaffold.plan import Create
from resonate_scaffold.project import MANIFEST, FilesInMemory, Manifest, Project, after
from resonate_scaffold.templates import render_builtin


@dataclass(frozen=True, slots=True)
class Record:
    """What was asked of one ``add``."""

    kind: str
    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that a version does not add, and why."""

    kind: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """A service as one version makes it, its manifest and records included, and what that version refused to add."""

    files: Mapping[PurePosixPath, bytes]
    executable: frozenset[PurePosixPath]
    refused: tuple[Refused, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON: what :meth:`from_json` reads."""
        return {
            "files": {str(path): base64.b64encode(content).decode() for path, content in self.files.items()},
            "executable": [str(path) for path in sorted(self.executable)],
            "refused": [[one.kind, one.name, one.reason] for one in self.refused],
        }

    @classmethod
    def from_json(cls, data: Any) -> Replayed:
        """Read what a release printed."""
        files = {PurePosixPath(path): base64.b64decode(content) for path, content in data["files"].items()}
        executable = frozenset(map(PurePosixPath, data["executable"]))
        return cls(files, executable, tuple(Refused(*one) for one in data["refused"]))


def replay(answers: Mapping[str, Any], records: Sequence[Record]) -> Replayed:
    """Make a service with this version, in memory.

    Raises:
        ScaffoldError: this version's template does not take the answers.
    """
    plan = new_project(render_builtin(answers), version=__version__, secret="")
    creates = [change for change in plan.changes if isinstance(change, Create) and change.path != ENV]
    made = {change.path: change.content for change in creates}
    project = Project(str(answers["package_name"]), Manifest.from_bytes(made[MANIFEST]), FilesInMemory(made))
    refused = []
    for record in records:
        try:
            plan = follow(project, plan_again(project, record.kind, record.name, record.options))
        except ScaffoldError as error:
            refused.append(Refused(record.kind, record.name, f"{error.message}. {error.hint}"))
            continue
        # One set of files, and not one upon another for each record, which gets slow with hundreds of them.
        changed = after(project, plan)
        for change in plan.changes:
            made.pop(change.path, None)
            if change.path in changed.files:
                made[change.path] = changed.files[change.path]
        project = Project(changed.package, changed.manifest, FilesInMemory(made))
    executable = frozenset(change.path for change in creates if change.executable)
    return Replayed(made, executable, tuple(refused))


def main() -> None:
    """Read the answers and the records, print the files."""
    asked = json.load(sys.stdin)
    json.dump(replay(asked["answers"], [Record(**record) for record in asked["records"]]).to_json(), sys.stdout)


if __name__ == "__main__":
    main()

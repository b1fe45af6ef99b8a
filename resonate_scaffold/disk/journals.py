"""What a change of a service is about to do, written down before it is done."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from resonate_scaffold import trust
from resonate_scaffold.disk import files, plain
from resonate_scaffold.errors import (
    DiskError,
    PlanConflict,
    Untrusted,
)
from resonate_scaffold.plan import Delete, Plan
from resonate_scaffold.project import MANIFEST, fingerprint

STAGING = ".resonate-scaffold.apply"
KEPT = ".resonate-scaffold.kept"
JOURNAL = "journal.json"
ROLLBACK = "rollback.json"


@dataclass(frozen=True, slots=True)
class Step:
    """One change: the SHA-256 of what is at its path before and after it. None: nothing is there."""

    number: int
    path: PurePosixPath
    before: str | None
    after: str | None

    @property
    def old(self) -> str:
        return f"old-{self.number}"

    @property
    def new(self) -> str:
        return f"new-{self.number}"

    def check_staged(self, staging: Path) -> None:
        """See that this can be a step of the tool's own, and that what it would put into place is what it says.

        Raises:
            ValueError: somebody else wrote it.
        """
        str(self.path).encode()  # or it is no path that a plan has
        if self.path.parts[0] in {STAGING, KEPT}:
            raise ValueError(f"{self.path} is the tool's own")
        for name in (self.old, self.new):
            status = plain.lstat(staging / name)
            if status is not None and not stat.S_ISREG(status.st_mode):
                raise ValueError(f"{name} is not a plain file")
            # The old version is the file itself under a second name: its owner may have written to it since.
            if status is not None and name == self.new and fingerprint(plain.read_file(staging / name)) != self.after:
                raise ValueError(f"{name} is not what it was")


@dataclass(frozen=True, slots=True)
class Journal:
    """The changes, in the order in which they are made, and the directories that are made for them, outermost first.

    ``whole``: they may be of any file of the service, and not only of what generators change.
    """

    steps: tuple[Step, ...]
    made: tuple[PurePosixPath, ...]
    whole: bool = False

    def to_bytes(self, root: Path) -> bytes:
        steps = [{"path": str(step.path), "before": step.before, "after": step.after} for step in self.steps]
        content = {"changes": steps, "made": [str(path) for path in self.made], "whole": self.whole}
        return json.dumps({**content, "seal": trust.seal(sealed_part(content), root)}).encode()

    @classmethod
    def read(cls, file: Path) -> Journal:
        """Read a journal of this user.

        Raises:
            Untrusted: somebody else made it, or changed it.
            DiskError: it is damaged.
        """
        root = file.parent.parent
        try:
            data = json.loads(plain.read_file(file).decode())
            if not trust.is_sealed(sealed_part(data), str(data["seal"]), root):
                raise untrusted(file.parent, f"{file.name} does not have the seal of your commands")
            steps = tuple(
                Step(number, PurePosixPath(step["path"]), _hash(step["before"]), _hash(step["after"]))
                for number, step in enumerate(data["changes"])
            )
            is_new = any(step.path == MANIFEST and step.before is None for step in steps)
            whole = data.get("whole", False) is True
            package = None if is_new or whole else files.package_at(root)
            made = tuple(PurePosixPath(path) for path in data["made"])
            Plan(tuple(Delete(step.path, b"") for step in steps))  # it refuses paths that lead out
            if not {parent for step in steps for parent in step.path.parents[:-1]}.issuperset(made):
                raise ValueError("it makes directories that it does not need")
            for step in steps:
                if not files.may_change(step.path, package):
                    raise ValueError(f"{step.path} is not the tool's to change")
                step.check_staged(file.parent)
        except (ValueError, KeyError, TypeError, RecursionError, PlanConflict) as error:
            raise DiskError(
                f"A command was killed, and its journal {file} is damaged ({error})",
                f"Restore the service's files (git status shows them), then remove {file.parent}.",
            ) from error
        return cls(steps, made, whole)


def sealed_part(content: Mapping[str, object]) -> bytes:
    """What the seal of a journal is of."""
    sealed = {name: content[name] for name in ("changes", "made", "whole") if name in content}
    return json.dumps(sealed, sort_keys=True).encode()


def untrusted(staging: Path, why: str) -> Untrusted:
    return Untrusted(
        f"{staging} was not left by a command of yours: {why}. Nothing in it is carried out",
        f"See what it is and where it comes from (git log -- {STAGING}), then remove it: rm -r {staging}",
    )


def _hash(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{value!r} is not a hash")
    return value

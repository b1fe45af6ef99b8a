"""Every way a command can end without having done its work.

    ScaffoldError               exit status 1: refused or failed, nothing changed
    ├── UsageError              exit status 2: the command line contradicts itself
    ├── InvalidName             carries a suggestion that is itself valid
    ├── TargetExists            something is already where the service would go
    ├── TemplateError           a template that cannot be found, read or rendered
    ├── PlanConflict            two changes of one plan exclude each other
    ├── DiskError               the operating system said no
    ├── GitError                git is there and failed
    ├── InstallError            the service is complete, its dependencies are not
    ├── EngineFailed            the development engine did not start
    ├── NoProject               not inside a service that this tool made
    ├── Untrusted               a service, or what a killed command left in one, that somebody else made
    ├── ManifestError           the service's record of itself cannot be read
    ├── OlderLayout             a service that an older version made, and this one only reads
    ├── BrokenSource            a file of the service that is not Python as it stands
    ├── FormattingFailed        ruff cannot be run, or cannot read the project's configuration of it
    ├── CannotEdit              a place that cannot be edited safely; the hint has the lines to paste
    ├── Taken                   a name, path or route that is there already
    ├── Unknown                 a name that is not there
    ├── StillUsed               something to remove that something else needs
    ├── ChangedSince            something to remove that somebody has written into
    ├── Unwanted                asked, the user said no
    └── Changed                 a file that changed between the preview and the write, or while another command ran

Each has one line that says what is wrong (``message``) and one that says what to do (``hint``).
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


def plain(text: str) -> str:
    """*text* with what would end the line, or steer a terminal, as an escape.

    It may hold what somebody typed, a path, or a name from the code of a service.
    """
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def quoted(text: str) -> str:
    """Quote *text* so that control characters, line ends and great length cannot spoil the line."""
    return f'"{plain(text if len(text) <= 60 else text[:57] + "...")}"'


class ScaffoldError(Exception):
    """A mistake or a failure that the user is told about, never as a traceback."""

    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ScaffoldError):
    """The command line contradicts itself or names an answer that does not exist."""

    exit_status: ClassVar[int] = 2


class InvalidName(ScaffoldError):
    """A name that would not work on every platform, or that means something else already."""

    def __init__(self, message: str, suggestion: str) -> None:
        super().__init__(message, f"Try: {suggestion}")
        self.suggestion = suggestion


class TargetExists(ScaffoldError):
    """Something is already at the path of the new service."""


class TemplateError(ScaffoldError):
    """A template that cannot be found, read, trusted or rendered."""


class PlanConflict(ScaffoldError):
    """A plan that names a path twice, or a path that it must not touch."""


class DiskError(ScaffoldError):
    """The operating system refused a read or a write."""

    @classmethod
    def of(cls, error: OSError, path: Path) -> DiskError:
        """Say what *error* means for *path*; the system's own path wins where it names one."""
        where = error.filename if isinstance(error.filename, str) else str(path)
        reason = error.strerror or str(error)
        return cls(f"Cannot write {where}: {reason}", "Check the path, its permissions and the free space.")


class GitError(ScaffoldError):
    """Git is installed, and failed."""


class InstallError(ScaffoldError):
    """The dependencies could not be installed; the service itself is complete.

    ``output`` holds the last lines that the installer printed, oldest first.
    """

    def __init__(self, message: str, hint: str, output: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.output = output


class EngineFailed(ScaffoldError):
    """The development engine did not start, or stopped by itself."""


class NoProject(ScaffoldError):
    """The directory is not in a service that this tool made."""


class Untrusted(ScaffoldError):
    """What is there belongs to another user, or was not made by a command of this one."""


class ManifestError(ScaffoldError):
    """The manifest is damaged, or somebody else's."""


class OlderLayout(ScaffoldError):
    """The service has the layout of an older version, which this one can read and not change."""


class BrokenSource(ScaffoldError):
    """A file that has to be read is not Python, or not UTF-8."""


class FormattingFailed(ScaffoldError):
    """What would be written cannot be laid out as the project wants it."""


class CannotEdit(ScaffoldError):
    """The place to edit is gone, or is written in a way that no safe edit is known for."""


class Taken(ScaffoldError):
    """What would be added is there already, as something else."""


class Unknown(ScaffoldError):
    """What the command line names does not exist in this service."""


class StillUsed(ScaffoldError):
    """What would be removed is needed by something that stays."""


class ChangedSince(ScaffoldError):
    """What would be removed has something that no `add` made."""


class Changed(ScaffoldError):
    """The project is not what the plan was made for."""


class Unwanted(ScaffoldError):
    """Somebody was asked, and said no."""

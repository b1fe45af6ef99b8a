"""The service that is run: its commands, its environment, how each of its processes is started."""

import itertools
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from resonate_scaffold import install, trust
from resonate_scaffold.dev.procfile import expand, parse_procfile
from resonate_scaffold.dev.supervisor import Launch
from resonate_scaffold.disk import package_of
from resonate_scaffold.errors import ScaffoldError
from resonate_scaffold.install import ENVIRONMENT, scripts
from resonate_scaffold.project import MANIFEST, check_package

API = "api"
RELEASE = "release"  # the one Procfile line that runs once, to its end, before the others
CONSOLE = "console"  # run beside the lines of the Procfiles, where the service's runtime has it
CONSOLE_PORT = 8002
PROCFILES = ("Procfile", "Procfile.dev")  # of a name that is in both, the last one holds
ENV_FILE = ".env"
GRACE = 5  # seconds that a process may take to finish what runs: less than the supervisor gives it


@dataclass(frozen=True)
class Project:
    """What `dev` needs to know of a generated service."""

    root: Path
    package: Path
    commands: Mapping[str, tuple[str, ...]]
    wants_postgres: bool = False  # by its manifest

    @property
    def env_file(self) -> Path:
        return self.root / ENV_FILE


def find_project(start: Path) -> Project:
    """The service that holds `start`: the nearest directory upwards with a manifest."""
    start = start.resolve()
    root = next((path for path in (start, *start.parents) if (path / MANIFEST).is_file()), None)
    if root is None:
        raise ScaffoldError(
            f"No generated service here: neither {start} nor a directory above it has a {MANIFEST}.",
            hint="Go into the service's directory, or name it with --project DIR.",
        )
    try:
        trust.check_owner(root, str(MANIFEST), *PROCFILES, ENV_FILE)
        answers = json.loads((root / MANIFEST).read_text("utf-8"))["answers"]
        package = root / check_package(answers["package_name"])
        if not package.is_dir():  # it may have been renamed
            package = root / package_of(root, package.name)
        wants_postgres = answers.get("database") == "postgres"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ScaffoldError(
            f"{root / MANIFEST} cannot be read ({type(error).__name__}: {error}).",
            hint=f"Restore it from the repository: `git checkout -- {MANIFEST}`.",
        ) from error
    return Project(root, package, _commands(root, package), wants_postgres)


def _commands(root: Path, package: Path) -> dict[str, tuple[str, ...]]:
    always, here = (root / name for name in PROCFILES)
    commands = parse_procfile(_read(always))
    if here.exists():
        commands |= parse_procfile(_read(here), here.name)
    if not commands.keys() - {RELEASE}:
        raise ScaffoldError("The Procfile names no process.", hint="Add a line such as `api: python -m …`.")
    if (package / "runtime" / CONSOLE).is_dir():
        commands.setdefault(CONSOLE, ("python", "-m", package.name, CONSOLE))
    return commands


def environment(project: Project, port: int | None) -> dict[str, str]:
    """The service's own environment: `.env` below the real one, its interpreter first on PATH.

    `port` None leaves the service's PORT as it is, 8000 if there is none. SHUTDOWN_GRACE and SHUTDOWN_DELAY are ours:
    what suits production may be longer than a stop may take here.
    """
    from dotenv import dotenv_values

    programs = project.root / scripts()
    if why := install.problem(project.root):
        raise ScaffoldError(
            f"The service's dependencies are not installed: {why}.",
            hint=f"Install them: {install.repeat_command(str(project.root))}",
        )
    text = _read(project.env_file) if project.env_file.exists() else ""
    from_file = {key: value for key, value in dotenv_values(stream=StringIO(text)).items() if value is not None}
    env = from_file | dict(os.environ)
    env.pop("PYTHONHOME", None)
    return env | {
        "PATH": os.pathsep.join(filter(None, (str(programs), env.get("PATH")))),
        "VIRTUAL_ENV": str(project.root / ENVIRONMENT),
        "PYTHONUNBUFFERED": "1",
        "SHUTDOWN_GRACE": str(GRACE),
        "SHUTDOWN_DELAY": "0",
        "PORT": env.get("PORT") or "8000" if port is None else str(port),
    }


def launches(project: Project, env: Mapping[str, str]) -> dict[str, Launch]:
    """Every process of the Procfiles, ready to start in this environment."""
    ready: dict[str, Launch] = {}
    ports = health_ports(project.commands, env)
    for name, argv in project.commands.items():
        program, *arguments = expand(argv, env)
        # Windows would look `python` up on our own PATH
        found = program if Path(program).name != program else shutil.which(program, path=env["PATH"]) or program
        own = {"HEALTH_PORT": ports[name]} if name in ports else {}
        ready[name] = Launch((found, *arguments), project.root, {**env, **own})
    return ready


def health_ports(names: Iterable[str], env: Mapping[str, str]) -> dict[str, str]:
    """HEALTH_PORT for each worker, where it is set: that one and those that follow, since a port has one process."""
    first = env.get("HEALTH_PORT", "")
    if not first.isdecimal() or first == "0":  # none, one that the system chooses, or nonsense that each refuses itself
        return {}
    workers = [name for name in names if name not in (API, CONSOLE, RELEASE)]
    ports = (str(port) for port in itertools.count(int(first)) if str(port) != env["PORT"])
    return dict(zip(workers, ports, strict=False))


def _read(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise ScaffoldError(f"{path} is not a plain file.", hint="Put there what it should hold.")
    try:
        text = path.read_text("utf-8-sig")  # editors on Windows begin a file with a mark
    except OSError as error:
        raise ScaffoldError(f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.") from error
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    if "\0" in text:  # what UTF-16 is full of
        raise _not_utf8(path)
    return text


def _not_utf8(path: Path) -> ScaffoldError:
    return ScaffoldError(f"{path} is not UTF-8.", hint="Save it as UTF-8: an editor's `Save with encoding`, or iconv.")

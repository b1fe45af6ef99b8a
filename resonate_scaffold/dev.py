"""`resonate-scaffold dev`: a service's Procfile on one machine, with an engine, readable logs and reload.

`Procfile.dev`, where there is one, adds what runs in development only, such as stand-ins for other teams.

Decisions are pure functions (`parse_procfile`, `expand`, `choose_engine`, `which_to_restart`); `run` carries
them out through `supervisor`. The engine is chosen once, at the start; the rest follows a changed `.env`.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import StringIO, TextIOWrapper
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import urlsplit

from resonate_scaffold import install, trust
from resonate_scaffold.disk import package_of
from resonate_scaffold.errors import EngineFailed, ScaffoldError, UsageError
from resonate_scaffold.install import ENVIRONMENT, scripts
from resonate_scaffold.project import MANIFEST, check_package
from resonate_scaffold.supervisor import Console, Launch, Service, describe_end

STATE = Path(".resonate")  # in the service's directory, ignored by its git: what an engine of ours keeps
ENGINE_FILE = STATE / "engine.env"  # while an engine of ours runs: read by the service's `run-schedule`, `reconcile`
ENGINE_WAIT = 10.0  # seconds until an engine that does not answer is an error
_GRACE = 5  # seconds that a process may take to finish what runs: less than the supervisor gives it
DATABASE_WAIT = 60.0  # the same for a PostgreSQL that we start; the first time it makes its files

ENV_FILE = ".env"
_PROCFILES = ("Procfile", "Procfile.dev")  # of a name that is in both, the last one holds
_API = "api"
_RELEASE = "release"  # the one Procfile line that runs once, to its end, before the others
_RESERVED = frozenset({"dev", "engine"})  # our own prefixes
_LINE = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(\S.*)")
_VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\})")
_SHELL = ("sh", "-c")
# What only a shell can carry out, where it is not quoted: operators, patterns, comments, the home directory.
_OPERATORS = re.compile(r"[;&|<>()*?]|(?<!\S)[~#]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_BUILTINS = frozenset(
    [
        ".",
        ":",
        "cd",
        "command",
        "eval",
        "exec",
        "export",
        "for",
        "if",
        "set",
        "source",
        "trap",
        "ulimit",
        "umask",
        "unset",
        "until",
        "while",
        "{",
    ]
)
_PROCESS_OF = {"workflows": "worker", "fakes": "fake"}  # folders that are not called like their process
_POSTGRES = ("postgresql", "postgres")
_ANNOUNCED = "DATABASE_URL="  # how a service's command `postgres` begins the line that says it is ready


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


@dataclass(frozen=True)
class Engine:
    """Where promises live: its URL, a line for people, its command (empty: it runs elsewhere).

    `env` is added to the environment of the command, `service_env` to that of the service's processes.
    """

    url: str
    title: str
    argv: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    service_env: Mapping[str, str] = field(default_factory=dict, repr=False)


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
        trust.check_owner(root, str(MANIFEST), *_PROCFILES, ENV_FILE)
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
    return Project(root, package, _commands(root), wants_postgres)


def _commands(root: Path) -> dict[str, tuple[str, ...]]:
    always, here = (root / name for name in _PROCFILES)
    commands = parse_procfile(_read(always))
    if here.exists():
        commands |= parse_procfile(_read(here), here.name)
    if not commands.keys() - {_RELEASE}:
        raise ScaffoldError("The Procfile names no process.", hint="Add a line such as `api: python -m …`.")
    return commands


def parse_procfile(text: str, file: str = "Procfile") -> dict[str, tuple[str, ...]]:
    """`name: command` lines to argument lists, variables not yet expanded; blank and `#` lines skipped.

    A command that needs a shell, as other runners give one to every line, is `sh -c COMMAND`.
    """
    commands: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"{file}, line {number}"
        match = _LINE.fullmatch(line.strip())
        if not match:
            raise ScaffoldError(
                f"{where} is not `name: command`: {line.strip()}", hint="Correct it, or put a # before it."
            )
        name, command = match.groups()
        if name in commands or name in _RESERVED:
            reason = "is there twice" if name in commands else "is a name that `dev` uses itself"
            raise ScaffoldError(f"{where}: `{name}` {reason}.", hint="Give this process another name.")
        try:
            words = tuple(shlex.split(command))
            commands[name] = (*_SHELL, command) if _needs_shell(command, words[0]) else words
        except ValueError as error:
            raise ScaffoldError(f"{where}: {error}.", hint="Close what is open in this command.") from error
    return commands


def _needs_shell(command: str, program: str) -> bool:
    """Whether a command means something else to a shell than its words, and the variables that `expand` knows."""
    unquoted = re.sub(r"'[^']*'", "''", command)
    variables = _VARIABLE.sub(lambda match: "$(" if "$" in (match["default"] or "") else "", unquoted)
    if re.search(r"`|\$[({0-9@*?!#$-]", variables):
        return True  # inside of double quotes, too
    bare = re.sub(r'"(?:\\.|[^"\\])*"|\\.', "", variables)
    return bool(_OPERATORS.search(bare) or _ASSIGNMENT.match(command) or program in _BUILTINS)


def expand(argv: Sequence[str], env: Mapping[str, str]) -> tuple[str, ...]:
    """`$NAME`, `${NAME}` and `${NAME:-default}` replaced, also inside quotes; a value stays one argument.

    A shell replaces them itself.
    """
    if tuple(argv[:2]) == _SHELL:
        return tuple(argv)

    def value(match: re.Match[str]) -> str:
        name, default = match["plain"] or match["braced"], match["default"]
        if default is not None:
            return env.get(name) or default
        if name not in env:
            raise ScaffoldError(
                f"The Procfile's `{shlex.join(argv)}` needs ${name}, which is not set.",
                hint=f"Add {name}=… to .env, or write ${{{name}:-default}}.",
            )
        return env[name]

    return tuple(_VARIABLE.sub(value, argument) for argument in argv)


def choose_engine(
    wish: str,
    url: str | None,
    binary: str | None,
    port: int,
    state: Path,
    secret: str,
    token: str | None = None,
) -> Engine:
    """The engine for `--engine wish`. A server is only started when it is asked for by name.

    `url` is RESONATE_URL (None or empty: unset), `binary` the `resonate` found on PATH, `port` a free one for
    an engine of our own, `state` the directory for its journal, seen from the service's. The server's flags
    are those of v0.9.8 (src/cli.rs): loopback only, half a second to the next try of a task instead of 30 s,
    no metrics port. It checks neither Origin nor Host, so any page in a browser could send it requests: it is told
    to ask for a token, which only processes that know `secret` (of this run) can make. The engine of our own
    refuses browsers itself; it asks for `token`, if there is one.
    """
    own = f"http://127.0.0.1:{port}"
    if "://" in wish or (wish == "auto" and url):
        return _engine_at(wish if "://" in wish else url or "", "--engine" if "://" in wish else "RESONATE_URL")
    if wish == "server":
        if not binary:
            raise ScaffoldError(
                "There is no `resonate` on PATH.",
                hint="Install the Resonate server, or use --engine embedded.",
            )
        journal = state / "server.db"
        flags = {
            "--server-bind": "127.0.0.1",
            "--server-host": "127.0.0.1",
            "--server-port": str(port),
            "--tasks-retry-timeout": "500",
            "--observability-metrics-port": "0",
            "--storage-sqlite-path": str(journal),
        }
        argv = (binary, "dev", *(word for pair in flags.items() for word in pair))
        title = f"{binary} dev at {own}, database {journal} (for development)"
        # In the environment, where other users cannot read it. At start the server logs the issuer as info.
        env = {"RESONATE_AUTH__PUBLICKEY": "none", "RESONATE_AUTH__ISS": secret, "RUST_LOG": "warn"}
        return Engine(own, title, argv, env, {"RESONATE_TOKEN": _token(secret)})
    if wish in ("auto", "embedded"):
        journal = state / "engine.journal"
        # -P: the service's directory is the working directory, and its modules are not ours
        argv = (sys.executable, "-P", "-m", "resonate_scaffold", "engine")
        argv += ("--port", str(port), "--journal", str(journal))
        title = f"embedded engine at {own}, journal {journal}{', with a token' if token else ''} (for development)"
        known = {"RESONATE_TOKEN": token} if token else {}
        return Engine(own, title, argv, known, known)
    raise UsageError(f"There is no engine `{wish}`.", hint="--engine takes auto, embedded, server or a URL.")


def _token(secret: str) -> str:
    """A token for a Resonate server without a public key: not signed, but it names the issuer, which is secret."""
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {"iss": secret, "role": "admin", "exp": 1 << 40}
    parts = [json.dumps(part).encode() for part in (header, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, b"unsigned"))


def _engine_at(url: str, source: str) -> Engine:
    try:
        parts = urlsplit(url)
        # Only Postgres may have several hosts, or none (a socket): its own parser judges the rest
        valid = parts.scheme in _POSTGRES or (parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(
            f"{source} is not the URL of an engine: {_shown(url)}",
            hint="Give it as http://host:port, https://host or postgresql://user@host/database.",
        )
    return Engine(url, f"{_shown(url)} (not started here)")


def _shown(url: str) -> str:
    """A URL for people and logs: without what may be a password, in front of the host or in the query."""
    without_user = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", r"\1", url, flags=re.DOTALL)
    return re.split(r"[?#]", without_user)[0]


def which_to_restart(
    changed: Iterable[Path], project: Path, package: Path, commands: Mapping[str, Sequence[str]]
) -> set[str]:
    """The processes that a change of these files concerns.

    `.env`: all. A Python file in a folder of the package that a process is named after, or has as an argument
    (`python -m myapi group billing`, folder `billing`): that one. In `fakes`: the processes that run `fake`, maybe
    none, for nobody else imports a stand-in. Any other Python file of the package: all.
    """
    hit: set[str] = set()
    for path in changed:
        if path == project / ".env":
            return set(commands)
        if path.suffix == ".py" and path.is_relative_to(package):
            folder = path.relative_to(package).parts[0]
            concerned = {name for name, argv in commands.items() if _runs(folder, {name, *_words(argv)})}
            hit |= concerned or (set() if folder == "fakes" else set(commands))
    return hit


def _words(argv: Sequence[str]) -> list[str]:
    """The arguments of a command, or the words of what a shell runs."""
    return argv[2].split() if tuple(argv[:2]) == _SHELL and len(argv) > 2 else list(argv[1:])


def _runs(folder: str, words: Collection[str]) -> bool:
    """Whether a process, by its name and arguments, is the one of this folder. `fake billing` is not `billing`'s."""
    return _PROCESS_OF.get(folder, folder) in words and (folder == "fakes" or "fake" not in words)


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
        "SHUTDOWN_GRACE": str(_GRACE),
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
    workers = [name for name in names if name not in (_API, _RELEASE)]
    ports = (str(port) for port in itertools.count(int(first)) if str(port) != env["PORT"])
    return dict(zip(workers, ports, strict=False))


def run(
    project_dir: Path, engine: str = "auto", port: int | None = None, reload: bool = True, token: bool = False
) -> int:
    """Run the service that holds `project_dir` until Ctrl-C or SIGTERM, then return 0.

    `engine`: auto, embedded, server or a URL. `port`: the API's on loopback; None is the service's PORT, or
    8000, and 0 takes a free one. `token`: the embedded engine asks for RESONATE_TOKEN, which is made for this run if
    the service has none. Blocks, on an event loop of its own, in the main thread. A `ScaffoldError`
    says what keeps the service from starting; by then nothing runs any more.
    """
    project = find_project(project_dir)
    env = environment(project, free_port() if port == 0 else port)
    port = _usable_port(env["PORT"])
    own_port = free_port(8001 if port != 8001 else 0)
    wanted = env.get("RESONATE_TOKEN") or (token_urlsafe() if token else None)
    binary = shutil.which("resonate")
    chosen = choose_engine(engine, env.get("RESONATE_URL"), binary, own_port, STATE, token_urlsafe(), wanted)
    if token and chosen.argv[:1] != (sys.executable,):
        raise UsageError(
            "--token is for the embedded engine.", hint="Leave it out: set RESONATE_TOKEN to a token of that engine."
        )
    if chosen.argv:
        (project.root / STATE).mkdir(exist_ok=True)
    own_database = project.wants_postgres and not env.get("DATABASE_URL")
    names = ["dev", *(["engine"] if chosen.argv else []), *(["database"] if own_database else []), *project.commands]
    if isinstance(sys.stdout, TextIOWrapper):  # a log line may hold what the terminal's encoding does not
        sys.stdout.reconfigure(errors="replace")
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    console = Console(sys.stdout, names, colour)
    return asyncio.run(_Session(project, chosen, port, reload, console, own_database=own_database).run())


class _Session:
    """One run of `dev`: the engine around the services, the services around what watches them."""

    def __init__(
        self, project: Project, engine: Engine, port: int, reload: bool, console: Console, *, own_database: bool
    ) -> None:
        self.project = project
        self.engine = engine
        self.port = port
        self.reload = reload
        self.console = console
        self.launches: dict[str, Launch] = {}
        self.services = {name: Service(name, partial(self.launch, name), console) for name in project.commands}
        self.release_service = self.services.pop(_RELEASE, None)
        launch = Launch(engine.argv, project.root, {**os.environ, "PYTHONUNBUFFERED": "1", **engine.env})
        self.engine_service = Service("engine", lambda: launch, console, grace=1.0)
        # It stops by itself when the processes that use it have, so it has as long as they.
        self.database_service = Service("database", self.launch_database, console) if own_database else None
        self.database_url: str | None = None

    def launch(self, name: str) -> Launch:
        return self.launches[name]

    def launch_database(self) -> Launch:
        env = environment(self.project, self.port)
        python = shutil.which("python", path=env["PATH"]) or "python"
        return Launch((python, "-m", self.project.package.name, "postgres"), self.project.root, env)

    def say(self, *lines: str) -> None:
        self.console.write("dev", *lines)

    async def run(self) -> int:
        task = asyncio.current_task()
        assert task is not None
        asked = False

        def stop() -> None:
            nonlocal asked
            if asked:
                for service in (
                    *self.services.values(),
                    self.release_service,
                    self.database_service,
                    self.engine_service,
                ):
                    if service:
                        service.kill()
                return
            asked = True
            self.say("stopping; Ctrl-C again kills at once")
            task.cancel()

        self.load()
        with _on_stop_signals(stop):
            try:
                async with self.running_engine(), self.running_database():
                    await self.release()
                    await self.run_services()
            except asyncio.CancelledError:
                if not asked:
                    raise
        self.say("stopped")
        return 0

    def load(self) -> None:
        """Take over the environment as it is now."""
        env = environment(self.project, self.port) | {"RESONATE_URL": self.engine.url, **self.engine.service_env}
        if self.database_url and not env.get("DATABASE_URL"):
            env["DATABASE_URL"] = self.database_url
        self.launches = launches(self.project, env)

    @contextlib.asynccontextmanager
    async def running_engine(self) -> AsyncIterator[None]:
        self.say(f"engine: {self.engine.title}")
        if not self.engine.argv:
            await self.wait_for_engine()
            yield
            return
        async with _kept(self.engine_service):
            await self.wait_for_engine()
            with self.engine_named():
                yield

    @contextlib.contextmanager
    def engine_named(self) -> Iterator[None]:
        """Say in a file where the engine is: for commands of the service in another terminal."""
        path = self.project.root / ENGINE_FILE
        lines = {"RESONATE_URL": self.engine.url, **self.engine.service_env}
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in lines.items())
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    @contextlib.asynccontextmanager
    async def running_database(self) -> AsyncIterator[None]:
        """The service's own command runs it: the wheel is among its dependencies, not ours."""
        if self.database_service is None:
            yield
            return
        self.say("DATABASE_URL is not set: starting a PostgreSQL (for development)")
        async with _kept(self.database_service):
            await self.wait_for_database(self.database_service)
            self.load()
            yield

    async def wait_for_database(self, database: Service) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DATABASE_WAIT):
                while not database.failures:
                    if database.last_line.startswith(_ANNOUNCED):
                        self.database_url = database.last_line.removeprefix(_ANNOUNCED)
                        return
                    await asyncio.sleep(0.05)
        how = "ended" if database.failures else f"was not ready within {DATABASE_WAIT:g} s"
        raise ScaffoldError(
            f"The PostgreSQL for development {how}.",
            hint="Its output above says why; correct that, or set DATABASE_URL in .env to a server's.",
        )

    async def wait_for_engine(self) -> None:
        if urlsplit(self.engine.url).scheme in _POSTGRES:
            return  # the service's own driver connects, and reports
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENGINE_WAIT):
                while not self.engine_service.failures:
                    if await http_status(self.engine.url, "/health"):
                        return
                    await asyncio.sleep(0.05)
        last = self.engine_service.last_error or self.engine_service.last_line
        how = "ended" if self.engine_service.failures else f"did not answer within {ENGINE_WAIT:g} s"
        raise EngineFailed(
            f"The engine {how}: {self.engine.title}" + (f"; it said last: {last}" if last else ""),
            hint="Correct that, or choose another one: --engine embedded needs nothing installed."
            if "-m" not in self.engine.argv
            else "Correct that, or give --engine the URL of one that runs.",
        )

    async def release(self) -> None:
        if self.release_service and (status := await self.release_service.once()):
            command = shlex.join(self.project.commands[_RELEASE])
            raise ScaffoldError(
                f"The Procfile's release step {describe_end(status)}: {command}",
                hint="Its output above says why; correct that and start `dev` again.",
            )

    async def run_services(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for service in self.services.values():
                tasks.create_task(service.keep())
            if self.reload:
                tasks.create_task(self.watch(self.project.package, recursive=True))
                tasks.create_task(self.watch(self.project.root, recursive=False))
            if _API in self.services:
                tasks.create_task(self.announce())

    async def watch(self, directory: Path, recursive: bool) -> None:
        from watchfiles import awatch

        try:
            async for changes in awatch(directory, recursive=recursive, watch_filter=None):
                self.react({Path(path) for _, path in changes})
        except (OSError, RuntimeError) as error:  # out of inotify watches, or the directory has gone
            self.say(f"reload is off for {directory}: {error}")

    def react(self, changed: set[Path]) -> None:
        for name in _PROCFILES:
            if self.project.root / name in changed:
                self.say(f"{name} has changed: stop and start `dev` to follow it")
        commands = {name: self.project.commands[name] for name in self.services}
        names = which_to_restart(changed, self.project.root, self.project.package, commands)
        if not names:
            return
        try:
            self.load()
        except ScaffoldError as error:
            self.say(f"nothing restarted: {error}")
            return
        self.say(f"changed, restarting {', '.join(sorted(names))}")
        for name in names:
            self.services[name].restart()

    async def announce(self) -> None:
        base = f"http://127.0.0.1:{self.port}"
        while await http_status(base, "/livez") != 200:  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.1)
        rows = [("API docs", f"{base}/docs"), ("engine", self.engine.title)]
        if self.database_url:
            rows.append(("database", self.database_url))
        if ports := health_ports(self.project.commands, self.launches[_API].env):
            rows.append(("health", ", ".join(f"{name} {port}" for name, port in ports.items())))
        rows.append(("stop", f"Ctrl-C; here what runs has {_GRACE} s to end, whatever SHUTDOWN_GRACE says"))
        texts = [f"{label:<8}  {text}" for label, text in rows]
        width = max(map(len, texts))
        rule = f"+-{'-' * width}-+"
        self.say(rule, *(f"| {text:<{width}} |" for text in texts), rule)


@contextlib.asynccontextmanager
async def _kept(service: Service) -> AsyncIterator[None]:
    """Keep a process running while the block runs."""
    task = asyncio.create_task(service.keep())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def http_status(base: str, path: str) -> int | None:
    """The status of one GET (no proxy, no redirect), None when nothing answers HTTP there within 2 s."""
    parts = urlsplit(base)
    secure = parts.scheme == "https"
    request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(
                parts.hostname,
                parts.port or (443 if secure else 80),
                ssl=secure or None,
            )
            try:
                writer.write(request.encode())
                first = await reader.readline()
            finally:
                writer.close()
    except (OSError, ValueError):  # refused, timed out, not TLS; a first line without an end
        return None
    match = re.match(rb"HTTP/1\.[01] (\d{3})", first)
    return int(match[1]) if match else None


def free_port(preferred: int = 0) -> int:
    """A loopback port that nothing listens on: the preferred one if possible."""
    try:
        return _bind(preferred)
    except OSError:
        return _bind(0)


def _usable_port(text: str) -> int:
    try:
        return _bind(int(text))
    except (ValueError, OverflowError):
        reason = "is not a port"
    except OSError as error:
        reason = f"cannot be used: {error.strerror}"
    raise ScaffoldError(f"Port {text} {reason}.", hint="Choose another one with --port N.")


def _bind(port: int) -> int:
    with socket.socket() as probe:
        if sys.platform != "win32":  # there it would allow what is taken; here only what has just been closed
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return int(probe.getsockname()[1])


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


@contextlib.contextmanager
def _on_stop_signals(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` in the running loop on Ctrl-C, SIGTERM or a closed terminal, unless that is ignored."""
    loop = asyncio.get_running_loop()
    present = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")]
    numbers = [number for number in present if number and signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(act)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""One run of a service: an engine, its processes, logs and reload.

Decisions are pure functions (`parse_procfile`, `expand`, `choose_engine`, `which_to_restart`); `run` carries
them out through `supervisor`. The engine is chosen once, at the start; the rest follows a changed `.env`.
"""

import asyncio
import contextlib
import os
import shlex
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import urlsplit

from resonate_scaffold import systems
from resonate_scaffold.dev.engines import POSTGRES, Engine, choose_engine
from resonate_scaffold.dev.network import free_port, http_status, usable_port
from resonate_scaffold.dev.procfile import which_to_restart
from resonate_scaffold.dev.project import (
    API,
    CONSOLE,
    CONSOLE_PORT,
    GRACE,
    PROCFILES,
    RELEASE,
    Project,
    environment,
    find_project,
    health_ports,
    launches,
)
from resonate_scaffold.dev.supervisor import Console, Launch, Service, describe_end
from resonate_scaffold.errors import EngineFailed, ScaffoldError, UsageError

STATE = Path(".resonate")  # in the service's directory, ignored by its git: what an engine of ours keeps
ENGINE_FILE = (
    STATE / "engine.env"
)  # while an engine of ours runs: read by the service's `runs`, `schedules`, `reconcile`
ENGINE_WAIT = 10.0  # seconds until an engine that does not answer is an error
DATABASE_WAIT = 60.0  # the same for a PostgreSQL that we start; the first time it makes its files
_ANNOUNCED = "DATABASE_URL="  # how a service's command `postgres` begins the line that says it is ready


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
    port = usable_port(env["PORT"])
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
    systems.escape_unknown(sys.stdout, "replace")
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    console = Console(sys.stdout, names, colour)
    console_port = _console_port(env.get("CONSOLE_PORT"), {port, own_port}) if CONSOLE in project.commands else None
    session = _Session(project, chosen, port, reload, console, own_database=own_database, console_port=console_port)
    return asyncio.run(session.run())


def _console_port(wanted: str | None, taken: set[int]) -> int | None:
    """CONSOLE_PORT, or a free port where that is taken; None where it is no port, which the service itself refuses."""
    try:
        found = free_port(int(wanted or CONSOLE_PORT))
    except (ValueError, OverflowError):
        return None
    return free_port() if found in taken else found


class _Session:
    """One run of `dev`: the engine around the services, the services around what watches them."""

    def __init__(
        self,
        project: Project,
        engine: Engine,
        port: int,
        reload: bool,
        console: Console,
        *,
        own_database: bool,
        console_port: int | None,
    ) -> None:
        self.project = project
        self.engine = engine
        self.port = port
        self.console_port = console_port
        self.reload = reload
        self.console = console
        self.launches: dict[str, Launch] = {}
        self.services = {name: Service(name, partial(self.launch, name), console) for name in project.commands}
        self.release_service = self.services.pop(RELEASE, None)
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
        with systems.on_stop_signals(stop):
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
        env["USE_FAKES"] = env.get("USE_FAKES") or "true"  # of HTTP APIs whose URL is not set
        if self.database_url and not env.get("DATABASE_URL"):
            env["DATABASE_URL"] = self.database_url
        if self.console_port:
            env["CONSOLE_PORT"] = str(self.console_port)
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
        if urlsplit(self.engine.url).scheme in POSTGRES:
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
            command = shlex.join(self.project.commands[RELEASE])
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
            if API in self.services:
                tasks.create_task(self.announce())

    async def watch(self, directory: Path, recursive: bool) -> None:
        from watchfiles import awatch

        try:
            async for changes in awatch(directory, recursive=recursive, watch_filter=None):
                self.react({Path(path) for _, path in changes})
        except (OSError, RuntimeError) as error:  # out of inotify watches, or the directory has gone
            self.say(f"reload is off for {directory}: {error}")

    def react(self, changed: set[Path]) -> None:
        for name in PROCFILES:
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
        rows = [("API docs", f"{base}/docs")]
        if self.console_port:
            rows.append(("console", f"http://127.0.0.1:{self.console_port}"))
        rows.append(("engine", self.engine.title))
        if self.database_url:
            rows.append(("database", self.database_url))
        if ports := health_ports(self.project.commands, self.launches[API].env):
            rows.append(("health", ", ".join(f"{name} {port}" for name, port in ports.items())))
        rows.append(("stop", f"Ctrl-C; here what runs has {GRACE} s to end, whatever SHUTDOWN_GRACE says"))
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

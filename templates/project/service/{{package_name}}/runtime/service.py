"""What is particular to a service: the runtime knows it by one :class:`Service` value, and by nothing else."""

import asyncio
import importlib
import logging
import pkgutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from .database import OpenDatabase
from .durable.clock import Clock
from .durable.gate import HOLD, Gate
from .durable.job_runs import all_runs
from .durable.prune import NAME as PRUNE, Prune, Pruned, Tell, check_age, least_age, prune, prune_contract, pruning
from .durable.reconcile import MissingWrite, Reconciliation
from .durable.rpc import Registration, Rpc, check_registrations
from .durable.run_values import ShownValues
from .durable.scheduled_runs import FIRE
from .durable.schedules import Schedule, check_schedules, run_now, sync_schedules
from .engine.client import EngineClient, build
from .engine.listing import calls_of_job, succeeded_calls
from .engine.namespace import Namespace
from .engine.presence import report_presence
from .engine.startup import examine
from .engine.systemd import kept_informed
from .engine.watch import watch_work
from .engine.worker import (
    BackgroundTask,
    DurableFunction,
    problem_of,
    register,
    resources_of,
    serve_group,
    stop,
)
from .errors import EngineRefused, EngineUnavailable, OperatorError
from .outages import Lost
from .settings import ServiceSettings, required
from .telemetry import tracing

if TYPE_CHECKING:
    from fastapi import FastAPI

    from .reads import ReadDatabase

logger = logging.getLogger(__name__)

type Dependency = Callable[[Any], AbstractAsyncContextManager[Any]]
"""Opens, from the settings, what a worker's functions ask for by its exact type (`ctx.get_dependency`)."""

type Lifespan = Callable[["FastAPI"], AbstractAsyncContextManager[None]]

API = "api"
"""The group of the processes that serve HTTP. They run no durable functions."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What one group runs: the lists in its `worker.py`."""

    group: str
    served: Sequence[Registration]
    dependencies: Sequence[Dependency]


@dataclass(frozen=True, slots=True)
class Service:
    """A service, as the runtime needs to know it.

    ``package`` is the Python package. ``groups`` are its worker groups: `<group>/worker.py` of the package, or
    `workflows/worker.py` for the group `workers`, has the list SERVED and, where it needs any, DEPENDENCIES; the one of
    `workers` also SCHEDULES. HTTP is in `api/app.py`, stand-ins in `fakes/worker.py`, contracts in `contracts/`.
    """

    name: str
    package: str
    settings: type[ServiceSettings]
    groups: Sequence[str]

    @property
    def directory(self) -> Path:
        """Where the package is."""
        return Path(str(importlib.import_module(self.package).__file__)).parent

    @property
    def has_queries(self) -> bool:
        """Whether `db/queries/` has a module: the API then reads from the database."""
        return any(pkgutil.iter_modules([str(self.directory / "db" / "queries")]))

    @property
    def migrations(self) -> Path:
        """Where the migrations of the database are."""
        return self.directory / "db" / "migrations"

    def namespace(self, settings: ServiceSettings) -> Namespace:
        """How the service's ids and groups are spelled on the engine."""
        return Namespace(settings.namespace, frozenset({*self.groups, API}))

    def schedule_prefix(self, settings: ServiceSettings) -> str:
        """Begins the ids of its schedules. Never empty: all schedules that begin with it count as the service's own."""
        return settings.namespace or self.name

    def part(self, group: str) -> str:
        """The folder of a group's worker, below the package."""
        return "workflows" if group == "workers" else group.replace("-", "_")

    def worker(self, group: str) -> Worker:
        """What a group runs.

        Raises:
            WiringError: a contract that nobody serves, or a function in the wrong group.
            OperatorError: there is no such group.
        """
        if group not in self.groups:
            known = ", ".join(self.groups)
            raise OperatorError(f"there is no worker group {group!r}", f"Groups: {known}")
        module = self.module(f"{self.part(group)}.worker")
        worker = Worker(group, module.SERVED, getattr(module, "DEPENDENCIES", ()))
        check_registrations(group, self.contracts(), worker.served)
        return worker

    def workers(self) -> list[Worker]:
        """What every group runs."""
        return [self.worker(group) for group in self.groups]

    def schedules(self, settings: ServiceSettings | None = None) -> Sequence[Schedule]:
        """What the engine starts by the clock. The group `workers` keeps the engine's list like this one.

        ``settings``: with what the runtime adds where they say so.

        Raises:
            WiringError: a schedule that engines do not read alike, or two of one name.
            OperatorError: PRUNE_OLDER_THAN would remove what a job may still need.
        """
        schedules: Sequence[Schedule] = self.module("workflows.worker").SCHEDULES
        if settings is not None and settings.prune_older_than is not None:
            schedules = [*schedules, self._pruning_schedule(settings, settings.prune_older_than)]
        check_schedules(schedules)
        return schedules

    def _pruning_schedule(self, settings: ServiceSettings, older_than: timedelta) -> Schedule:
        check_age(older_than, self.least_age(settings))
        group = next((worker.group for worker in self.workers() if has_database(worker)), None)
        if group is None:
            raise OperatorError("PRUNE_OLDER_THAN is set, and no group has a database", "Leave it empty.")
        return Schedule(PRUNE, settings.prune_cron, prune_contract(group), Prune(older_than=older_than))

    def least_age(self, settings: ServiceSettings) -> timedelta:
        """How old what is pruned must be: older than any job that still runs."""
        return least_age(self.contracts(), settings.job_timeout)

    def upkeep(self, settings: ServiceSettings, worker: Worker) -> list[Registration]:
        """What the runtime itself serves in a group that has a database."""
        return [pruning(worker.group, settings, self.least_age(settings))] if has_database(worker) else []

    async def prune(self, settings: ServiceSettings, older_than: timedelta, *, is_dry_run: bool, tell: Tell) -> Pruned:
        """Remove what is older from the database, and from the engine where it lets us.

        Raises:
            OperatorError: a job that runs may still need it, or the database is away or refuses a statement.
        """
        check_age(older_than, self.least_age(settings))
        openers = [opener for worker in self.workers() for opener in worker.dependencies]
        opener = next((it for it in openers if isinstance(it, OpenDatabase)), None)
        if opener is None:
            raise OperatorError("no group of this service has a database", "There is nothing to prune.")
        try:
            async with opener(settings) as database:
                namespace = self.namespace(settings)
                return await prune(database, settings, namespace, older_than, is_dry_run=is_dry_run, tell=tell)
        except (Lost, DBAPIError) as error:
            raise OperatorError(
                f"what is left could not be removed: {str(error).splitlines()[0]}",
                "What was removed is removed: run it again.",
            ) from None

    def stand_ins(self, group: str | None = None) -> list[Registration]:
        """The stand-ins for what others serve: of one of their groups, or all.

        Raises:
            OperatorError: there are none for that group.
        """
        all_of_them: Sequence[Registration] = self.module("fakes.worker").SERVED
        if group is None:
            return list(all_of_them)
        found = [entry for entry in all_of_them if entry.contract.group == group]
        if not found:
            known = ", ".join(sorted({entry.contract.group for entry in all_of_them})) or "none yet"
            raise OperatorError(f"there is no stand-in for group {group!r}", f"Groups that have some: {known}")
        return found

    def contracts(self) -> list[Rpc[Any, Any]]:
        """Every `Rpc` of the contracts."""
        return [value for value in self._contract_values() if isinstance(value, Rpc)]

    def gates(self) -> dict[str, Gate[Any]]:
        """Every `Gate` of the contracts, by name."""
        return {value.name: value for value in self._contract_values() if isinstance(value, Gate)}

    def shown_values(self) -> ShownValues:
        """What of the requests and results of runs may be shown."""
        served = [entry for worker in self.workers() for entry in worker.served]
        return ShownValues(self.contracts(), self.gates(), served)

    def module(self, name: str) -> ModuleType:
        """A module of the package: ``api.app``."""
        return importlib.import_module(f"{self.package}.{name}")

    def connect(
        self, settings: ServiceSettings, group: str, *, listens: bool = False, waits: bool = False
    ) -> EngineClient:
        """This process's engine client, and its traces."""
        tracing.start(f"{self.name}-{group}")
        return build(settings, self.namespace(settings), group, listens=listens, waits=waits)

    def api(self, settings: ServiceSettings) -> "FastAPI":
        """The HTTP application, whose client sends, and is told of ends of work.

        Raises:
            MissingSetting: there are queries, and neither READ_DATABASE_URL nor DATABASE_URL is set.
        """
        reads = self.reads(settings)

        @asynccontextmanager
        async def lifespan(app: "FastAPI") -> AsyncIterator[None]:
            app.state.client = client = self.connect(settings, API, waits=True)
            client.resonate.start()
            if client.ends:
                await client.ends.start()
            if app.state.is_open:
                logger.warning("there are no API keys: whoever reaches the port may call every route")
            watching = [asyncio.create_task(look(client)) for look in (watch_work, examine)]
            try:
                async with reads as database:
                    app.state.reads = database
                    async with kept_informed(partial(problem_of, client, [database] if database else [])):
                        yield
            finally:
                for looking in watching:
                    looking.cancel()
                if client.ends:
                    await client.ends.stop()
                await stop(client, settings.shutdown_grace)

        return self.create_app(settings, lifespan)

    def reads(self, settings: ServiceSettings) -> AbstractAsyncContextManager["ReadDatabase | None"]:
        """What queries read from, open while the API runs; None where there are none.

        Raises:
            MissingSetting: there are queries, and neither READ_DATABASE_URL nor DATABASE_URL is set.
        """
        if not self.has_queries:
            return nullcontext()
        from .reads import ReadDatabase

        url = required(settings.read_database_url or settings.database_url, "DATABASE_URL")
        return ReadDatabase(url, settings, self.migrations).watched()

    def create_app(self, settings: ServiceSettings, lifespan: Lifespan) -> "FastAPI":
        """The HTTP application; ``lifespan`` sets ``app.state.client``."""
        app: FastAPI = self.module("api.app").create_app(settings, lifespan)
        return app

    async def serve(self, settings: ServiceSettings, group: str) -> None:
        """Run a worker group until the process is told to stop."""
        worker = self.worker(group)
        background: list[tuple[str, BackgroundTask]] = [("watch of work", watch_work), ("look at the engine", examine)]
        background.append(("presence", report_presence))
        if group == "workers":
            prefix = self.schedule_prefix(settings)
            background.append(
                ("schedule sync", partial(sync_schedules, schedules=self.schedules(settings), prefix=prefix))
            )
        async with self.dependencies(settings, [worker]) as dependencies:
            client = self.connect(settings, group, listens=True)
            functions = functions_of([*worker.served, *self.upkeep(settings, worker)])
            await serve_group(settings, client, functions, dependencies, background)

    async def serve_stand_ins(self, settings: ServiceSettings, group: str) -> None:
        """Run the stand-ins for somebody else's group until the process is told to stop."""
        served = self.stand_ins(group)
        client = self.connect(settings, group, listens=True)
        presence: list[tuple[str, BackgroundTask]] = [("presence", report_presence)]
        await serve_group(settings, client, functions_of(served), [settings, Clock()], presence)

    @asynccontextmanager
    async def engine(self, settings: ServiceSettings) -> AsyncIterator[EngineClient]:
        """A client for one command.

        Raises:
            OperatorError: the engine does not answer.
        """
        client = self.connect(settings, API)
        client.resonate.start()
        try:
            yield client
        except EngineUnavailable as error:
            raise _engine_problem(error) from None
        finally:
            await stop(client, timedelta(0))

    async def run_schedule(self, settings: ServiceSettings, name: str) -> str:
        """Start what a schedule starts, now; return the run's id on the engine.

        Raises:
            OperatorError: there is no such schedule, or the engine does not answer.
        """
        schedules = self.schedules(settings)
        async with self.engine(settings) as client:
            return await run_now(client, schedules, name)

    async def reconcile(self, settings: ServiceSettings, jobs: Sequence[str], *, again: bool) -> AsyncIterator[str]:
        """Compare what the engine says was written with the database; yield a line for each write that is missing.

        ``jobs`` are root ids (``job/order-4711``); none: all that the engine keeps. ``again``: do what is missing again.

        Raises:
            OperatorError: the engine does not answer, or does not list what it keeps.
        """
        try:
            async with self.engine(settings) as client:
                for worker in self.workers():
                    async with self.dependencies(settings, [worker]) as dependencies:
                        if resources_of(dependencies):
                            register(client, [], dependencies)
                            async for line in reconcile_group(client, worker, jobs, again=again):
                                yield line
        except Lost as error:
            raise OperatorError(
                str(error), "What was done again is done: run it again when the database is back."
            ) from None

    @asynccontextmanager
    async def dependencies(self, settings: ServiceSettings, workers: Sequence[Worker]) -> AsyncIterator[list[Any]]:
        """Open what the functions of these workers ask for, each once."""
        async with AsyncExitStack() as stack:
            openers = dict.fromkeys(opener for worker in workers for opener in worker.dependencies)
            yield [settings, Clock(), *[await stack.enter_async_context(opener(settings)) for opener in openers]]

    def application(self) -> "FastAPI":
        """What the reloading server of `dev` imports."""
        from .dev import application

        return application(self)

    def _contract_values(self) -> list[object]:
        package = self.module("contracts")
        names = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
        # A contract that is imported into another's module is one contract.
        values = {id(value): value for name in names for value in vars(importlib.import_module(name)).values()}
        return list(values.values())


def _engine_problem(error: EngineUnavailable) -> OperatorError:
    if isinstance(error, EngineRefused):
        return OperatorError(str(error), "Set a good one; README.md says which claims it needs.")
    return OperatorError(str(error), "Is RESONATE_URL right, and the engine running?")


async def reconcile_group(
    client: EngineClient, worker: Worker, jobs: Sequence[str] = (), *, again: bool = False
) -> AsyncIterator[str]:
    """Lines about the functions of one group; see :meth:`Service.reconcile`."""
    comparing = Reconciliation(client, worker.served)
    found: list[MissingWrite] = []
    if jobs:
        for run in [run for job in jobs for run in await all_runs(client, job)]:
            found += await comparing.missing(calls_of_job(client, worker.group, run.id))
    else:
        found = await comparing.missing(succeeded_calls(client, worker.group))
    # Several runs of a job may have made the same call.
    found = list({write.operation: write for write in found}.values())
    logger.info("group %s: %d writes compared, %d missing", worker.group, comparing.compared, len(found))
    if comparing.pruned:
        logger.warning(
            "group %s: %d writes are not there and may have been pruned: they are left out",
            worker.group,
            comparing.pruned,
        )
    for write in found:
        line = f"{write.operation}: {write.registration.name}, done at {write.done_at:%Y-%m-%d %H:%M:%S} UTC"
        if not again:
            yield f"missing {line}"
            continue
        try:
            is_same = await comparing.do_again(write)
        except Lost:
            raise
        except Exception as error:
            yield f"missing {line}; it cannot be done again: {type(error).__name__}: {error}"
        else:
            yield f"done again {line}" + ("" if is_same else "; its result is another than the engine has kept")


def has_database(worker: Worker) -> bool:
    """Whether a group opens the service's database."""
    return any(isinstance(opener, OpenDatabase) for opener in worker.dependencies)


def functions_of(served: Sequence[Registration]) -> list[DurableFunction]:
    """What a worker registers: its own functions, and those of the runtime."""
    return [HOLD, FIRE, *served]

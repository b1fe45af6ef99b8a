"""The commands that every service has. A service adds its own to the group that :func:`commands` returns."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from .errors import OperatorError
from .service import Service
from .settings import ServiceSettings, required
from .telemetry import logs


class Commands(click.Group):
    """Reports what an operator can mend in a line or two, instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ValidationError as error:
            for item in error.errors(include_url=False, include_input=False):
                name = "_".join(str(part) for part in item["loc"]).upper()
                click.echo(f"Error: {name + ': ' if name else ''}{item['msg']}", err=True)
            click.echo("Set it in the environment or in .env; .env.example explains every setting.", err=True)
            sys.exit(1)
        except OperatorError as error:
            raise click.ClickException(str(error)) from None


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

    def run(process: Coroutine[Any, Any, None]) -> None:
        asyncio.run(process)

    @click.group(cls=Commands, help=description)
    def main() -> None:
        pass

    @main.command()
    def api() -> None:
        """Serve HTTP (group api)."""
        from .http.server import serve

        found = settings_with_engine()
        serve(service.api(found), found)

    @main.command()
    def worker() -> None:
        """Run workflows (group workers)."""
        run(service.serve(settings_with_engine(), "workers"))

    @main.command()
    def db() -> None:
        """Run durable database functions (group db)."""
        run(service.serve(settings_with_engine(), "db"))

    @main.command()
    @click.argument("name")
    def group(name: str) -> None:
        """Run another worker group of this service."""
        run(service.serve(settings_with_engine(), name))

    @main.command()
    @click.argument("group")
    def fake(group: str) -> None:
        """Run stand-ins for somebody else's group, for development."""
        run(service.serve_stand_ins(settings_with_engine(), group))

    @main.command()
    @click.option("--reload/--no-reload", default=True, help="Start again when the code changes.")
    def dev(reload: bool) -> None:
        """Run all of it in one process, engine included. Jobs do not survive it."""
        from .http.server import serve

        found = settings()
        # Said here: the process that reloads would show a traceback.
        required(found.database_url, "DATABASE_URL")
        service.api(found)
        click.echo(f"http://{found.host}:{found.port}/docs; Ctrl-C stops it")
        serve(
            f"{service.package}.__main__:SERVICE.application",
            found,
            factory=True,
            reload=reload,
            reload_dirs=[service.package] if reload else None,
        )

    @main.command()
    @click.option("--seed", "with_seed", is_flag=True, help="Then add the rows of db/seed.py, for development.")
    def migrate(with_seed: bool) -> None:
        """Bring the database to the code's latest migration."""
        from . import database

        url = required(settings().database_url, "DATABASE_URL")
        database.migrate(url, service.migrations)
        click.echo("the database is up to date")
        if with_seed:
            _seed(url)

    @main.command()
    def seed() -> None:
        """Add the rows of db/seed.py, for development."""
        _seed(required(settings().database_url, "DATABASE_URL"))

    def _seed(url: str) -> None:
        from . import database

        there = database.seed(url, service.package)
        click.echo("the rows of db/seed.py are there" if there else "there is no db/seed.py: nothing to add")

    @main.command()
    @click.argument("name")
    def webhook_secret(name: str) -> None:
        """Make a secret for the webhook NAME: an entry of WEBHOOK_SECRETS.

        While a webhook has two entries, both are good.
        """
        from .http.signatures import new_secret

        click.echo(f"{name}:{new_secret()}")

    @main.command()
    @click.argument("workflow")
    @click.argument("request")
    @click.option("--answer", "answers", multiple=True, metavar="GATE=JSON", help="The answer at a gate; repeatable.")
    @click.option("--id", "run_id", metavar="KIND/NAME", help="The run's id; NAME goes into the file's name.")
    @click.option(
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The file, instead of one in tests/histories/.",
    )
    @click.option("--force", is_flag=True, help="Replace a history that is there.")
    def record(
        workflow: str, request: str, answers: tuple[str, ...], run_id: str | None, output: Path | None, force: bool
    ) -> None:
        """Run WORKFLOW on REQUEST, in this process, and write down its history.

        WORKFLOW is a durable name, or NAME@VERSION; REQUEST is JSON. The run has an engine and a database of its own.
        """
        from .testing.recording import record_to_file

        click.echo(record_to_file(service, workflow, request, answers, run_id, output, force=force))

    return main

"""The command that removes what is old: `prune`."""

import json
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

import click
from pydantic import TypeAdapter, ValidationError

from .errors import OperatorError
from .service import Service
from .settings import ServiceSettings
from .systems import run_here

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PROGRESS_EVERY = 2.0  # Seconds between two lines.


class Age(click.ParamType[timedelta]):
    """A duration: ``30d``, ``12h``, or of ISO 8601 (``P30D``)."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """What is written, as a `timedelta` that is not negative."""
        if isinstance(value, timedelta):
            return value
        text = str(value)
        try:
            if short := re.fullmatch(r"([0-9]+)([smhdw])", text):
                return timedelta(**{_UNITS[short[2]]: int(short[1])})
            found: timedelta = TypeAdapter(timedelta).validate_python(text if text.startswith("P") else "no duration")
        except (ValidationError, OverflowError):
            self.fail("a duration, such as 30d, 12h or P30D", param, ctx)
        return found


def add_prune_command(main: click.Group, service: Service, settings: Callable[[], ServiceSettings]) -> None:
    """Add the command to those of a service."""

    @main.command()
    @click.option("--older-than", type=Age(), metavar="DURATION", help="Such as 30d; PRUNE_OLDER_THAN otherwise.")
    @click.option("--dry-run", is_flag=True, help="Count, and remove nothing.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    def prune(older_than: timedelta | None, dry_run: bool, as_json: bool) -> None:
        """Remove what is old: the operations by which a write is done once, and, where the engine is resonate-pg, what
        has ended there of this service. Set PRUNE_OLDER_THAN, and the service does it by the clock.

        A key that is older names new work from then on: where it is sent again its job runs again, and writes again.
        So keep it for longer than any client repeats a request, than the oldest backup of the engine that you would
        restore, and than jobs of other services live that call the database functions of this one. What jobs of this
        one may still need is refused. It removes batch by batch; one that was broken off is gone on with.

        Exits with 1 where it is refused, or only a part could be done.
        """
        found = settings()
        age = older_than or found.prune_older_than
        if age is None:
            raise OperatorError(
                "neither --older-than nor PRUNE_OLDER_THAN is given", "Give one, such as --older-than 30d."
            )
        done = run_here(service.prune(found, age, is_dry_run=dry_run, tell=_progress(dry_run)))
        if as_json:
            shown = {"dry_run": dry_run, **done.model_dump(mode="json")}
            click.echo(json.dumps(shown))
        else:
            verb = "would be removed" if dry_run else "removed"
            click.echo(f"operations before {done.before:%Y-%m-%d %H:%M:%S} UTC: {done.operations} {verb}")
            click.echo(f"engine: {done.engine or f'{done.promises} promises {verb}'}")
        if done.has_failed:
            sys.exit(1)


def _progress(is_dry_run: bool) -> Callable[[str, int], None]:
    told = monotonic()

    def tell(what: str, count: int) -> None:
        nonlocal told
        if monotonic() - told >= _PROGRESS_EVERY:
            told = monotonic()
            click.echo(f"{what}: {count} {'found' if is_dry_run else 'removed'} so far", err=True)

    return tell

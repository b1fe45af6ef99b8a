"""Make a service, and run it; the template for those who make and update one with Copier."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from resonate_scaffold import systems
from resonate_scaffold.commands.options import AsJson
from resonate_scaffold.errors import EngineFailed, UsageError


class Database(StrEnum):
    sqlite = "sqlite"
    postgres = "postgres"


def new(
    name: Annotated[str, typer.Argument(help="The service's name: lower-case letters, digits, - and _.")],
    into: Annotated[Path, typer.Option(help="The directory to make it in.", metavar="DIR")] = Path(),
    database: Annotated[Database | None, typer.Option(help="The database of its db group.")] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Leave the example out, keep the machinery.")] = False,
    template: Annotated[
        str | None, typer.Option(help="Another Copier template: a directory or a git URL.", metavar="SRC")
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option(help="Answer one of the template's questions.", metavar="KEY=VALUE")
    ] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing.")] = False,
    install: Annotated[bool, typer.Option(help="Install its dependencies into its own environment.")] = True,
    git: Annotated[bool, typer.Option(help="Make a repository with one commit.")] = True,
    run: Annotated[bool, typer.Option("--run", help="Go straight on into `dev`.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be made; change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a new service: rendered, committed, installed."""
    from resonate_scaffold.git import leave_outer_repository
    from resonate_scaffold.names import Name
    from resonate_scaffold.new import NewRequest, create
    from resonate_scaffold.report import Report, is_interactive

    if run and (not install or dry_run or as_json):
        raise UsageError(
            "--run needs an installed service and a terminal's output",
            "Leave out --run, or --no-install, --dry-run and --json.",
        )
    answers = _parse_data(data or [])
    for key, value in (("database", database and database.value), ("bare", bare or None)):
        if value is not None:
            _merge(answers, key, value)
    interactive = not defaults and not as_json and is_interactive()
    request = NewRequest(
        name=Name.parse(name),
        into=into,
        template=template,
        data=answers,
        interactive=interactive,
        install=install,
        git=git,
        dry_run=dry_run,
        run=run,
    )
    systems.interrupt_on_sigterm()
    leave_outer_repository(may_ask=interactive)
    report = Report(as_json=as_json)
    outcome = create(request, report)
    status = report.finish(outcome)
    if run and not status:
        from resonate_scaffold.dev import session

        status = session.run(Path(str(outcome.project)))
    raise typer.Exit(status)


def dev(
    project: Annotated[Path, typer.Option(help="The service, or a directory in it.", metavar="DIR")] = Path(),
    engine: Annotated[
        str, typer.Option(help="auto (RESONATE_URL, or else embedded), embedded, server or a URL.")
    ] = "auto",
    port: Annotated[
        int | None, typer.Option(help="The API's port; PORT of the service otherwise.", min=0, max=65535)
    ] = None,
    reload: Annotated[bool, typer.Option(help="Restart what changed.")] = True,
    token: Annotated[
        bool, typer.Option("--token", help="The embedded engine asks for RESONATE_TOKEN; one is made if none is set.")
    ] = False,
) -> None:
    """Run a service on this machine: its processes, an engine, logs, reload."""
    from resonate_scaffold.dev import session

    raise typer.Exit(session.run(project, engine=engine, port=port, reload=reload, token=token))


def engine(
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)] = 8001,
    journal: Annotated[
        Path | None, typer.Option(help="Keep the jobs in this file; without it, in memory.", metavar="FILE")
    ] = None,
) -> None:
    """Run the development engine alone, on this machine only.

    With RESONATE_TOKEN in its environment it asks every client for that token.
    """
    import asyncio
    import os

    from resonate_scaffold.devserver import EngineError, event_loop, serve

    def ready(url: str) -> None:
        print(f"engine listening on {url}", flush=True)

    try:
        serving = serve(port=port, journal=journal, ready=ready, token=os.environ.get("RESONATE_TOKEN"))
        asyncio.run(serving, loop_factory=event_loop)
    except EngineError as error:
        raise EngineFailed(str(error), error.hint) from error


def template(
    output: Annotated[
        Path | None, typer.Option("--output", help="Write it there; services do not look there.", metavar="FILE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put the template where services expect it, so that `copier update` renews them: a git bundle, a tag a version.

    What it does not: follow what was added, moved or renamed. `resonate-scaffold upgrade` does.
    """
    from resonate_scaffold.report import Report
    from resonate_scaffold.upgrade.bundle import write_bundle

    report = Report(as_json=as_json)
    raise typer.Exit(report.finish(write_bundle(output, report)))


def _parse_data(pairs: list[str]) -> dict[str, str | bool]:
    answers: dict[str, str | bool] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--data {pair} is not KEY=VALUE", "For example: --data author=Ada")
        _merge(answers, key, value)
    return answers


def _merge(answers: dict[str, str | bool], key: str, value: str | bool) -> None:
    """Add an answer; the same one may be given twice, two different ones may not."""
    if str(answers.setdefault(key, value)).lower() != str(value).lower():
        raise UsageError(f"{key} is given twice: {answers[key]} and {value}", "Give it once.")

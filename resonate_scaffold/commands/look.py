"""What reads a service and changes nothing: ``list``, ``check``, ``graph``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from resonate_scaffold.commands.options import AsJson, DryRun, Kind, Project, change_project
from resonate_scaffold.errors import UsageError


class CheckFormat(StrEnum):
    text = "text"
    json = "json"
    github = "github"
    sarif = "sarif"


class GraphFormat(StrEnum):
    tree = "tree"
    mermaid = "mermaid"
    svg = "svg"
    json = "json"


def list_(
    kind: Annotated[Kind | None, typer.Argument(help="Only these.")] = None,
    project: Project = Path(),
    as_json: AsJson = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make again what a merge lost: elements of lists, records of `add`.")
    ] = False,
    versions: Annotated[
        bool, typer.Option("--versions", help="Only which version made the service, and which this one can upgrade.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """What the service has, read from its code: what is served where, and called from where."""
    from resonate_scaffold.grow import show
    from resonate_scaffold.report import Report

    if versions and (kind is not None or repair):
        raise UsageError("--versions stands alone", "See resonate-scaffold list --help")
    if dry_run and not repair:
        raise UsageError("--dry-run is for --repair: without it nothing is changed", "Leave one out, or give both.")
    if repair:
        from resonate_scaffold.generators.repair import repair as planner

        change_project(planner, "list", project, dry_run=dry_run, as_json=as_json)
    report = Report(as_json=as_json)
    if versions:
        from resonate_scaffold.upgrade.run import show_versions

        raise typer.Exit(report.finish(show_versions(project, report)))
    raise typer.Exit(report.finish(show(project, kind and kind.value, report)))


def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or directories; this one otherwise.")] = None,
    select: Annotated[
        list[str] | None, typer.Option(help="Only these rules: codes, how they begin, names, ALL.", metavar="RULES")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Not these rules.", metavar="RULES")] = None,
    output: Annotated[CheckFormat, typer.Option("--format", help="How to say it.")] = CheckFormat.text,
    checklist: Annotated[
        bool, typer.Option("--checklist", help="For every route that starts work: what makes it safe, and where.")
    ] = False,
    explain: Annotated[str | None, typer.Option(help="Print the page of a rule.", metavar="RULE")] = None,
    statistics: Annotated[bool, typer.Option("--statistics", help="Only how many of each rule there are.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Change what can be changed with certainty.")] = False,
    add_noqa: Annotated[
        bool, typer.Option("--add-noqa", help="Suppress all that is found, by a comment on its line.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --fix or --add-noqa: show what would change; write nothing.")
    ] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read the code, also if it has not changed.")] = False,
) -> None:
    """Find mistakes in code that uses Resonate, by reading it: wiring, determinism, durability, HTTP, stale API."""
    from resonate_scaffold.check import run, sarif
    from resonate_scaffold.report import Report

    report = Report(
        as_json=output is CheckFormat.json,
        for_github=output is CheckFormat.github,
        write=sarif.written if output is CheckFormat.sarif else None,
    )
    if explain is not None:
        report.text(run.explain(explain))
        raise typer.Exit
    request = run.CheckRequest(
        tuple(paths or [Path()]),
        tuple(select or ()),
        tuple(ignore or ()),
        checklist=checklist,
        statistics=statistics,
        fix=fix,
        add_noqa=add_noqa,
        dry_run=dry_run,
        cached=not no_cache,
    )
    raise typer.Exit(report.finish(run.run(request, report)))


def graph(
    path: Annotated[Path, typer.Argument(help="The service, or a directory in it.")] = Path(),
    output: Annotated[GraphFormat, typer.Option("--format", help="What to draw.")] = GraphFormat.tree,
    file: Annotated[
        Path | None, typer.Option("--output", help="Write it there instead of printing it.", metavar="FILE")
    ] = None,
    origins: Annotated[
        list[str] | None,
        typer.Option("--from", help="Only what this leads to: a route (POST /jobs), a workflow, …", metavar="NAME"),
    ] = None,
    by_group: Annotated[bool, typer.Option("--by-group", help="One node for each group.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read the code, also if it has not changed.")] = False,
) -> None:
    """Draw a service from its code: routes, workflows, steps, db functions, gates, schedules, and who calls whom."""
    from resonate_scaffold.graph.run import GraphRequest, draw
    from resonate_scaffold.report import Report

    report = Report(as_json=False)
    request = GraphRequest(path, output.value, file, tuple(origins or ()), by_group, cached=not no_cache)
    raise typer.Exit(report.finish(draw(request, report)))

"""``export``: what other teams need."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from resonate_scaffold.commands.options import AsJson, DryRun, Project

app = typer.Typer(help="Write what other teams need, in any language.", rich_markup_mode=None)


class ExportFormat(StrEnum):
    json_schema = "json-schema"
    typescript = "typescript"


@app.command("contracts")
def export_contracts(
    output: Annotated[ExportFormat, typer.Option("--format", help="What to write.")] = ExportFormat.json_schema,
    out: Annotated[Path, typer.Option("--out", help="The directory for it.", metavar="DIR")] = Path("exported"),
    project: Project = Path(),
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Every durable function: names, where it is served, the types of request, result and failures.

    It asks the service itself, which must be installed: python -m PACKAGE contracts --json.
    """
    from resonate_scaffold.export.run import ExportRequest, write
    from resonate_scaffold.report import Report

    report = Report(as_json=as_json)
    request = ExportRequest(project, output.value, out, dry_run)
    raise typer.Exit(report.finish(write(request, report)))

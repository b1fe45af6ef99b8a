"""`add schedule`: a workflow that starts by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from resonate_scaffold import layout, templates
from resonate_scaffold.errors import UsageError
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports, asked_before, tests_path
from resonate_scaffold.generators.webhook import SCHEDULED, tell_webhooks
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.service.things import Contract
from resonate_scaffold.values import Import

_LONGEST = 90


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """``cron``: five fields, in UTC. ``now``: from when its next times are counted.

    ``catch_up`` and ``overlap`` are as the runtime's `Schedule` has them.
    """

    name: str
    workflow: str
    cron: str
    now: datetime
    catch_up: str = "latest"
    overlap: str = "skip"

    def unusual(self) -> dict[str, str]:
        """The options that are not at their default, which are not written."""
        usual = {"catch_up": "latest", "overlap": "skip"}
        return {name: getattr(self, name) for name, way in usual.items() if getattr(self, name) != way}


def add_schedule(project: Project, request: ScheduleRequest) -> Plan:
    """Plan a schedule: its entry, and its test."""
    name = contracts.noun(request.name, "schedule")
    addition = Addition(project, "schedule", name.kebab)
    cron = " ".join(request.cron.split())
    times = next_times(cron, request.now)
    addition.options = contracts.options(workflow=request.workflow, cron=cron, **request.unusual())
    if done := asked_before(addition):
        return done
    workflow = contracts.find_workflow(addition, request.workflow)
    asked, _ = contracts.models_of(workflow)
    wanted = [field.name for field in addition.types.fields(asked) if not field.optional]
    if wanted:
        raise UsageError(
            f"{request.workflow} takes {', '.join(wanted)}, which no schedule knows",
            "Schedule a workflow that takes nothing, or give those fields defaults.",
        )
    module, _, model = asked.rpartition(".")
    options = [layout.Item(layout.text(way), f"{name}=") for name, way in request.unusual().items()]
    addition.wire(
        addition.module("workflows.worker"),
        "SCHEDULES",
        name.kebab,
        [("runtime.durable.schedules", "Schedule"), _function(addition, workflow), (module, model)],
        lambda schedule, function, request: layout.call(
            schedule, [layout.text(name.kebab), layout.text(cron), function, f"{request}()", *options]
        ),
    )
    schedule = layout.call("await service.client.resonate.schedules.get", [f'f"{{prefix}}/{name.kebab}"'])
    imports = Imports()
    imports.names("workflows.worker", "SCHEDULES", "SERVED")
    imports.names("runtime.durable.schedules", "sync_schedules")
    imports.names("runtime.service", "Service")
    imports.names("runtime.testing.running", "RunningService")
    context = {
        "name": name.kebab,
        "durable": workflow.durable,
        "record": contracts.statement(schedule, before="record = "),
    }
    addition.create("schedule/test.py", tests_path("schedule", name), context, imports)
    tell_webhooks(addition, workflow.durable, SCHEDULED)
    addition.notes.append(f"Next (UTC): {', '.join(f'{time:%a %Y-%m-%d %H:%M}' for time in times)}")
    return addition.plan()


def _function(addition: Addition, workflow: Contract) -> Import:
    """What the worker's module knows the workflow by: its function, or its contract where that is not found."""
    function = addition.service.function_of(workflow)
    if function is not None:
        return function
    return workflow.module, workflow.variable


def next_times(cron: str, now: datetime) -> tuple[datetime, ...]:
    """The next three times of a cron expression, in UTC.

    Raises:
        UsageError: it is not one that every engine reads alike.
    """
    from croniter import croniter

    _check_cron(cron)
    run = croniter(cron, now.astimezone(UTC))
    return tuple(run.get_next(datetime) for _ in range(3))


def _check_cron(cron: str) -> None:
    if len(cron) > _LONGEST:
        raise UsageError(
            f"--cron has {len(cron)} characters, too many to read", "Use a range or */N in place of a list."
        )
    if found := templates.find_cron_problem(cron):
        problem, remedy = found
        raise UsageError(f"--cron {cron!r}: {problem}", remedy)

"""What the page reads and does, as JSON: runs as `engine.runs` has them, and the few things that steer them."""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from ..durable.cancel import request_cancel
from ..durable.gate import Delivery
from ..durable.job_runs import retry
from ..durable.json_values import validate
from ..durable.questions import Question, open_questions
from ..durable.schedule_states import ScheduleState, schedule_states
from ..durable.scheduled_runs import KIND as SCHEDULED
from ..durable.schedules import run_now
from ..engine.client import EngineClient
from ..engine.presence import Worker, is_served, list_workers
from ..engine.run_list import list_runs
from ..engine.run_status import Status
from ..engine.run_tree import find_tree
from ..engine.runs import RunPage, RunQuery, RunTree, moment
from ..errors import OperatorError, mistakes_in
from ..http.auth import ClientDep
from ..http.problems import Problem, invalid_request
from ..http.strict_json import JsonRoute
from ..service import API, Service
from ..settings import ServiceSettings, is_loopback
from .open_questions import OpenQuestions
from .sources import Source, Sources

logger = logging.getLogger(__name__)

_DELIVERED = {
    Delivery.TAKEN: "The answer is taken.",
    Delivery.CONFLICT: "Another answer was given before, and holds.",
    Delivery.EXPIRED: "The run waits for no answer any more.",
    Delivery.UNKNOWN: "There is no such run.",
}
_REFUSED = {Delivery.CONFLICT: 409, Delivery.EXPIRED: 410, Delivery.UNKNOWN: 404}


class ServiceFacts(BaseModel):
    """What the page needs to know once. ``now`` is the engine's time.

    ``root`` is the directory that holds the service's code; None where the page is seen from another machine.
    """

    name: str
    root: str | None
    kinds: list[str]
    now: AwareDatetime


class Attention(BaseModel):
    """What wants somebody's: the runs that wait at gates, each with the first of these, and the groups that nobody serves.

    ``asking`` is None where the engine does not list runs.
    """

    asking: dict[str, str] | None
    unserved: list[str]


class ShownRun(RunTree):
    """A run with what can be done about it. ``sources`` are those of the functions of its calls, by the calls' ids.

    Requests and results are there of the calls that were asked for alone.
    """

    questions: list[Question]
    sources: dict[str, Source]
    can_cancel: bool
    can_retry: bool


class ShownQuestions(BaseModel):
    """``is_cut``: there are more runs than were looked at."""

    questions: list[Question]
    is_cut: bool


class ShownSchedule(ScheduleState):
    """A schedule, and where its workflow is."""

    source: Source | None


class ShownGroup(BaseModel):
    """A group, as the engine knows it. ``is_served`` is None where that cannot be told; ``command`` starts a worker of it."""

    group: str
    is_ours: bool
    is_served: bool | None
    command: str | None
    workers: list[Worker]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Cancel(_Body):
    """Cancel a run; ``hard``: end it and its open calls on the engine, where nothing is undone."""

    id: str
    hard: bool = False


class Retry(_Body):
    """Start a run again that ended badly, from its beginning or from its first call of ``step``."""

    id: str
    step: str | None = None


class Answer(_Body):
    """Answer a run at a gate."""

    gate: str
    run: str
    answer: Any


class RunNow(_Body):
    """Start what a schedule starts."""

    name: str


class StartedRun(BaseModel):
    """The id of a run that was started."""

    run: str


class Done(BaseModel):
    """What has become of it, in words."""

    detail: str


class _Console:
    """What the routes share, read from the service's code once."""

    def __init__(self, service: Service, sources: Sources, settings: ServiceSettings | None) -> None:
        self.service = service
        self.sources = sources
        self.gates = service.gates()
        self.schedules = service.schedules(settings)
        self.values = service.shown_values()
        self.questions = OpenQuestions(self.gates)

    async def tree(self, client: EngineClient, run: str) -> RunTree:
        """A run with its calls; else 404."""
        tree = await find_tree(client, run)
        if tree is None:
            raise Problem(404, "not-found", f"The engine keeps no run {run}. One that was removed is not there.")
        self.values.hide(tree)
        return tree

    async def groups(self, client: EngineClient) -> list[ShownGroup]:
        """The groups of this service, and those of others that it calls."""
        stood_in = {entry.contract.group for entry in self.service.stand_ins()}
        ours = [group for group in self.service.groups if group != API]
        theirs = sorted({contract.group for contract in self.service.contracts()} - {*ours, API})
        workers = await list_workers(client, [client.namespace.group(group) for group in (*ours, *theirs)])
        return [
            ShownGroup(
                group=named,
                is_ours=group in ours,
                is_served=bool(there) or await is_served(client, named),
                command=self._command(group, stood_in),
                workers=there,
            )
            for group in (*ours, *theirs)
            for named in [client.namespace.group(group)]
            for there in [[worker for worker in workers if worker.group == named]]
        ]

    def _command(self, group: str, stood_in: set[str]) -> str | None:
        run = f"python -m {self.service.package}"
        if group in self.service.groups:
            return f"{run} {'worker' if group == 'workers' else group if group == 'db' else f'group {group}'}"
        return f"{run} fake {group}" if group in stood_in else None

    async def shown_schedules(self, client: EngineClient) -> list[ShownSchedule]:
        """The schedules, each with where its workflow is."""
        states = await schedule_states(client, self.schedules, client.namespace.name or self.service.name)
        workflows = [schedule.workflow for schedule in self.schedules]
        return [
            ShownSchedule(**dict(state), source=self.sources.of_function(workflow.name, workflow.version))
            for state, workflow in zip(states, workflows, strict=True)
        ]


def console_router(service: Service, sources: Sources, settings: ServiceSettings | None) -> APIRouter:
    """The routes below `/api`."""
    console = _Console(service, sources, settings)
    router = APIRouter(route_class=JsonRoute)

    @router.get("/service")
    async def get_service(client: ClientDep, request: Request) -> ServiceFacts:
        is_here = request.client is not None and is_loopback(request.client.host)
        return ServiceFacts(
            name=service.name,
            root=str(sources.root) if is_here else None,
            kinds=[SCHEDULED] if console.schedules else [],  # Those that are known before there are any.
            now=moment(client.clock.now_ms()),
        )

    @router.get("/attention")
    async def get_attention(client: ClientDep) -> Attention:
        asking: dict[str, str] | None = {}
        try:
            questions, _ = await console.questions.find(client) if console.gates else ([], False)
            asking = {question.run: question.gate for question in reversed(questions)}
        except OperatorError:  # The list of runs says it.
            asking = None
        groups = await console.groups(client)
        return Attention(asking=asking, unserved=[group.group for group in groups if group.is_served is False])

    @router.get("/runs")
    async def get_runs(
        client: ClientDep,
        status: Status | None = None,
        kind: str | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> RunPage:
        return await list_runs(client, RunQuery(status=status, kind=kind, cursor=cursor, limit=limit))

    @router.get("/run")
    async def get_run(client: ClientDep, id: str, opened: Annotated[list[str] | None, Query()] = None) -> ShownRun:
        tree = await console.tree(client, id)
        questions = await open_questions(client, tree, console.gates)
        for call in tree.walk():
            if call.id not in (opened or ()):
                call.request = call.result = None
        is_newest = tree.run.id == tree.runs[-1].id
        is_running = tree.run.status is Status.RUNNING
        return ShownRun(
            **dict(tree),
            questions=questions,
            sources=sources.of_calls(tree.root),
            can_cancel=is_newest and is_running,
            can_retry=is_newest and not is_running and tree.run.status is not Status.SUCCEEDED,
        )

    @router.post("/runs/cancel")
    async def cancel(client: ClientDep, body: Cancel) -> Done:
        record = await request_cancel(client, body.id, hard=body.hard)
        logger.info("a run was canceled from the console", extra={"job": client.namespace.engine_id(record.id)})
        console.questions.forget(body.id)
        is_over = record.state != "pending"
        return Done(detail="It is canceled." if is_over else "It is asked to stop, and does so at its next call.")

    @router.post("/runs/retry")
    async def start_again(client: ClientDep, body: Retry) -> StartedRun:
        again = await retry(client, body.id, body.step)
        logger.info(
            "a run was started again from the console", extra={"job": client.namespace.engine_id(again.record.id)}
        )
        return StartedRun(run=again.record.id)

    @router.get("/gates")
    async def get_gates(client: ClientDep) -> ShownQuestions:
        questions, is_cut = await console.questions.find(client)
        return ShownQuestions(questions=questions, is_cut=is_cut)

    @router.post("/gates/answer")
    async def answer(client: ClientDep, body: Answer) -> Done:
        gate = console.gates.get(body.gate)
        if gate is None:
            raise Problem(404, "not-found", f"This service knows no gate {body.gate}.")
        try:
            payload = validate(gate.payload, body.answer)
        except ValidationError as error:
            raise invalid_request(mistakes_in(error)) from None
        delivery, _ = await gate.deliver(client, body.run, payload)
        console.questions.forget(body.run)
        if delivery in _REFUSED:
            raise Problem(_REFUSED[delivery], delivery.name.lower(), _DELIVERED[delivery])
        logger.info(
            "an answer was given from the console",
            extra={"gate": body.gate, "job": client.namespace.engine_id(body.run)},
        )
        return Done(detail=_DELIVERED[delivery])

    @router.get("/schedules")
    async def get_schedules(client: ClientDep) -> list[ShownSchedule]:
        return await console.shown_schedules(client)

    @router.post("/schedules/run")
    async def run_schedule(client: ClientDep, body: RunNow) -> StartedRun:
        run = await run_now(client, console.schedules, body.name)
        logger.info("a schedule was run from the console", extra={"job": run})
        return StartedRun(run=client.namespace.local_id(run))

    @router.get("/workers")
    async def get_workers(client: ClientDep) -> list[ShownGroup]:
        return await console.groups(client)

    return router

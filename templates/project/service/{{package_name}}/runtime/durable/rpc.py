"""Typed contracts for durable calls across processes.

An :class:`Rpc` names a durable function, the group that serves it, and one request and one result model. A workflow
calls it and gets the model back::

    found = await get_account(ctx, GetAccount(account_id="acc-1"))

The function that fulfils it says so, and a type checker sees a mismatch on either side::

    @serve(contract, retries=6)
    async def get_account(ctx: Context, request: GetAccount) -> FoundAccount: ...

On the wire a call is one positional argument, the request as JSON, and its result is the result as JSON: a function
in any language can stand on the other side.
"""

from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic

from pydantic import BaseModel, ValidationError
from resonate.context import Context, ResonateFuture
from resonate.error import ApplicationError
from resonate.types import PromiseRecord, TaskData
from typing_extensions import TypeVar

from ..engine.client import STARTED_BY, EngineClient
from ..engine.codec import encoded
from ..engine.misfits import does_not_fit
from ..engine.namespace import Namespace
from ..engine.offers import current_run
from ..engine.places import say_function
from ..engine.retry import Retry
from ..engine.worker import DurableFunction
from ..errors import Canceled, Failure, InvalidRequest, StepFailed, WiringError, mistakes_in
from ..telemetry.outstanding import note_call
from ..telemetry.replays import one_pass
from ..telemetry.runs import count_end, lost_leases, observe_run
from .bounds import RunBound
from .calls import RecordedCalls, recorded
from .job_runs import noting_retry
from .json_values import validate
from .steps import DurableContext, contained

MOST_LOST_LEASES = 5
"""As often a run may lose its lease in one process, and begin again, before its call fails."""

_FOREVER = timedelta(days=36_500)

JOB_TIMEOUT: None = None
"""The ``timeout`` of a workflow's contract that leaves it to the setting JOB_TIMEOUT."""

type _Sent = tuple[tuple[Any, ...], dict[str, Any]]
"""The arguments of a call as they were sent."""


class DurableCall[R: BaseModel]:
    """A durable call that has been made. Await it, now or later, for its result.

    Raises:
        Failure: the function failed (with its code, and as its class where the contract's ``raises`` names that), or was
            stopped or did not end in time (code ``timed-out``).
        Canceled: the job was canceled.
    """

    def __init__(self, rpc: "Rpc[Any, R]", future: ResonateFuture[Any]) -> None:
        self._rpc = rpc
        self._future = future

    def __await__(self) -> Generator[Any, None, R]:
        try:
            value = yield from self._future.__await__()
        except ApplicationError:  # The SDK's, for a call that has ended without a value.
            wait, timeout = self._rpc.wait, self._rpc.timeout
            within = "before its job's deadline" if wait is None or timeout is None else f"within {wait + timeout}"
            message = f"{self._rpc.name} was canceled or not answered {within}"
            raise Failure(message, code="timed-out", status=504) from None
        except Failure as error:
            if type(error) is Failure or isinstance(error, (Canceled, *self._rpc.raises)):
                raise
            raise Failure(str(error), code=error.code, status=error.status) from None
        return recorded(self._rpc.result, value, f"the result of {self._rpc.name}")


@dataclass(frozen=True, slots=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    """A durable function as its callers know it.

    ``group`` is one of this service's own (``workers``), or somebody else's as the engine knows it
    (``payments.workers``). ``version`` is the implementation that new calls get; running ones keep theirs. ``raises``
    are the failures that arrive as their classes, with their attributes; any other arrives as a plain `Failure` with
    its message and code.

    ``timeout`` bounds a run of the call with all its retries, from when a worker takes it: then the call fails with code
    ``timed-out``. A call may wait to be taken for ``wait``, and without that for as long as its job lives: a group that
    is away for an hour fails no job. A job itself, which no workflow called, ends ``timeout`` after its start; with
    `JOB_TIMEOUT` as its setting says, and such a call of another workflow ends with the job that it is part of.
    """

    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta | None = timedelta(minutes=5)
    version: int = 1
    raises: tuple[type[Failure], ...] = ()
    wait: timedelta | None = None

    def __post_init__(self) -> None:
        for name, bound in (("timeout", self.timeout), ("wait", self.wait)):
            if bound is not None and bound <= timedelta(0):
                raise ValueError(f"{name} of {self.name} must be more than nothing, and is {bound}")
        if self.timeout is None and self.wait is not None:
            raise ValueError(f"wait of {self.name} adds to its timeout, which it leaves to JOB_TIMEOUT")

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        """Make the call at once, so that ids follow the order of calls; await the result when it is needed."""
        target = ctx.get_dependency(Namespace).group(self.group)
        # The SDK cuts it to the caller's own deadline.
        timeout = _FOREVER if self.wait is None or self.timeout is None else self.wait + self.timeout
        options = ctx.options(target=target, timeout=timeout, version=self.version)
        future: ResonateFuture[Any] = options.rpc(self.name, _as_json(request, f"the request of {self.name}"))
        note_call(target, future._id, self.name)  # The id is known at once, but public only to those who await it.
        return DurableCall(self, future)

    async def start(
        self,
        client: EngineClient,
        promise_id: str,
        request: Q,
        *,
        timeout: timedelta | None = None,
        tags: dict[str, str] | None = None,
    ) -> PromiseRecord:
        """Start it from outside of a workflow, under an id, or find what was started under that id before.

        ``timeout`` is from now to its deadline, the contract's unless it is given. See :meth:`EngineClient.start`.
        """
        timeout = timeout or self.job_timeout(client)
        return await client.start(self.task(request), self.group, promise_id, timeout, tags)

    def job_timeout(self, client: EngineClient) -> timedelta:
        """How long work that is started from outside of a workflow has: as the contract says, or the setting."""
        return client.job_timeout if self.timeout is None else self.timeout

    def task(self, request: Q) -> TaskData:
        """What the engine hands to a worker for a request."""
        return TaskData(func=self.name, args=(_as_json(request, f"the request of {self.name}"),), version=self.version)

    def stored_request(self, record: PromiseRecord) -> Q:
        """The request with which the work of a record was started."""
        task: Any = record.param.data
        return validate(self.request, task["args"][0])


# With defaults, so that a list of them needs no brackets.
_Q = TypeVar("_Q", bound=BaseModel, default=Any)
_R = TypeVar("_R", bound=BaseModel, default=Any)


@dataclass(frozen=True, slots=True, eq=False)
class Registration(DurableFunction, Generic[_Q, _R]):
    """A contract with the function that fulfils it, as it stands in a worker's SERVED."""

    contract: Rpc[_Q, _R]
    function: Callable[[Context, _Q], Awaitable[_R]]

    def __call__(self, ctx: Context, request: _Q) -> Awaitable[_R]:
        """Call the plain function, as a test may."""
        return self.function(ctx, request)


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], *, retries: int = 0, retry: Retry | None = None
) -> Callable[[Callable[[Context, Q], Awaitable[R]]], Registration[Q, R]]:
    """Declare the function that fulfils a contract; its worker lists it in SERVED.

    ``retries`` and ``retry`` are for functions that make no durable call themselves: what raises is tried again,
    ``retries`` times after 2, 4, 8, 16, 30, 30 … seconds, or as ``retry`` says. A `Failure` never is.
    """
    policy = retry or Retry(retries)

    def register(function: Callable[[Context, Q], Awaitable[R]]) -> Registration[Q, R]:
        async def attempt(ctx: DurableContext, bound: RunBound, sent: _Sent) -> dict[str, Any]:
            async with observe_run(ctx, contract.name, contract.version), bound.applied():
                model = _parsed(ctx, contract, sent)
                result = await contained(lambda: function(ctx, model), contract.name)
                if not isinstance(result, BaseModel):
                    wanted = contract.result.__name__
                    raise TypeError(f"{contract.name} returned {type(result).__name__}, and its contract says {wanted}")
                return _as_json(result, f"the result of {contract.name}")

        async def run(ctx: Context, sent: _Sent) -> dict[str, Any]:
            say_function(contract.name)
            here = DurableContext.of(ctx)
            here._state.effects = calls = RecordedCalls(here._state.effects, ctx)
            bound = RunBound(here, calls, contract.name, contract.timeout)
            if (lost := lost_leases(ctx.info.id)) >= MOST_LOST_LEASES:
                message = f"{contract.name} has lost its lease {lost} times: a worker is held up for longer than LEASE"
                raise Failure(message, code="lease-lost", status=500)
            try:
                async with _watched(ctx, contract.name):
                    with one_pass(ctx.info.id, is_first=calls.is_first_pass) as lines, noting_retry(ctx):
                        calls.listen(lambda _, is_new: lines.saw_call(is_new=is_new))
                        return await here.attempts(lambda: attempt(here, bound, sent), policy, bound)
            except Exception as error:
                here.leave_open_calls()
                if isinstance(error, Failure) and not isinstance(error, StepFailed):
                    raise
                # Its text may hold a statement, a host or a secret, and whatever is raised here a client may read.
                message = f"internal error in {contract.name}: see its log for {ctx.info.id}"
                raise Failure(message, code="internal-error", status=500) from None

        # Whatever was sent: the SDK would refuse another number of arguments in words of its own.
        async def job(ctx: Context, *args: Any, **kwargs: Any) -> dict[str, Any]:
            async with count_end(ctx, contract.name):
                return await run(ctx, (args, kwargs))

        return Registration(contract.name, contract.version, job, contract, function)

    return register


def _watched(ctx: Context, name: str) -> AbstractAsyncContextManager[None]:
    """Watch a run that may be what ends its processes."""
    run = current_run()
    return nullcontext() if run is None else run.suspects.watched(ctx.get_dependency(EngineClient), run, name)


def _parsed[Q: BaseModel](ctx: Context, contract: Rpc[Q, Any], sent: _Sent) -> Q:
    """The request of a call.

    Raises:
        InvalidRequest: it does not fit, and was not checked before: another function's, service's or language's.
        PlatformError: it does not fit, and this service itself had checked and started it: this code is what is wrong.
    """
    args, kwargs = sent
    try:
        if len(args) != 1 or kwargs:
            found = f"{len(args)} arguments" if not kwargs else f"arguments by name ({', '.join(kwargs)})"
            errors = [{"at": "", "detail": f"The call takes one argument, an object; it has {found}"}]
        else:
            return validate(contract.request, args[0])
    except ValidationError as error:
        errors = mistakes_in(error)[:20]
    failure = InvalidRequest(contract.name, errors)
    raise does_not_fit(str(failure)) if _is_our_own(ctx) else failure


def _is_our_own(ctx: Context) -> bool:
    """Whether this service started the work of which this call is the first, or it is replayed."""
    if ctx.info.id != ctx.info.origin_id:
        return False
    run = current_run()
    if run is None:
        return True
    started_by = run.promise.tags.get(STARTED_BY)
    if started_by is None:  # The release before had no such tag, and fingerprints of what came over HTTP.
        return "http:fingerprint" in run.promise.tags
    return started_by.startswith(ctx.get_dependency(Namespace).engine_id(""))


def _as_json(model: BaseModel, what: str) -> dict[str, Any]:
    """A model as the engine keeps it.

    Raises:
        ValueNotKept: it cannot be kept.
    """
    value = model.model_dump(mode="json")
    encoded(value, what)
    return value


def check_registrations(group: str, contracts: Iterable[Rpc[Any, Any]], served: Sequence[Registration]) -> None:
    """Compare what a group serves with the contracts of the service.

    Raises:
        WiringError: a contract of this group that nobody serves, a function that stands twice in SERVED, or one whose
            contract names another group.
    """
    declared = {(contract.name, contract.version) for contract in contracts if contract.group == group}
    names = [(entry.name, entry.version) for entry in served]
    for entry in served:
        if entry.contract.group != group:
            raise WiringError(
                f"{entry.name} belongs to group {entry.contract.group}, not {group}",
                "Move it into SERVED of that group, or change the group in its contract.",
            )
    for name, version in sorted(set(names)):
        if names.count((name, version)) > 1:
            raise WiringError(
                f"{name} (version {version}) stands twice in SERVED of group {group}", "Take one of the two out."
            )
    for name, version in sorted(declared - set(names)):
        raise WiringError(
            f"{name} (version {version}) has a contract, but SERVED of group {group} lacks it",
            "Add the function that fulfils it, or calls to it would wait for ever.",
        )

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

import json
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic

from pydantic import BaseModel, ValidationError
from resonate.context import Context, ResonateFuture
from resonate.error import ApplicationError
from resonate.types import PromiseRecord, TaskData
from typing_extensions import TypeVar

from ..engine.client import EngineClient
from ..engine.codec import encoded
from ..engine.namespace import Namespace
from ..engine.retry import Retry
from ..engine.worker import DurableFunction
from ..errors import Failure, StepFailed, WiringError
from ..telemetry.outstanding import note_call
from ..telemetry.runs import count_end, lost_leases, observe_run
from .json_values import validate
from .steps import DurableContext, contained


MOST_LOST_LEASES = 5
"""As often a run may lose its lease in one process, and begin again, before its call fails."""


class DurableCall[R: BaseModel]:
    """A durable call that has been made. Await it, now or later, for its result.

    Raises:
        Failure: the function failed (with its code, and as its class where the contract's ``raises`` names that), was
            canceled (code ``canceled``), or did not answer in time (``timed-out``).
    """

    def __init__(self, rpc: "Rpc[Any, R]", future: ResonateFuture[Any]) -> None:
        self._rpc = rpc
        self._future = future

    def __await__(self) -> Generator[Any, None, R]:
        try:
            value = yield from self._future.__await__()
        except ApplicationError:  # The SDK's, for a call that has ended without a value.
            message = f"{self._rpc.name} was canceled or not answered within {self._rpc.timeout}"
            raise Failure(message, code="timed-out", status=504) from None
        except Failure as error:
            if type(error) is Failure or isinstance(error, self._rpc.raises):
                raise
            raise Failure(str(error), code=error.code, status=error.status) from None
        return validate(self._rpc.result, value)


@dataclass(frozen=True, slots=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    """A durable function as its callers know it.

    ``group`` is one of this service's own (``workers``), or somebody else's as the engine knows it
    (``payments.workers``). ``timeout`` bounds one call with all its retries. ``version`` is the implementation that new
    calls get; running ones keep theirs. ``raises`` are the failures that arrive as their classes, with their
    attributes; any other arrives as a plain `Failure` with its message and code.
    """

    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)
    version: int = 1
    raises: tuple[type[Failure], ...] = ()

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        """Make the call at once, so that ids follow the order of calls; await the result when it is needed."""
        target = ctx.get_dependency(Namespace).group(self.group)
        options = ctx.options(target=target, timeout=self.timeout, version=self.version)
        future: ResonateFuture[Any] = options.rpc(
            self.name, _as_json(request, f"the request of {self.name}")
        )
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

        ``timeout`` is the contract's unless it is given. See :meth:`EngineClient.start`.
        """
        return await client.start(self.task(request), self.group, promise_id, timeout or self.timeout, tags)

    def task(self, request: Q) -> TaskData:
        """What the engine hands to a worker for a request."""
        return TaskData(
            func=self.name, args=(_as_json(request, f"the request of {self.name}"),), version=self.version
        )

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
        async def attempt(ctx: DurableContext, request: dict[str, Any]) -> dict[str, Any]:
            async with observe_run(ctx, contract.name, contract.version):
                model = _parsed(contract, request)
                result = await contained(lambda: function(ctx, model), contract.name)
                return _as_json(result, f"the result of {contract.name}")

        async def run(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
            here = DurableContext.of(ctx)
            if (lost := lost_leases(ctx.info.id)) >= MOST_LOST_LEASES:
                message = f"{contract.name} has lost its lease {lost} times: a worker is held up for longer than LEASE"
                raise Failure(message, code="lease-lost", status=500)
            try:
                return await here.attempts(lambda: attempt(here, request), policy)
            except Exception as error:
                here.leave_open_calls()
                if isinstance(error, Failure) and not isinstance(error, StepFailed):
                    raise
                # Its text may hold a statement, a host or a secret, and whatever is raised here a client may read.
                message = f"internal error in {contract.name}: see its log for {ctx.info.id}"
                raise Failure(message, code="internal-error", status=500) from None

        async def job(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
            async with count_end(ctx, contract.name):
                return await run(ctx, request)

        return Registration(contract.name, contract.version, job, contract, function)

    return register


def _parsed[Q: BaseModel](contract: Rpc[Q, Any], request: Any) -> Q:
    try:
        return validate(contract.request, request)
    except ValidationError as error:
        items = error.errors(include_url=False, include_input=False, include_context=False)
        wrong = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'it'}: {item['msg']}" for item in items[:5])
        raise Failure(f"the request of {contract.name} does not fit its contract: {wrong}", code="invalid-request") from None


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

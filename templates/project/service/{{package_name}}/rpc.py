"""Typed contracts for durable calls across processes: the only RPC machinery there is.

An :class:`Rpc` names a durable function, the group that serves it, and one request and one result model. A workflow
calls it and gets the model back::

    found = await get_account(ctx, GetAccount(account_id="acc-1"))

The group's worker pairs it with its function, and a type checker sees a mismatch on either side::

    SERVED = [serve(get_account, load_account, retries=6)]

On the wire a call is one positional argument, the request as JSON, and its result is the result as JSON: a function
in any language can stand on the other side.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture
from resonate.error import ApplicationError
from resonate.retry import Exponential, Never, RetryPolicy

from .runs import observed

# What the SDK raises for a call that ended without a value: one that timed out, or was canceled.
_NO_VALUE = "unknown error: null"


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class Failure(Exception):
    """A failure in words that may leave the service: its message is what a client reads.

    Raise it for what will not get better by trying again. Any other exception that leaves a durable function is
    logged where it happened and reported as an internal error, without its text.
    """


class DurableCall[R: BaseModel]:
    """A durable call that has been made. Await it, now or later, for its result.

    Raises :class:`Failure` when the function failed, timed out or was canceled.
    """

    def __init__(self, rpc: "Rpc[Any, R]", future: ResonateFuture[Any]) -> None:
        self._rpc = rpc
        self._future = future

    def __await__(self) -> Generator[Any, None, R]:
        try:
            value = yield from self._future.__await__()
        except ApplicationError as error:
            if str(error) == _NO_VALUE:
                raise Failure(f"{self._rpc.name} was canceled or not answered within {self._rpc.timeout}") from None
            raise Failure(f"{self._rpc.name} failed: {error}") from None
        return self._rpc.result.model_validate(value)


@dataclass(frozen=True, slots=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    """A durable function as its callers know it.

    ``timeout`` bounds one call with all its retries. ``version`` is the implementation that new calls get; running
    ones keep theirs.
    """

    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)
    version: int = 1

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        """Make the call at once, so that ids follow the order of calls; await the answer when it is needed."""
        options = ctx.options(target=self.group, timeout=self.timeout, version=self.version)
        return DurableCall(self, options.rpc(self.name, request.model_dump(mode="json")))


@dataclass(frozen=True, slots=True)
class Served:
    """A contract with the function that a worker registers for it."""

    contract: Rpc[Any, Any]
    function: Callable[[Context, dict[str, Any]], Awaitable[dict[str, Any]]]
    retry: RetryPolicy


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], function: Callable[[Context, Q], Awaitable[R]], *, retries: int = 0
) -> Served:
    """Pair a contract with the function that fulfils it.

    ``retries`` is for functions that make no durable call themselves (the engine retries no others): a failure is
    tried again after 2, 4, 8, 16, 30, 30 … seconds.
    """

    async def run(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
        try:
            async with observed(ctx, contract.name, contract.version, Failure):
                result = await function(ctx, contract.request.model_validate(request))
                return result.model_dump(mode="json")
        except Failure:
            raise
        except Exception:
            # Its text may hold a statement, a host or a secret, and whatever is raised here a client may read.
            raise Failure(f"internal error in {contract.name}: see its log for {ctx.info.id}") from None

    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=retries) if retries else Never()
    return Served(contract, run, policy)


class WiringError(Exception):
    """A worker that would leave calls unanswered: it is refused at start-up, because such calls hang."""


def check_served(group: str, contracts: ModuleType, served: Sequence[Served]) -> None:
    """Hold the group's worker against its contracts.

    Raises :class:`WiringError` for a contract of this group that nobody serves, a function served twice, and one
    served in a group other than its contract says.
    """
    declared = {(c.name, c.version) for c in vars(contracts).values() if isinstance(c, Rpc) and c.group == group}
    names = [(s.contract.name, s.contract.version) for s in served]
    for entry in served:
        if entry.contract.group != group:
            raise WiringError(f"{entry.contract.name} belongs to group {entry.contract.group}, not {group}")
    for name, version in sorted(set(names)):
        if names.count((name, version)) > 1:
            raise WiringError(f"{name} (version {version}) stands twice in SERVED of group {group}")
    for name, version in sorted(declared - set(names)):
        raise WiringError(f"{name} (version {version}) has a contract, but SERVED of group {group} lacks it")


def fingerprint(model: BaseModel, *, as_sent: bool = False) -> str:
    """The SHA-256 of a model as canonical JSON: equal for equal requests, whatever their spelling was.

    ``as_sent`` leaves out what the model added by default. A durable call sends all that its caller's models have, so
    a call that runs again after a deployment is still itself where a field with a default has come.
    """
    return hashlib.sha256(_CANONICAL.encode(model.model_dump(mode="json", exclude_unset=as_sent)).encode()).hexdigest()

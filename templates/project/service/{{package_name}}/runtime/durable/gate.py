"""Gates: where a workflow waits for the outside world, and how an answer reaches it.

The workflow waits on a call to `hold`, which has a target, so that every engine expires it in time. The outside knows
the gate by a readable alias, ``<name>/<key>``, a promise of its own. **The alias alone decides**: an answer settles the
alias first, and what the alias *recorded* is passed on. So a repeated delivery changes nothing, two different answers
cannot both hold, a crash between the two steps is healed by the next delivery, and an answer that comes too late loses
against the workflow's own ``expired``.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from pydantic import BaseModel
from resonate.context import Context
from resonate.error import ApplicationError
from resonate.types import PromiseRecord

from ..engine.client import EngineClient
from ..engine.namespace import Namespace
from ..engine.worker import DurableFunction
from .json_values import validate

_EXPIRED = {"expired": True}
# The alias outlives its job, so that a late answer is told apart from one that never had a gate.
_OUTLIVES = timedelta(days=1)


async def _hold(ctx: Context) -> Any:
    return await ctx.promise()


HOLD = DurableFunction("gate.hold", 1, _hold)
"""Served by every group: what a workflow that waits at a gate calls. An answer settles its promise."""


class _Question(BaseModel):
    """What an alias's promise holds: the ids of the promise that the workflow waits on, and of the workflow."""

    held: str
    root: str


class Delivery(Enum):
    """What became of an answer."""

    TAKEN = auto()
    """This answer holds: it is the first, or the same again."""
    CONFLICT = auto()
    """Another answer holds."""
    EXPIRED = auto()
    """The workflow waits no longer."""
    NOT_OPEN = auto()
    """There is no such gate, or not yet."""


@dataclass(frozen=True, slots=True)
class Gate[P: BaseModel]:
    """A kind of gate: ``name`` begins its ids, ``payload`` is the answer's model."""

    name: str
    payload: type[P]

    def alias(self, key: str) -> str:
        """The id by which the outside knows the gate."""
        return f"{self.name}/{key}"

    async def wait(self, ctx: Context, key: str, timeout: timedelta) -> P | None:
        """Wait, in a workflow, for the answer; None when none came within ``timeout``.

        Open it where the workflow has nothing else under way, and use a key once: ``<name>/<key>`` is one question.
        """
        alias = self.alias(key)
        call = ctx.options(timeout=timeout).rpc(HOLD.name)
        held = await call.id()
        await ctx.run(_open, alias, held, ctx.info.origin_id, ctx.info.timeout_at)
        with suppress(ApplicationError):  # It expired; the alias decides, for an answer may have come just now.
            await call
        recorded = await ctx.run(_close, alias)
        return None if recorded == _EXPIRED else validate(self.payload, recorded["answer"])

    async def deliver(self, client: EngineClient, key: str, answer: P) -> tuple[Delivery, P | None]:
        """Pass an answer from outside to the workflow; with it, the answer that holds, if one does.

        Raises:
            EngineUnavailable: the engine does not answer; delivering again is safe.
        """
        gate = await client.find(self.alias(key))
        if gate is None:
            return Delivery.NOT_OPEN, None
        question = _Question.model_validate(gate.param.data)
        ours: dict[str, Any] = {"answer": answer.model_dump(mode="json")}
        if gate.state == "pending":
            root = await client.find(question.root)
            # A job that timed out never closed its gate.
            over = root is None or root.state != "pending"
            gate = await client.resolve(gate.id, _EXPIRED if over else ours)
        recorded = _recorded(gate)
        if recorded == _EXPIRED:
            return Delivery.EXPIRED, None
        await client.resolve(question.held, recorded)
        holds = validate(self.payload, recorded["answer"])
        return (Delivery.TAKEN if recorded == ours else Delivery.CONFLICT), holds


async def _open(ctx: Context, alias: str, held: str, root: str, root_timeout_at: int) -> None:
    """Step: make the alias, which outlasts the job. ``held`` and ``root`` are ids on the engine, times Unix ms."""
    namespace = ctx.get_dependency(Namespace)
    question = _Question(held=namespace.local_id(held), root=namespace.local_id(root))
    timeout_at = root_timeout_at + int(_OUTLIVES.total_seconds() * 1000)
    record = await ctx.get_dependency(EngineClient).create(alias, question.model_dump(), timeout_at)
    if _Question.model_validate(record.param.data) != question:
        raise RuntimeError(f"gate {alias} was opened twice: give each wait a key of its own")


async def _close(ctx: Context, alias: str) -> dict[str, Any]:
    """Step: settle the alias as expired unless it is settled, and return what it recorded."""
    return _recorded(await ctx.get_dependency(EngineClient).resolve(alias, _EXPIRED))


def _recorded(gate: PromiseRecord) -> dict[str, Any]:
    return gate.value.data if gate.state == "resolved" and isinstance(gate.value.data, dict) else _EXPIRED

"""Gates: where a workflow waits for the outside world, and how an answer reaches it.

The workflow waits on a call to `hold`, which has a target, so that every engine expires it in time. The outside knows
the question by a readable id, ``<gate>/<root of the work>``: ``approve/job/order-4711``, a promise of its own. **That
promise alone decides**: an answer settles it first, and what it *recorded* is passed on. So a repeated delivery changes
nothing, two different answers cannot both hold, a crash between the two steps is healed by the next delivery, and an
answer that comes too late loses against the workflow's own ``expired``.

An answer may come before its question: then it makes the promise itself, and is found there when the workflow asks. A
workflow may ask again, after a wait that expired or for another answer: its second question at a gate is
``approve/job/order-4711#2``, and an answer goes to the one that is open, else to the next.

Work that is started again (see `job_runs`) asks under its new root, and finds there what the run before was told: its
answers, and each wait that expired and was followed by another.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from itertools import count
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from pydantic import BaseModel
from resonate.context import Context
from resonate.error import ApplicationError, ServerError
from resonate.ids import join_id
from resonate.types import PromiseRecord

from ..engine.client import EngineClient
from ..engine.namespace import Namespace
from ..engine.run_ids import first_run, run_id, run_number
from ..engine.run_tags import EXTERNAL
from ..engine.worker import DurableFunction
from ..errors import Canceled, Failure
from .calls import note_told, recorded as read_recorded
from .cancel_requests import shielded
from .ids import MAX_ROOT
from .job_runs import find_newest
from .json_values import validate
from .steps import DurableContext

_EXPIRED = {"expired": True}
CANCELED = {"canceled": True}
"""What a call to :data:`HOLD` ends with where the job is canceled."""

_ASKED_ALREADY = 0
# A question outlives its work, so that a late answer is told apart from one for work that never was.
_OUTLIVES = timedelta(days=1)
# Until the deadline of the call itself, which bounds it; the SDK's default would end a longer wait after a day.
_AS_LONG_AS_THE_CALL = timedelta(days=36_500)


async def _hold(ctx: Context) -> Any:
    return await ctx.promise(timeout=_AS_LONG_AS_THE_CALL)


HOLD = DurableFunction("gate.hold", 1, _hold)
"""Served by every group: what a workflow that waits at a gate calls. An answer settles its promise."""


async def end_hold(client: EngineClient, held: str, value: Any) -> None:
    """End a call to :data:`HOLD`, and the promise that it waits for, which would outlive the work on the engine."""
    await client.resolve(held, value)
    try:
        await client.resolve(join_id(held, "1"), value)
    except ServerError as error:
        if error.code != 404:  # The call has not begun.
            raise


class _Question(BaseModel):
    """What a question's promise holds: ``held``, the promise that the workflow waits on; or ``early``, what was recorded
    where the answer came first.
    """

    root: str
    held: str | None = None
    early: dict[str, Any] | None = None


class Delivery(Enum):
    """What became of an answer."""

    TAKEN = auto()
    """This answer holds, or will when the workflow asks: it is the first, or the same again."""
    CONFLICT = auto()
    """Another answer holds."""
    EXPIRED = auto()
    """The work has ended, and waited for no answer or no longer."""
    UNKNOWN = auto()
    """There is no such work."""


@dataclass(frozen=True, slots=True)
class Gate[P: BaseModel]:
    """A kind of gate: ``name`` begins its ids, ``payload`` is the answer's model.

    ``answers`` is how many messages may answer here, where a workflow waits more than once: each then answers a question
    of its own, also one that has not been asked yet. With 1, a message that comes after the answer and before the next
    question is told of a conflict.
    """

    name: str
    payload: type[P]
    answers: int = 1

    def __post_init__(self) -> None:
        if self.answers < 1:
            raise ValueError(f"gate {self.name} must take 1 answer or more, and not {self.answers}")

    def question_id(self, root: str, number: int = 1) -> str:
        """The id of a question that some work asks at this gate: its first, or a later one."""
        first = f"{self.name}/{root}"
        if len(first) > MAX_ROOT:
            first = f"{self.name}/~{uuid5(NAMESPACE_OID, root)}"
        return _numbered(first, number)

    def root_of(self, promise_id: str) -> str | None:
        """The work whose question has this id; None where the promise is no question of this gate."""
        name, _, rest = promise_id.partition("/")
        return rest.partition("#")[0] if name == self.name and ":" not in rest else None

    async def wait(self, ctx: Context, timeout: timedelta) -> P | None:
        """Wait, in a workflow, for an answer; None when none came within ``timeout``.

        Wait where the workflow has nothing else under way. Waiting again asks anew: after a reminder, say.

        Raises:
            Failure: the same work waits at this gate already, or the wait would end after the deadline of its run.
            Canceled: the job was canceled, and no answer had come. None is taken any more.
        """
        root = ctx.get_dependency(Namespace).local_id(ctx.info.origin_id)
        call = ctx.options(timeout=timeout).rpc(HOLD.name)
        if isinstance(ctx, DurableContext):
            ctx.name_gate(call, self.name)
        held = await call.id()
        if isinstance(ctx, DurableContext):
            ctx.check_ends_in_time(call, f"a wait of {timeout} at gate {self.name}")
        first, *earlier = self._of_each_run(root)
        number = await ctx.run(_open, first, held, root, ctx.info.timeout_at, *earlier)
        ended: Any = None
        with suppress(ApplicationError):  # It expired; the question decides, for an answer may have come just now.
            ended = await call
        if number == _ASKED_ALREADY:
            raise Failure(f"{root} waits at gate {self.name} already, and one answer cannot be for both")
        # What asked under the release before recorded no number.
        question = self.question_id(root, number) if number else self._former_id(root)
        with shielded():  # A wait that has begun is closed, whatever ends it: no later answer is taken.
            recorded = await ctx.run(_close, question)
        if number is None and recorded == _EXPIRED and isinstance(ended, dict) and ended != CANCELED:
            recorded = ended  # Under a key of its own, which is not known here.
        if recorded == _EXPIRED:
            if ended == CANCELED:
                note_told(ctx)
                raise Canceled
            return None
        return read_recorded(self.payload, recorded["answer"], f"the answer at gate {self.name}")

    async def deliver(
        self, client: EngineClient, root: str, answer: P, *, message: str | None = None
    ) -> tuple[Delivery, P | None]:
        """Pass an answer from outside to some work; with it, the answer that holds, if one does.

        It answers the question that is open, or else the next one. Where the last question has its answer and no other
        is open, the two are compared, unless the gate takes more ``answers``. ``message`` is the id of what brought it:
        delivered again, it answers no other question.

        Raises:
            EngineUnavailable: the engine does not answer; delivering again is safe.
        """
        work = await find_newest(client, root)
        if work is None:
            return Delivery.UNKNOWN, None
        root = work.id
        ours: dict[str, Any] = {"answer": answer.model_dump(mode="json")}
        if message is not None:
            ours["message"] = message
        recorded: dict[str, Any] = _EXPIRED
        answered = 0
        for number in count(1):
            answered += recorded != _EXPIRED
            asked = await self._find(client, root, number)
            if asked is None:
                first, *earlier = self._of_each_run(root)
                told = await _told_before(client, earlier, number)
                if told is not None:  # It holds for this run, too.
                    recorded = told
                    if message is not None and told.get("message") == message:
                        break
                    continue
                if (recorded != _EXPIRED and answered >= self.answers) or work.state != "pending":
                    break
                await _create(client, _numbered(first, number), _Question(root=root, early=ours), work.timeout_at)
                # Both may have changed meanwhile.
                work, asked = await client.find(root) or work, await self._find(client, root, number)
            if asked is not None:
                was_open = asked.state == "pending"
                recorded = await _answer(client, asked, ours, is_over=work.state != "pending")
                was_ours = message is not None and recorded.get("message") == message
                # One that was open may have had another's answer already, before its workflow asked.
                took_ours = was_open and (self.answers == 1 or {**recorded, **ours} == recorded)
                if recorded != _EXPIRED and (was_ours or took_ours):
                    break
        if recorded == _EXPIRED:
            return Delivery.EXPIRED, None
        same = recorded["answer"] == ours["answer"]
        return (Delivery.TAKEN if same else Delivery.CONFLICT), validate(self.payload, recorded["answer"])

    async def find_question(self, client: EngineClient, root: str, held: str) -> PromiseRecord | None:
        """The open question of some work for which a call to :data:`HOLD` waits; ``held`` is its id."""
        for number in count(1):
            asked = await self._find(client, root, number)
            if asked is None:
                return None
            if asked.state == "pending" and _Question.model_validate(asked.param.data).held == held:
                return asked
        return None

    def _of_each_run(self, root: str) -> list[str]:
        """The ids of the first questions of a run and of those before it, the latest first."""
        return [self.question_id(run_id(root, number)) for number in range(run_number(root), 0, -1)]

    async def _find(self, client: EngineClient, root: str, number: int) -> PromiseRecord | None:
        asked = await client.find(self.question_id(root, number))
        if asked is None and number == 1:
            asked = await client.find(self._former_id(root))
            if asked is not None and _Question.model_validate(asked.param.data).root != root:
                return None
        return asked

    def _former_id(self, root: str) -> str:
        """The id of a question in the release before, which left out the kind of work."""
        return f"{self.name}/{first_run(root).partition('/')[2]}"


def _numbered(first: str, number: int) -> str:
    return first if number == 1 else f"{first}#{number}"


async def _open(ctx: Context, first: str, held: str, root: str, root_timeout_at: int, *earlier: str) -> int | None:
    """Step: ask the next question, and return its number; :data:`_ASKED_ALREADY` where one is open.

    ``held`` is an id on the engine, ``root_timeout_at`` in Unix milliseconds. ``first`` and ``earlier`` are the ids of
    the first questions of this run and of those before; histories have the arguments of a first run.
    """
    client, namespace = ctx.get_dependency(EngineClient), ctx.get_dependency(Namespace)
    ours = _Question(root=root, held=namespace.local_id(held))
    for number in count(1):
        told = await _told_before(client, earlier, number)
        asking = ours if told in (None, _EXPIRED) else _Question(root=root, early=told)
        asked = await _create(client, _numbered(first, number), asking, root_timeout_at)
        question = _Question.model_validate(asked.param.data)
        if question.held == ours.held:
            if told == _EXPIRED:
                await client.resolve(asked.id, _EXPIRED)
                await end_hold(client, namespace.local_id(held), _EXPIRED)
            return number
        if question.early is not None:
            recorded = _recorded(await client.resolve(asked.id, {**question.early, "held": ours.held}))
            if recorded.get("held") == ours.held:
                await end_hold(client, namespace.local_id(held), recorded)
                return number
        elif asked.state == "pending":
            other = await client.find(question.held or "")
            if other is not None and other.state == "pending":
                # Nothing may stay open in a workflow that fails.
                await end_hold(client, namespace.local_id(held), _EXPIRED)
                return _ASKED_ALREADY
            await client.resolve(asked.id, _EXPIRED)
    raise AssertionError("there is always a next number")


async def _told_before(client: EngineClient, earlier: Sequence[str], number: int) -> dict[str, Any] | None:
    """What the runs before were told at a question: its answer, that it expired and was asked again, or nothing."""
    for first in earlier:
        asked = await client.find(_numbered(first, number))
        if asked is None:
            continue
        recorded = _recorded(asked)
        if recorded != _EXPIRED:
            return {name: part for name, part in recorded.items() if name != "held"}
        early = _Question.model_validate(asked.param.data).early if asked.state == "pending" else None
        return early or (_EXPIRED if await client.find(_numbered(first, number + 1)) else None)
    return None


async def _close(ctx: Context, question_id: str) -> dict[str, Any]:
    """Step: settle a question as expired unless it is settled, and return what it recorded."""
    try:
        return _recorded(await ctx.get_dependency(EngineClient).resolve(question_id, _EXPIRED))
    except ServerError as error:
        if error.code != 404:  # The release before took keys of one's own for questions; nobody answers those any more.
            raise
        return _EXPIRED


async def _create(client: EngineClient, question_id: str, question: _Question, root_timeout_at: int) -> PromiseRecord:
    timeout_at = root_timeout_at + int(_OUTLIVES.total_seconds() * 1000)
    return await client.create(question_id, question.model_dump(), timeout_at, EXTERNAL)


async def _answer(client: EngineClient, asked: PromiseRecord, ours: dict[str, Any], *, is_over: bool) -> dict[str, Any]:
    """What a question records, with our answer where it has none; passed on to the workflow."""
    question = _Question.model_validate(asked.param.data)
    if asked.state == "pending" and question.early is not None:
        return _EXPIRED if is_over else question.early
    if asked.state == "pending":
        # Work that timed out never closed its question.
        asked = await client.resolve(asked.id, _EXPIRED if is_over else ours)
    recorded = _recorded(asked)
    if recorded != _EXPIRED:
        await end_hold(client, question.held or recorded["held"], recorded)
    return recorded


def _recorded(asked: PromiseRecord) -> dict[str, Any]:
    return asked.value.data if asked.state == "resolved" and isinstance(asked.value.data, dict) else _EXPIRED

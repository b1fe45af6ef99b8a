"""The questions for which a run waits at gates, as those who answer them see them."""

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime, BaseModel

from ..engine.client import EngineClient
from ..engine.runs import RunTree, moment
from .gate import Gate


class Question(BaseModel):
    """An open question: at which gate, of which run and call, asked when, and until when an answer counts.

    ``payload_schema`` is the JSON Schema of an answer; None where this service does not know the gate.
    """

    id: str
    gate: str
    run: str
    call: str
    asked_at: AwareDatetime
    ends_at: AwareDatetime
    payload_schema: dict[str, Any] | None


async def open_questions(client: EngineClient, tree: RunTree, gates: Mapping[str, Gate[Any]]) -> list[Question]:
    """The questions that are open in a run. Each is also noted in the tree, at the call that waits for it."""
    found: list[Question] = []
    for call in tree.walk():
        if call.waiting_for is None or call.form != "gate" or call.waiting_for.kind != "answer":
            continue
        name = call.waiting_for.gate
        # An earlier release did not record at which gate a call waits.
        known = gates.values() if name is None else [gates.get(name) or Gate(name, BaseModel)]
        for gate in known:
            if (asked := await gate.find_question(client, call.id.partition(":")[0], call.id)) is None:
                continue
            schema = gate.payload.model_json_schema() if gate.name in gates else None
            run = call.id.partition(":")[0]
            found.append(
                Question(
                    id=asked.id,
                    gate=gate.name,
                    run=run,
                    call=call.id,
                    asked_at=moment(asked.created_at),
                    ends_at=call.ends_at,
                    payload_schema=schema,
                )
            )
            call.name = call.waiting_for.gate = gate.name
            call.waiting_for.question = asked.id
            call.waiting_for.text = f"an answer to {asked.id}"
            break
    return found

"""One run as it is shown to people: its tree, without what contracts hide, and its open questions."""

from pydantic import BaseModel

from .durable.questions import Question, open_questions
from .engine.client import EngineClient
from .engine.run_tree import find_tree
from .engine.runs import RunTree
from .errors import OperatorError
from .service import Service


class ShownRun(BaseModel):
    """A run, and the questions for which it waits."""

    tree: RunTree
    questions: list[Question]


async def shown_run(service: Service, client: EngineClient, run: str, *, all_values: bool = False) -> ShownRun:
    """A run of a service. ``all_values``: also those of functions of which nobody here knows what in them is secret.

    Raises:
        OperatorError: there is no such run.
        EngineUnavailable: the engine does not answer.
    """
    tree = await find_tree(client, run)
    if tree is None:
        raise OperatorError(
            f"the engine keeps no run {run}",
            "Name it with its kind, as in job/order-4711. One that was removed is not there.",
        )
    questions = await open_questions(client, tree, service.gates())
    service.shown_values().hide(tree, all_values=all_values)
    return ShownRun(tree=tree, questions=questions)

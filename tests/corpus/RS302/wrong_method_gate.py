"""A service class whose step opens a promise on the workflow's context."""

from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate


class Hiring:
    def __init__(self, resonate: Resonate) -> None:
        resonate.register(self.interview, name="hiring.interview")

    async def interview(self, context: Context, candidate: str) -> bool:
        async def wait_for_panel(_context: Context, round_: int) -> bool:
            verdict = context.promise(timeout=timedelta(days=3))  # want: RS302
            print("panel answers at", await verdict.id(), "round", round_)
            return bool(await verdict)

        for round_ in (1, 2):
            if not await context.run(wait_for_panel, round_):
                return False
        context.detached("hiring.announce", candidate)
        return True

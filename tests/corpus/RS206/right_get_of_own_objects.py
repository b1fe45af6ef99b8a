"""`get`, `post` and `request` of objects that are no HTTP clients."""

from dataclasses import dataclass, field

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


@dataclass
class Session:
    """A training session, not one of `requests`."""

    entries: dict[str, int] = field(default_factory=dict)

    def get(self, exercise: str) -> int:
        return self.entries.get(exercise, 0)

    def post(self, exercise: str, count: int) -> None:
        self.entries[exercise] = self.get(exercise) + count


async def coach(ctx: Context, exercise: str, so_far: int) -> int:
    return 10 + so_far


async def training(ctx: Context, request: dict[str, list[str]]) -> dict[str, int]:
    session = Session()
    for exercise in request.get("exercises", []):
        count = await ctx.run(coach, exercise, session.get(exercise))
        session.post(exercise, count)
    return session.entries


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="training", retry_policy=Constant(delay=1, max_retries=3))
    client.register(training)
    return client

"""The HTTP API `payments`: what this service asks of it."""

from pydantic import BaseModel
from resonate.context import Context

from ..runtime.durable.http_api import HttpApi


class PaymentsExample(BaseModel):
    """What the API answers, in an example: put its own fields here. What else it answers is left out."""

    id: str


class Payments(HttpApi):
    """The HTTP API `payments`. Steps call it: `await ctx.get_dependency(Payments).create_example(ctx, …)`."""

    async def create_example(self, ctx: Context, name: str) -> PaymentsExample:
        """An example, `POST /examples`: put what the API offers in its place."""
        answer = await self.send(ctx, "POST", "/examples", json={"name": name})
        return answer.read(PaymentsExample)

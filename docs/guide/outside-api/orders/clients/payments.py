"""The HTTP API `payments`: what this service asks of it."""

from pydantic import BaseModel
from resonate.context import Context

from ..runtime.durable.http_api import HttpApi
from ..runtime.errors import ApiRefused, Failure


class Charge(BaseModel):
    """What the API answers to a charge. What else it answers is left out."""

    receipt: str


class CardDeclined(Failure):
    """The bank says no, and would say so again."""

    status = 402


class Payments(HttpApi):
    """The HTTP API `payments`."""

    async def charge(self, ctx: Context, card: str, cents: int) -> Charge:
        """Charge a card."""
        try:
            answer = await self.send(ctx, "POST", "/charges", json={"card": card, "cents": cents})
        except ApiRefused as refused:
            if refused.answered == 402:
                raise CardDeclined("the card was declined") from None
            raise
        return answer.read(Charge)

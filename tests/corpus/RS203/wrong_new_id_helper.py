# file: tickets/ids.py
import uuid


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:12]}"  # want: RS203
# file: tickets/models.py
from dataclasses import dataclass

from tickets.ids import new_id


@dataclass
class Ticket:
    id: str
    title: str

    @classmethod
    def open(cls, title: str) -> "Ticket":
        return cls(id=new_id("tkt"), title=title)
# file: tickets/flow.py
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate

from tickets.models import Ticket


async def assign(ctx: Context, ticket_id: str, team: str) -> None:
    print(ticket_id, team)


async def escalate(ctx: Context, title: str, teams: list[str]) -> str:
    ticket = Ticket.open(title)
    for team in teams:
        await ctx.run(assign, ticket.id, team)
        await ctx.sleep(timedelta(hours=4))
    return ticket.id


def install(client: Resonate) -> None:
    client.register(escalate)

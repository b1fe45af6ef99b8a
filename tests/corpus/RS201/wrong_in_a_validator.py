"""The request of a workflow is read anew at each replay: some day it is refused."""

from datetime import UTC, datetime

from pydantic import BaseModel, field_validator, model_validator
from resonate.context import Context
from resonate.resonate import Resonate


class Booking(BaseModel):
    room: str
    at: datetime

    @field_validator("at")
    @classmethod
    def in_the_future(cls, value: datetime) -> datetime:
        if value < datetime.now(UTC):
            raise ValueError("it is over")
        return value


class Invoice(BaseModel):
    room: str
    issued: datetime | None = None

    @model_validator(mode="after")
    def dated(self) -> "Invoice":
        self.issued = self.issued or datetime.now(UTC)
        return self


async def store(ctx: Context, invoice: Invoice) -> str:
    return invoice.room


async def book(ctx: Context, booking: Booking) -> str:  # want: RS201
    invoice = Invoice(room=booking.room)  # want: RS201
    return await ctx.run(store, invoice)


def register(resonate: Resonate) -> None:
    resonate.register(book)

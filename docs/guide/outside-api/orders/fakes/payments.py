"""A fake of the HTTP API `payments`: it answers in development and in tests, where PAYMENTS_URL is not set."""

from typing import Annotated

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

app = FastAPI()


class NewCharge(BaseModel):
    """What `POST /charges` takes."""

    card: str
    cents: int


class Charge(BaseModel):
    """What it answers."""

    receipt: str


charged: dict[str, Charge] = {}
"""What each `Idempotency-Key` was answered, since this process began."""


@app.post("/charges", status_code=201)
async def charge(body: NewCharge, idempotency_key: Annotated[str, Header()]) -> Charge:
    """As the API does: a key that was used before gets the answer that it got then."""
    if body.card == "declined":
        raise HTTPException(402, "declined")
    return charged.setdefault(idempotency_key, Charge(receipt=f"r-{len(charged) + 1}"))

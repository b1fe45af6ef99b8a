"""A fake of the HTTP API `payments`: it answers in development and in tests, where PAYMENTS_URL is not set."""

from typing import Annotated

from fastapi import FastAPI, Header
from pydantic import BaseModel

app = FastAPI()


class NewExample(BaseModel):
    """What `POST /examples` takes."""

    name: str


class Example(BaseModel):
    """What it answers."""

    id: str


answered: dict[str, Example] = {}
"""What each `Idempotency-Key` was answered, since this process began."""


@app.post("/examples", status_code=201)
async def create_example(body: NewExample, idempotency_key: Annotated[str, Header()]) -> Example:
    """As the API does: a key that was used before gets the answer that it got then."""
    return answered.setdefault(idempotency_key, Example(id=f"{body.name}-{len(answered) + 1}"))

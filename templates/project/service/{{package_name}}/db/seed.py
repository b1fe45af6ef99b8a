"""Rows for development and tests: `seed` and `dev` add them, and each test finds them."""

from sqlalchemy.orm import Session

from .models import Account


def seed(session: Session) -> None:
    """Add the sample accounts; those that are there are brought back to this."""
    session.merge(Account(id="acc-1", owner="Ada Lovelace", balance_cents=120_000))
    session.merge(Account(id="acc-2", owner="Grace Hopper", balance_cents=98_050))
    session.merge(Account(id="acc-3", owner="Alan Turing", balance_cents=-4_200))

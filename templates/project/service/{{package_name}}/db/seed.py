"""Rows for development and tests: `seed` and `dev` add them, and each test finds them."""

from decimal import Decimal

from sqlalchemy.orm import Session

from .models import Account


def seed(session: Session) -> None:
    """Add the sample accounts; those that are there are brought back to this."""
    session.merge(Account(id="acc-1", owner="Ada Lovelace", balance=Decimal("1200.00")))
    session.merge(Account(id="acc-2", owner="Grace Hopper", balance=Decimal("980.50")))
    session.merge(Account(id="acc-3", owner="Alan Turing", balance=Decimal("-42.00")))

"""The ids of `ids.invoice`: unique, and fit for the engine."""

from datetime import UTC, date, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from orders import ids
from orders.runtime.durable.ids import MAX_ROOT, is_shared, public_of

type Fields = tuple[str, int, date, datetime, UUID]

# The characters that ids are made of, and any other.
TEXTS = st.text(st.sampled_from("ab7/~.:\0")) | st.text()
FIELDS = st.tuples(TEXTS, st.integers(), st.dates(), st.datetimes(timezones=st.just(UTC)), st.uuids())


@given(FIELDS, FIELDS)
def test_no_two_inputs_share_an_id(one: Fields, other: Fields) -> None:
    same = ids.invoice(*one) == ids.invoice(*other)
    assert same == (one == other)


@given(FIELDS)
def test_the_engine_takes_every_id(fields: Fields) -> None:
    made = ids.invoice(*fields)
    assert made.startswith("invoice/") and len(made) <= MAX_ROOT
    assert not set(made) & set(":\0")
    assert is_shared(public_of(made))

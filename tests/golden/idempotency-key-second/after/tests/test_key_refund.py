"""The ids of `ids.refund`: unique, and fit for the engine."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from orders import ids
from orders.runtime.durable.ids import MAX_ROOT, is_shared, public_of

type Fields = tuple[UUID]

FIELDS = st.tuples(st.uuids())


@given(FIELDS, FIELDS)
def test_no_two_inputs_share_an_id(one: Fields, other: Fields) -> None:
    same = ids.refund(*one) == ids.refund(*other)
    assert same == (one == other)


@given(FIELDS)
def test_the_engine_takes_every_id(fields: Fields) -> None:
    made = ids.refund(*fields)
    assert made.startswith("refund/") and len(made) <= MAX_ROOT
    assert not set(made) & set(":\0")
    assert is_shared(public_of(made))

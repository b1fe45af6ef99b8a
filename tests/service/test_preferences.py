"""`http.preferences`: what `Prefer` means, however it is written."""

import pytest
from fastapi import Request
from shop.runtime.http.preferences import MAX_WAIT, preferences, preferred_wait, prefers_async
from shop.runtime.testing.running import RunningService

ORDERS = "/customers/c-1/orders"


def asked(*lines: str) -> Request:
    return Request({"type": "http", "headers": [(b"prefer", line.encode("latin-1")) for line in lines]})


@pytest.mark.parametrize(
    ("lines", "wait", "respond_async"),
    [
        ([], None, False),
        (["wait=10"], 10, False),
        (["WAIT=10"], 10, False),
        (["Wait = 10"], 10, False),
        (['wait="10"'], 10, False),
        ([r'wait="1\0"'], 10, False),
        (["respond-async"], None, True),
        (["Respond-Async, wait=3"], 3, True),
        (["respond-async", "wait=3"], 3, True),
        (["handling=lenient", "wait=3"], 3, False),
        (["wait=3, wait=9"], 3, False),
        (["wait=3", "wait=9"], 3, False),
        (["wait=3; foo=bar"], 3, False),
        (['foo="a, wait=9", wait=3'], 3, False),
        (['foo="a\\", wait=9", wait=3'], 3, False),
        (['foo="respond-async"'], None, False),
        (["nowait=9"], None, False),
        (["x-wait=9"], None, False),
        (["wait=999999"], MAX_WAIT, False),
        (["wait"], None, False),
        (["wait="], None, False),
        (["wait=-1"], None, False),
        (["wait=1.5"], None, False),
        (["wait=ten"], None, False),
        (["wait=99999999999999999999"], None, False),
        (['wait="'], None, False),
        ([",,wait=3,,"], 3, False),
        (["wait 3"], None, False),
        (["\xff, wait=3"], 3, False),
        (['"\\' * 30_000], None, False),
        (["wait=3," + "a" * 2000], None, False),
    ],
)
def test_what_is_preferred(lines: list[str], wait: int | None, respond_async: bool) -> None:
    request = asked(*lines)
    assert (preferred_wait(request), prefers_async(request)) == (wait, respond_async)


def test_the_first_of_a_name_counts() -> None:
    assert preferences(asked("A=1, b", 'a=2, B="x"')) == {"a": "1", "b": ""}


async def test_a_client_that_would_rather_poll(orders: RunningService) -> None:
    at_once = await orders.http.put(f"{ORDERS}/0", headers={"Prefer": "respond-async"})
    assert at_once.status_code == 202
    assert (at_once.headers["Preference-Applied"], at_once.headers["Location"]) == ("respond-async", f"{ORDERS}/c-1,0")
    both = await orders.http.put(f"{ORDERS}/0", headers=[("Prefer", "respond-async"), ("Prefer", "wait=0")])
    assert (both.status_code, both.headers["Preference-Applied"]) == (202, "respond-async, wait=0")
    quick = await orders.http.put(f"{ORDERS}/1", headers={"Prefer": "respond-async, wait=10"})
    assert (quick.status_code, quick.headers["Preference-Applied"]) == (200, "wait=10")

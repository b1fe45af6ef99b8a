# file: shop/__init__.py
# file: shop/names.py
import json as codec
from typing import NamedTuple

first, (second, *rest) = 1, (2, 3)
type Pair = tuple[int, int]
with open(__file__) as own:
    pass
for each in rest:
    last = each
if (seen := first) > 0:
    class Inner(NamedTuple):
        x: int
match rest:
    case [head, *tail]:
        pass
    case {"a": one, **others}:
        pass


def late() -> None:
    global found
    found = 1


# file: shop/api.py
from shop.names import Inner, Pair, codec, each, first, found, head, last, one, others, own, rest, second, seen, tail
from shop.names import __doc__ as about

ALL = (Inner, Pair, codec, each, first, found, head, last, one, others, own, rest, second, seen, tail, about)

# file: shop/__init__.py
# file: shop/contracts.py
GROUP = "workers"


class Order:
    number: str = ""

# file: shop/api.py
from contextlib import suppress

try:
    from shop.contracts import fast_parse
except ImportError:
    fast_parse = None

with suppress(ImportError):
    from shop.contracts import faster_parse

# file: shop/__init__.py
# file: shop/lazy.py
def __getattr__(name: str) -> str:
    return name


# file: shop/tables.py
for _name in ("a", "b"):
    globals()[_name] = _name

# file: shop/all.py
from os.path import *  # noqa: F403

# file: shop/api.py
from shop.all import join
from shop.lazy import anything
from shop.tables import a


def path() -> str:
    return join(anything, a)

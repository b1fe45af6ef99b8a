# file: shop/__init__.py
# file: shop/orders/__init__.py
from ._version import version

__all__ = ["version"]

# file: shop/orders/model.py
class Order: ...

# file: shop/api.py
from shop.orders import _speedups, model


def made() -> tuple[object, type]:
    return _speedups, model.Order

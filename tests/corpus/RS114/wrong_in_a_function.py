# file: shop/__init__.py
# file: shop/contracts.py
GROUP = "workers"


class Order:
    number: str = ""

# file: shop/api.py
def lazily(number: str) -> object:
    from shop.contracts import find_order  # want: RS114

    return find_order(number)

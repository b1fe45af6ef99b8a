from resonate.resonate import Resonate


class Orders:
    """Sends orders to the group that ships them."""

    def __init__(self, client: Resonate) -> None:
        self.client = client

    def ship(self, order: str) -> object:
        shipping = self.client.options(send_to="poll://any@shipping", timeout=60)  # want: RS502
        return shipping.rpc(f"ship/{order}", "ship", order)

    def bill(self, order: str) -> object:
        keyed = self.client.options(idempotency_key=order)  # want: RS502
        return keyed.rpc(f"bill/{order}", "bill", order)

    def archive(self, order: str) -> object:
        return self.client.rfi(f"archive/{order}", "archive", order)  # want: RS502

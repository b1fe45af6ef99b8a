"""The SDK has an error for it, which handles outside a workflow raise, and futures inside do not."""

from datetime import timedelta

from resonate.context import Context
from resonate.error import ResonateTimeoutError
from resonate.resonate import Resonate


class Dispatch:
    def __init__(self, resonate: Resonate, depots: list[str]) -> None:
        self.depots = depots
        resonate.register(self.send_van, name="dispatch.send_van")

    async def send_van(self, ctx: Context, address: str) -> str | None:
        for depot in self.depots:
            call = ctx.options(target=depot, timeout=timedelta(minutes=3)).rpc("depot.send", address)
            try:
                return await call
            except ResonateTimeoutError as error:  # want: RS309
                print(depot, "does not answer", error)
        return None

"""Functions that are registered where they stand, by decorator."""

from resonate.context import Context
from resonate.resonate import Resonate


def build(url: str) -> Resonate:
    app = Resonate(url=url, group="alarms", autostart=False)  # want: RS307

    @app.register
    async def siren(ctx: Context, zone: str) -> bool:
        return zone != ""

    @app.register(name="alarms.raise", version=2)
    async def raise_alarm(ctx: Context, zones: list[str]) -> int:
        calls = [ctx.run(siren, zone) for zone in zones]
        return sum([await call for call in calls])

    return app

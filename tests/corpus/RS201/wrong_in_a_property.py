from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from resonate.context import Context
from resonate.resonate import Resonate


@dataclass
class Trial:
    user: str
    began: datetime

    @property
    def age(self) -> timedelta:
        return datetime.now(UTC) - self.began

    @property
    def is_over(self) -> bool:
        return self._is_late()

    def _is_late(self) -> bool:
        return self.began + timedelta(days=14) < datetime.now(UTC)


async def close(ctx: Context, user: str) -> str:
    return user


async def review(ctx: Context, trial: Trial) -> str:
    if trial.is_over:  # want: RS201
        return await ctx.run(close, trial.user)
    if trial.age > timedelta(days=7):  # want: RS201
        return await ctx.run(close, "soon")
    return "open"


def register(resonate: Resonate) -> None:
    resonate.register(review)

# file: labels/uuid4.py
def uuid4(series: str, number: int) -> str:
    """The label's number in version 4 of the house's own numbering."""
    return f"{series}-{number:06d}"
# file: labels/printing.py
import logging
from collections.abc import Iterable

from resonate.context import Context
from resonate.resonate import Resonate

from labels.uuid4 import uuid4

logger = logging.getLogger(__name__)


def numbered(series: str, items: Iterable[str]) -> dict[str, str]:
    return {uuid4(series, number): item for number, item in enumerate(items)}


async def print_label(ctx: Context, label: str, item: str) -> None:
    logger.info("label %s for %s", label, item)


async def print_all(ctx: Context, series: str, items: list[str]) -> int:
    labels = numbered(series, items)
    for label, item in labels.items():
        await ctx.run(print_label, label, item)
    return len(labels)


def install(client: Resonate) -> None:
    client.register(print_all, name="print-labels")

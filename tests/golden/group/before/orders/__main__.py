"""The commands of this service: `orders --help`."""

from .runtime.cli import commands
from .runtime.service import Service
from .settings import Settings

GROUPS = [
    "workers",
    "db",
]

SERVICE = Service(
    name="orders",
    package="orders",
    settings=Settings,
    groups=GROUPS,
)

main = commands(SERVICE, "A durable HTTP service on Resonate.")


if __name__ == "__main__":
    main(prog_name="orders")

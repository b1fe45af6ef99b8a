"""How the processes log."""

import logging

CHATTY = ("alembic", "httpx", "resonate.connections", "resonate.validation", "uvicorn.error", "watchfiles")


def configure(level: str) -> None:
    """Log to standard error, one line an event; libraries that narrate every request only speak up when it matters."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    if level != "DEBUG":
        for chatty in CHATTY:
            logging.getLogger(chatty).setLevel(logging.WARNING)

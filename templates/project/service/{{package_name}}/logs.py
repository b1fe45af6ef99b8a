"""How the processes log."""

import logging


def configure(level: str) -> None:
    """Log to standard error, one line an event; libraries that narrate every request only speak up when it matters."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    if level != "DEBUG":
        for chatty in ("alembic", "httpx", "resonate.validation", "uvicorn.error", "watchfiles"):
            logging.getLogger(chatty).setLevel(logging.WARNING)

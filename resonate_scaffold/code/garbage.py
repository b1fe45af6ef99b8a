"""Garbage collection, which is of no use while programs are read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collecting() -> Iterator[None]:
    """Look for no garbage meanwhile: syntax trees are full of cycles that live as long as the process.

    What is there at the end is not looked at later, either: to do so would take as long as to parse it.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()

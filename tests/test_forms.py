"""The form of a file: what a formatter changes does not count, and all else does."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from resonate_scaffold.forms import form, is_same

FILE = PurePosixPath("orders/workflows/ship.py")
TEXT = b'''"""What it is.

Second line.
"""

from a import b  # why


async def ship(ctx: Context, request: Ship) -> ShipResult:
    """Run it."""
    # First.
    return await b(ctx, Ship(sku=request.sku, quantity=request.quantity), a_longer_name=("x", "y"))
'''
NARROW = b'''"""What it is.

    Second line.
"""

from a import (
    b,  # why
)


async def ship(
    ctx: Context,
    request: Ship,
) -> ShipResult:
    """Run it."""
    # First.
    return await b(
        ctx,
        Ship(sku=request.sku, quantity=request.quantity),
        a_longer_name=('x', "y",),
    )
'''


def test_layout_does_not_count() -> None:
    assert is_same(FILE, TEXT, NARROW)
    assert form(FILE, TEXT) == form(FILE, NARROW) == form(FILE, TEXT.replace(b"\n", b"\r\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"sku=request.sku", b"sku=request.name"),
        (b"# First.", b"# Second."),
        (b"# First.\n    ", b""),
        (b'"x"', b'"X"'),
        (b"(ctx: Context", b"(ctx: object"),
        (b"Second line.", b"Another line."),
        (b"async def", b"def"),
        (b"await b", b"await (await b)"),
        (b'("x", "y")', b'["x", "y"]'),
        (b'"y")', b"None)"),
        (b'"y")', b"False)"),
    ],
)
def test_all_else_counts(old: bytes, new: bytes) -> None:
    assert old in TEXT
    assert not is_same(FILE, TEXT, TEXT.replace(old, new))


def test_other_files_count_byte_by_byte() -> None:
    assert not is_same(PurePosixPath("Procfile"), b"a: b\n", b"a:  b\n")
    assert not is_same(FILE, b"x = (\n", b"x = ( \n")  # no Python
    assert is_same(FILE, b"x = (\n", b"x = (\n")

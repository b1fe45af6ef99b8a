"""A SQLite database holds what requests held: its files are their owner's alone."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from shop.runtime.database import Database, migrate
from shop.runtime.errors import DatabaseUnavailable
from shop.runtime.service import Service
from sqlalchemy import text

pytestmark = pytest.mark.skipif(os.name == "nt", reason="its files have no such modes")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(directory: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in directory.iterdir()}


async def write_to(path: Path) -> dict[str, str]:
    """The modes of the files while a transaction is open, when there are most of them."""
    async with Database(f"sqlite:///{path}") as database, database.write() as session:
        await session.execute(text("CREATE TABLE kept (a TEXT)"))
        return modes(path.parent)


async def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    found = await write_to(tmp_path / "shop.db")
    assert found == dict.fromkeys(["shop.db", "shop.db-wal", "shop.db-shm"], "0o600")


def test_so_is_one_that_is_migrated(definition: Service, tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path}/shop.db", definition.migrations)
    assert set(modes(tmp_path).values()) == {"0o600"}


@pytest.mark.parametrize(("before", "after"), [(0o644, "0o600"), (0o664, "0o660"), (0o660, "0o660"), (0o600, "0o600")])
async def test_an_old_one_is_closed_to_strangers(tmp_path: Path, before: int, after: str) -> None:
    """A group that shares it was given it on purpose."""
    path = tmp_path / "shop.db"
    path.touch()
    path.chmod(before)
    assert set((await write_to(path)).values()) == {after}


@pytest.mark.parametrize("name", ["no/such/shop.db", "."])
def test_a_file_that_cannot_be_opened_is_reported(definition: Service, tmp_path: Path, name: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="unable to open database file"):
        migrate(f"sqlite:///{tmp_path / name}", definition.migrations)

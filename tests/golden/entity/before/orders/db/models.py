"""The tables. After a change: `alembic revision --autogenerate -m "what changed"`, then read what it wrote."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from ..runtime.columns import CONSTRAINT_NAMES, EXACT_TYPES


class Base(DeclarativeBase):
    """All tables of the service, but for the runtime's own (runtime/database.py)."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map = EXACT_TYPES

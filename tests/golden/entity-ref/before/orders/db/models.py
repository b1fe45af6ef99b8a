"""The tables. After a change: `alembic revision --autogenerate -m "what changed"`, then read what it wrote."""

from sqlalchemy import MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ..runtime.columns import CONSTRAINT_NAMES, EXACT_TYPES, Entity


class Base(DeclarativeBase):
    """All tables of the service, but for the runtime's own (runtime/database.py)."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map = EXACT_TYPES


class ClinicRow(Entity, Base):
    """A clinic."""

    __tablename__ = "clinics"

    name: Mapped[str] = mapped_column(String(80), unique=True)

"""The tables. After a change: `alembic revision --autogenerate -m "what changed"`, then read what it wrote."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, MetaData, String, UniqueConstraint
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


class PatientRow(Entity, Base):
    """A patient."""

    __tablename__ = "patients"
    __table_args__ = (UniqueConstraint("name", "born"),)

    name: Mapped[str] = mapped_column(String(80))
    born: Mapped[date]
    plan: Mapped[str | None] = mapped_column(String(64))
    balance: Mapped[Decimal]
    clinic_id: Mapped[UUID] = mapped_column(ForeignKey("clinics.id"), index=True)
    referrer_id: Mapped[UUID | None] = mapped_column(ForeignKey("patients.id"), index=True)

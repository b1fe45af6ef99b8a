"""The table `patients`."""

import sqlalchemy as sa
from alembic import op

revision = "0003_patient"
down_revision = "0002_clinic"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "patients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("born", sa.Date(), nullable=False),
        sa.Column("plan", sa.String(64), nullable=True),
        sa.Column("balance", sa.Numeric(18, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("referrer_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_patients_clinic_id_clinics"),
        sa.ForeignKeyConstraint(["referrer_id"], ["patients.id"], name="fk_patients_referrer_id_patients"),
        sa.PrimaryKeyConstraint("id", name="pk_patients"),
        sa.UniqueConstraint("name", "born", name="uq_patients_name_born"),
    )
    op.create_index("ix_patients_clinic_id", "patients", ["clinic_id"])
    op.create_index("ix_patients_referrer_id", "patients", ["referrer_id"])


def downgrade() -> None:
    op.drop_table("patients")

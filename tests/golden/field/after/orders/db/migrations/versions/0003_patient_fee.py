"""The field `fee` of `patients`."""

import sqlalchemy as sa
from alembic import op

revision = "0003_patient_fee"
down_revision = "0002_patient"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("patients") as table:
        table.add_column(
            sa.Column(
                "fee",
                sa.Numeric(18, 2).with_variant(sa.BigInteger(), "sqlite"),
                nullable=False,
                server_default=sa.text("150" if op.get_context().dialect.name == "sqlite" else "1.50"),
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("patients") as table:
        table.drop_column("fee")

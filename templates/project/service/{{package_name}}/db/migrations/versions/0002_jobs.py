"""Accounts, and the results of jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        # SQLite has no decimals: whole cents there.
        sa.Column("balance", sa.Numeric(18, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
    )
    op.create_table(
        "job_results",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.String(190), nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("risk", sa.String(20), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job_results"),
        sa.UniqueConstraint("job_id", name="uq_job_results_job_id"),
    )


def downgrade() -> None:
    op.drop_table("job_results")
    op.drop_table("accounts")

"""Cosignatures of heads, as witnesses gave them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "cosignatures",
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("size", "key", name="pk_cosignatures"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cosignatures_key", "cosignatures", ["key", "size"])

"""The sealed log: digests and receipts of records, indices, the tree, signed heads, search terms, private values."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("decisions", sa.Column("leaf", sa.String(64)))
    op.add_column("decisions", sa.Column("receipt", sa.Text))
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("leaf", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_table(
        "private_values",
        sa.Column("record", sa.String(36), nullable=False),
        sa.Column("pointer", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("record", "pointer", name="pk_private_values"),
        sa.ForeignKeyConstraint(["record"], ["decisions.id"], name="fk_private_values_record"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unsealed",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_unsealed"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "log_entries",
        sa.Column("index", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("leaf", sa.String(64), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("as_of", sa.String(10)),
        sa.PrimaryKeyConstraint("index", name="pk_log_entries"),
    )
    op.create_index("ix_log_entries_id", "log_entries", ["id"], unique=True)
    op.create_table(
        "log_tiles",
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name="pk_log_tiles"),
    )
    op.create_table(
        "log_heads",
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=False, nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_log_heads"),
    )
    op.create_table(
        "terms",
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("index", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("text", "index", name="pk_terms"),
        sqlite_with_rowid=False,
    )
    private = sa.text("private")
    op.create_index("ix_terms_index", "terms", ["index"], sqlite_where=private, postgresql_where=private)
    op.execute("INSERT INTO unsealed (kind, id) SELECT 'decision', id FROM decisions ORDER BY decided_at, id")

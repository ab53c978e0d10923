"""Bundles, activations, decisions and idempotency keys. There is no way back: the log only grows."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "bundles",
        sa.Column("id", sa.String(71), nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("seen_at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bundles"),
    )
    op.create_table(
        "bundle_sources",
        sa.Column("bundle", sa.String(71), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("bundle", "path", name="pk_bundle_sources"),
        sa.ForeignKeyConstraint(["bundle"], ["bundles.id"], name="fk_bundle_sources_bundle"),
    )
    op.create_table(
        "activations",
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("bundle", sa.String(71), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("folder", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_activations"),
        sa.ForeignKeyConstraint(["bundle"], ["bundles.id"], name="fk_activations_bundle"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("decided_at", sa.String(24), nullable=False),
        sa.Column("bundle", sa.String(71), nullable=False),
        sa.Column("as_of", sa.String(10), nullable=False),
        sa.Column("merchant_id", sa.String(64)),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("supersedes", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.ForeignKeyConstraint(["bundle"], ["bundles.id"], name="fk_decisions_bundle"),
        sa.ForeignKeyConstraint(["supersedes"], ["decisions.id"], name="fk_decisions_supersedes"),
    )
    op.create_index(
        "ix_decisions_supersedes",
        "decisions",
        ["supersedes"],
        sqlite_where=sa.text("supersedes IS NOT NULL"),
        postgresql_where=sa.text("supersedes IS NOT NULL"),
    )
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("request_digest", sa.Text, nullable=False),
        sa.Column("decision", sa.String(36), nullable=False),
        sa.Column("created_at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_idempotency"),
        sa.ForeignKeyConstraint(["decision"], ["decisions.id"], name="fk_idempotency_decision"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])

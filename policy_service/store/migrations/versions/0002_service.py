"""Scheduled activations, stops, keys, the trail; an idempotency claim may be written before its decision."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_changes"),
    )
    _activations()
    op.create_table(
        "stops",
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("reward", sa.Text),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_stops"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "keys",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("rate", sa.Integer),
        sa.Column("created_at", sa.String(24), nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_at", sa.String(24)),
        sa.Column("revoked_at", sa.String(24)),
        sa.PrimaryKeyConstraint("number", name="pk_keys"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_keys_id", "keys", ["id"], unique=True)
    op.create_table(
        "trail",
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.PrimaryKeyConstraint("sequence", name="pk_trail"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("idempotency") as batch:
        batch.drop_constraint("fk_idempotency_decision", type_="foreignkey")
        batch.create_foreign_key(
            "fk_idempotency_decision", "decisions", ["decision"], ["id"], deferrable=True, initially="DEFERRED"
        )


def _activations() -> None:
    """The table anew: what was active before took effect when it was ordered, and had no stops merged in."""
    op.rename_table("activations", "activations_0001")
    op.create_table(
        "activations",
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("bundle", sa.String(71), nullable=False),
        sa.Column("published", sa.String(71), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("effective_at", sa.String(24), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_activations_2"),
        sa.ForeignKeyConstraint(["bundle"], ["bundles.id"], name="fk_activations_bundle_2"),
        sa.ForeignKeyConstraint(["published"], ["bundles.id"], name="fk_activations_published"),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO activations (bundle, published, kind, at, effective_at, actor, reason) "
        "SELECT bundle, bundle, CASE WHEN folder THEN 'folder' ELSE 'activate' END, at, at, actor, reason "
        "FROM activations_0001 ORDER BY sequence"
    )
    op.drop_table("activations_0001")
    op.create_index("ix_activations_effective_at", "activations", ["effective_at", "sequence"])
    op.create_index("ix_activations_bundle", "activations", ["bundle"])

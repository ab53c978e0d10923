"""Scheduled activations, stops, keys, the trail; an idempotency claim may be written before its decision."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
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
    _claims_before_decisions()


def _claims_before_decisions() -> None:
    """The reference of a claim to its decision is judged at the commit. SQLite needs the table anew for that."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE idempotency ALTER CONSTRAINT fk_idempotency_decision DEFERRABLE INITIALLY DEFERRED")
        return
    op.drop_index("ix_idempotency_created_at", "idempotency")
    op.rename_table("idempotency", "idempotency_0001")
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("request_digest", sa.Text, nullable=False),
        sa.Column("decision", sa.String(36), nullable=False),
        sa.Column("created_at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_idempotency"),
        sa.ForeignKeyConstraint(
            ["decision"], ["decisions.id"], name="fk_idempotency_decision", deferrable=True, initially="DEFERRED"
        ),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO idempotency (caller, key, request_digest, decision, created_at) "
        "SELECT caller, key, request_digest, decision, created_at FROM idempotency_0001"
    )
    op.drop_table("idempotency_0001")
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])


def _activations() -> None:
    """The table anew: what was active before took effect when it was ordered, and had no stops merged in."""
    op.execute("CREATE TABLE activations_0001 AS SELECT * FROM activations")
    op.drop_table("activations")
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
        sa.PrimaryKeyConstraint("sequence", name="pk_activations"),
        sa.ForeignKeyConstraint(["bundle"], ["bundles.id"], name="fk_activations_bundle"),
        sa.ForeignKeyConstraint(["published"], ["bundles.id"], name="fk_activations_published"),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO activations (sequence, bundle, published, kind, at, effective_at, actor, reason) "
        "SELECT sequence, bundle, bundle, CASE WHEN folder THEN 'folder' ELSE 'activate' END, at, at, actor, reason "
        "FROM activations_0001 ORDER BY sequence"
    )
    if op.get_bind().dialect.name == "postgresql":  # which counts on its own, whatever was inserted
        op.execute(
            "SELECT setval(pg_get_serial_sequence('activations', 'sequence'), max(sequence)) FROM activations_0001"
        )
    op.drop_table("activations_0001")
    op.create_index("ix_activations_effective_at", "activations", ["effective_at", "sequence"])
    op.create_index("ix_activations_bundle", "activations", ["bundle"])

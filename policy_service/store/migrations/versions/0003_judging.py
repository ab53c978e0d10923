"""What the judge found, and what a shadow changes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "disagreements",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("bundle", sa.String(71), nullable=False),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("decision", sa.String(36)),
        sa.Column("request", sa.Text),
        sa.Column("policies", sa.Text, nullable=False),
        sa.Column("pointers", sa.Text, nullable=False),
        sa.Column("acknowledged_at", sa.String(24)),
        sa.Column("acknowledged_by", sa.Text),
        sa.PrimaryKeyConstraint("number", name="pk_disagreements"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "shadows",
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("bundle", sa.String(71), nullable=False),
        sa.Column("share", sa.Text, nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_shadows"),
        sa.ForeignKeyConstraint(["bundle"], ["bundles.id"], name="fk_shadows_bundle"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_shadows_bundle", "shadows", ["bundle"])
    op.create_table(
        "shadow_counts",
        sa.Column("shadow", sa.Integer, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("evaluated", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("shadow", "policy", name="pk_shadow_counts"),
        sa.ForeignKeyConstraint(["shadow"], ["shadows.sequence"], name="fk_shadow_counts_shadow"),
    )
    op.create_table(
        "shadow_examples",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("shadow", sa.Integer, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("decision", sa.String(36)),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("pointers", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_shadow_examples"),
        sa.ForeignKeyConstraint(["shadow"], ["shadows.sequence"], name="fk_shadow_examples_shadow"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_shadow_examples_shadow", "shadow_examples", ["shadow", "policy"])

"""Acts: what people did is a signed record; the tables that said it without a signature are gone.

Their rows wait in `before_acts` until `policyctl audit begin` makes acts of them, since a migration signs nothing.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_COUNT = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_GONE = (("activations", "sequence"), ("stops", "sequence"), ("keys", "number"), ("shadows", "sequence"),
         ("trail", "sequence"))  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "acts",
        sa.Column("number", _COUNT, nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("leaf", sa.String(64), nullable=False),
        sa.Column("receipt", sa.Text),
        sa.PrimaryKeyConstraint("number", name="pk_acts"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_acts_id", "acts", ["id"], unique=True)
    op.create_index("ix_acts_version", "acts", ["version"], unique=True)
    op.create_table(
        "before_acts",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("table", sa.Text, nullable=False),
        sa.Column("row", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_before_acts"),
    )
    op.create_table(
        "refused",
        sa.Column("number", _COUNT, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_refused"),
        sqlite_autoincrement=True,
    )
    op.add_column("idempotency", sa.Column("salt", sa.LargeBinary))
    _keep_rows()
    op.execute(
        "INSERT INTO acts (id, at, action, body, leaf) SELECT id, at, 'decision.erase', body, leaf FROM erasures"
        " ORDER BY at, id"
    )
    op.execute("UPDATE log_entries SET kind = 'act' WHERE kind = 'erasure'")
    op.execute("UPDATE unsealed SET kind = 'act' WHERE kind = 'erasure'")
    _free_shadow_counts()
    for table in ("erasures", "changes", *(name for name, _ in _GONE)):
        op.drop_table(table)


def _keep_rows() -> None:
    """The rows of the tables that go, as JSON, in order."""
    connection = op.get_bind()
    kept = []
    for table, order in _GONE:
        rows = connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY {order}")).mappings()  # noqa: S608  our names
        kept += [{"table": table, "row": json.dumps(dict(row), ensure_ascii=False, sort_keys=True)} for row in rows]
    columns = sa.table("before_acts", sa.column("number"), sa.column("table"), sa.column("row"))
    if kept:
        op.bulk_insert(columns, [{"number": number, **one} for number, one in enumerate(kept, start=1)])


def _free_shadow_counts() -> None:
    """What shadows found refers to their order, which is no row of a table any more."""
    for table in ("shadow_counts", "shadow_examples"):
        if op.get_bind().dialect.name == "postgresql":
            op.drop_constraint(f"fk_{table}_shadow", table, type_="foreignkey")
            continue
        op.rename_table(table, f"{table}_before")
    if op.get_bind().dialect.name == "sqlite":
        _made_anew()


def _made_anew() -> None:
    """SQLite drops no constraint: the tables are made anew."""
    op.create_table(
        "shadow_counts",
        sa.Column("shadow", sa.Integer, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("evaluated", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("shadow", "policy", name="pk_shadow_counts"),
    )
    op.drop_index("ix_shadow_examples_shadow", "shadow_examples_before")
    op.create_table(
        "shadow_examples",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("shadow", sa.Integer, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("decision", sa.String(36)),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("pointers", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_shadow_examples"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_shadow_examples_shadow", "shadow_examples", ["shadow", "policy"])
    for table in ("shadow_counts", "shadow_examples"):
        op.execute(f"INSERT INTO {table} SELECT * FROM {table}_before")  # noqa: S608  our names
        op.drop_table(f"{table}_before")

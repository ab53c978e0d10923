"""The tables, alike on SQLite and PostgreSQL. A change here needs a migration; a test compares the two."""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
}

metadata = MetaData(naming_convention=NAMES)

BUNDLE_ID = String(71)  # "sha256:" and 64 digits
DECISION_ID = String(36)
INSTANT = String(24)  # 2023-04-01T00:00:00.000Z: sorts as instants do

bundles = Table(
    "bundles",
    metadata,
    Column("id", BUNDLE_ID, primary_key=True),
    Column("label", Text),
    Column("seen_at", INSTANT, nullable=False),
)

bundle_sources = Table(
    "bundle_sources",
    metadata,
    Column("bundle", BUNDLE_ID, ForeignKey("bundles.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("bundle", "path"),
)

changes = Table(
    "changes",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),  # whoever writes the same one is too late
    Column("at", INSTANT, nullable=False),
)

activations = Table(
    "activations",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("bundle", BUNDLE_ID, ForeignKey("bundles.id", name="fk_activations_bundle_2"), nullable=False, index=True),
    Column("published", BUNDLE_ID, ForeignKey("bundles.id"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("effective_at", INSTANT, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_activations_effective_at", "effective_at", "sequence"),
    sqlite_autoincrement=True,  # a sequence is never given twice
)

stops = Table(
    "stops",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("action", String(8), nullable=False),
    Column("policy", Text, nullable=False),
    Column("reward", Text),
    Column("at", INSTANT, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)

keys = Table(
    "keys",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True, index=True),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("roles", Text, nullable=False),  # separated by blanks
    Column("rate", Integer),
    Column("created_at", INSTANT, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", INSTANT),
    Column("revoked_at", INSTANT),
    sqlite_autoincrement=True,
)

trail = Table(
    "trail",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("at", INSTANT, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Column("request_id", Text),
    sqlite_autoincrement=True,
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", DECISION_ID, primary_key=True),
    Column("decided_at", INSTANT, nullable=False),
    Column("bundle", BUNDLE_ID, ForeignKey("bundles.id"), nullable=False),  # what cannot be replayed is not logged
    Column("as_of", String(10), nullable=False),
    Column("merchant_id", String(64)),
    Column("body", LargeBinary, nullable=False),
    Column("supersedes", DECISION_ID, ForeignKey("decisions.id")),
)
_corrects = decisions.c.supersedes.is_not(None)  # most decisions correct none: the index holds only those that do
Index("ix_decisions_supersedes", decisions.c.supersedes, sqlite_where=_corrects, postgresql_where=_corrects)

idempotency = Table(
    "idempotency",
    metadata,
    Column("caller", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column(
        "decision",
        DECISION_ID,
        ForeignKey("decisions.id", deferrable=True, initially="DEFERRED"),  # the claim decides first
        nullable=False,
    ),
    Column("created_at", INSTANT, nullable=False, index=True),
    PrimaryKeyConstraint("caller", "key"),
    sqlite_with_rowid=False,
)

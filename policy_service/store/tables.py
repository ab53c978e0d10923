"""The tables, alike on SQLite and PostgreSQL. A change here needs a migration; a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
HASH = String(64)  # hexadecimal
COUNT = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts rows only in a column of this one type
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

acts = Table(
    "acts",
    metadata,
    Column("number", COUNT, primary_key=True),
    Column("id", DECISION_ID, nullable=False, unique=True, index=True),
    Column("at", INSTANT, nullable=False),
    Column("action", Text, nullable=False),
    Column("version", Integer, unique=True, index=True),  # of an order; whoever writes the same one is too late
    Column("body", LargeBinary, nullable=False),
    Column("leaf", HASH, nullable=False),
    Column("receipt", Text),  # JSON; null in those older than receipts
    sqlite_autoincrement=True,
)

before_acts = Table(
    "before_acts",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("table", Text, nullable=False),
    Column("row", Text, nullable=False),  # JSON
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
    Column("leaf", HASH),  # null in records older than the sealed log
    Column("receipt", Text),  # JSON
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
    Column("salt", LargeBinary),  # of the record's commitment to this row; null in those older than it
    PrimaryKeyConstraint("caller", "key"),
    sqlite_with_rowid=False,
)

disagreements = Table(
    "disagreements",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", INSTANT, nullable=False),
    Column("bundle", BUNDLE_ID, nullable=False),
    Column("engine", Text, nullable=False),
    Column("decision", DECISION_ID),
    Column("request", Text),  # JSON, of a preview
    Column("policies", Text, nullable=False),  # JSON
    Column("pointers", Text, nullable=False),  # JSON
    Column("acknowledged_at", INSTANT),
    Column("acknowledged_by", Text),
    sqlite_autoincrement=True,
)

shadow_counts = Table(
    "shadow_counts",
    metadata,
    Column("shadow", Integer, nullable=False),  # the sequence of the order that began it
    Column("policy", Text, nullable=False),
    Column("evaluated", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    PrimaryKeyConstraint("shadow", "policy"),
)

shadow_examples = Table(
    "shadow_examples",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("shadow", Integer, nullable=False),  # the sequence of the order that began it
    Column("policy", Text, nullable=False),
    Column("decision", DECISION_ID),
    Column("at", INSTANT, nullable=False),
    Column("pointers", Text, nullable=False),  # JSON
    Index("ix_shadow_examples_shadow", "shadow", "policy"),
    sqlite_autoincrement=True,
)

private_values = Table(
    "private_values",
    metadata,
    Column("record", DECISION_ID, ForeignKey("decisions.id"), nullable=False),
    Column("pointer", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),  # canonical JSON
    PrimaryKeyConstraint("record", "pointer"),
    sqlite_with_rowid=False,
)

unsealed = Table(
    "unsealed",
    metadata,
    Column("number", COUNT, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("id", DECISION_ID, nullable=False),
    sqlite_autoincrement=True,
)

refused = Table(
    "refused",
    metadata,
    Column("number", COUNT, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
    sqlite_autoincrement=True,
)

log_entries = Table(
    "log_entries",
    metadata,
    Column("index", COUNT, primary_key=True, autoincrement=False),
    Column("kind", String(8), nullable=False),
    Column("id", DECISION_ID, nullable=False, unique=True, index=True),
    Column("leaf", HASH, nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("as_of", String(10)),
)

log_tiles = Table(
    "log_tiles",
    metadata,
    Column("level", Integer, nullable=False),
    Column("number", COUNT, nullable=False),
    Column("hashes", LargeBinary, nullable=False),  # 32 bytes each, at most 256
    PrimaryKeyConstraint("level", "number"),
)

log_heads = Table(
    "log_heads",
    metadata,
    Column("size", COUNT, primary_key=True, autoincrement=False),
    Column("root", HASH, nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("note", Text, nullable=False),
)

cosignatures = Table(
    "cosignatures",
    metadata,
    Column("size", COUNT, nullable=False),
    Column("key", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
    PrimaryKeyConstraint("size", "key"),
    Index("ix_cosignatures_key", "key", "size"),
    sqlite_with_rowid=False,
)

terms = Table(
    "terms",
    metadata,
    Column("text", Text, nullable=False),
    Column("index", COUNT, nullable=False),
    Column("private", Boolean, nullable=False),
    PrimaryKeyConstraint("text", "index"),
    sqlite_with_rowid=False,
)
Index("ix_terms_index", terms.c.index, sqlite_where=terms.c.private, postgresql_where=terms.c.private)

"""Whether a log was begun in a store."""

from sqlalchemy import Engine, exists, or_, select

from policy_service.store.database import reading
from policy_service.store.tables import acts, decisions, log_entries, log_heads, unsealed

_RECORDED = (acts, decisions, unsealed, log_entries, log_heads)
"""Where a record leaves a row: each by itself shows that a key has signed, whatever became of the others."""


def has_records(engine: Engine) -> bool:
    """Whether anything was ever recorded here. Raises StoreUnavailable."""
    with reading(engine) as connection:
        found = or_(*(exists(select(1).select_from(table)) for table in _RECORDED))
        return bool(connection.scalars(select(found)).one())

"""The port of cosignatures on SQL."""

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.dialects import postgresql, sqlite

from policy_service.decisions.ports.cosignatures import KeptCosignature
from policy_service.store.database import reading, writing
from policy_service.store.tables import cosignatures

_KEPT = [cosignatures.c[field.name] for field in fields(KeptCosignature)]


class SqlCosignatureStore:
    """The table `cosignatures`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, found: KeptCosignature) -> None:
        with writing(self._engine) as connection:
            dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
            new = dialect.insert(cosignatures)
            later = {"line": new.excluded.line, "at": new.excluded.at}
            connection.execute(
                new.on_conflict_do_update(index_elements=["size", "key"], set_=later), asdict(found)
            )  # two processes may keep the same one at once

    def of_head(self, size: int) -> list[KeptCosignature]:
        found = select(*_KEPT).where(cosignatures.c.size == size).order_by(cosignatures.c.key)
        with reading(self._engine) as connection:
            return [KeptCosignature(*row) for row in connection.execute(found)]

    def largest(self, key: str) -> int:
        found = select(func.max(cosignatures.c.size)).where(cosignatures.c.key == key)
        with reading(self._engine) as connection:
            return connection.scalars(found).one() or 0

    def before(self, size: int | None, heads: int = 500) -> list[KeptCosignature]:
        sizes = select(cosignatures.c.size).distinct().order_by(cosignatures.c.size.desc()).limit(heads)
        if size is not None:
            sizes = sizes.where(cosignatures.c.size < size)
        found = select(*_KEPT).where(cosignatures.c.size.in_(sizes.scalar_subquery()))
        with reading(self._engine) as connection:
            rows = connection.execute(found.order_by(cosignatures.c.size.desc(), cosignatures.c.key))
            return [KeptCosignature(*row) for row in rows]

"""Values of other types than their columns: SQLite takes them from whoever writes them, and only it."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Integer, LargeBinary

from policy_service.store.tables import metadata


def mistyped(connection: Connection) -> list[str]:
    """The columns with such values, as `table.column`. Nothing of the values is read into Python."""
    found = []
    for table in metadata.sorted_tables:
        faults = ", ".join(f"max({_fault(column)})" for column in table.columns)
        wrong = connection.exec_driver_sql(f'SELECT {faults} FROM "{table.name}"').one()  # noqa: S608  our names
        found += [f"{table.name}.{column.name}" for column, one in zip(table.columns, wrong, strict=True) if one]
    return found


def _fault(column: Column[Any]) -> str:
    kinds = ", ".join(f"'{kind}'" for kind in _kinds(column))
    fault = f'typeof("{column.name}") NOT IN ({kinds})'
    return f'{fault} OR "{column.name}" NOT IN (0, 1)' if isinstance(column.type, Boolean) else fault


def _kinds(column: Column[Any]) -> Iterator[str]:
    if column.nullable:
        yield "null"
    match column.type:
        case Boolean() | Integer():
            yield "integer"
        case LargeBinary():
            yield "blob"
        case _:
            yield "text"

"""A log was begun as soon as any record left a trace."""

import pytest
from sqlalchemy import Engine, Table, insert

from policy_service.store import SqlDecisionStore, has_records
from policy_service.store.begun import _RECORDED
from policy_service.store.tables import acts, bundles, log_entries, log_heads, unsealed

NOON = "2023-04-01T12:00:00.000Z"
ROWS: list[tuple[Table, dict[str, object]]] = [
    (unsealed, {"kind": "decision", "id": "d"}),
    (log_entries, {"index": 0, "kind": "decision", "id": "d", "leaf": "0" * 64, "at": NOON, "as_of": None}),
    (log_heads, {"size": 1, "root": "0" * 64, "at": NOON, "note": "note"}),
    (acts, {"id": "a", "at": NOON, "action": "x", "body": b"{}", "leaf": "0" * 64}),
]


def test_an_empty_store_has_none(engine: Engine) -> None:
    assert not has_records(engine)


def test_bundles_are_no_records(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(bundles), {"id": "sha256:0", "label": None, "seen_at": NOON})
    assert not has_records(engine)


def test_a_decision_is_one(engine: Engine, decisions: SqlDecisionStore, make_record: object) -> None:
    decisions.append(make_record(1), None)
    with engine.begin() as connection:
        connection.execute(unsealed.delete())
    assert has_records(engine)


@pytest.mark.parametrize(("table", "row"), ROWS, ids=lambda one: getattr(one, "name", ""))
def test_each_trace_is_enough_by_itself(engine: Engine, table: Table, row: dict[str, object]) -> None:
    with engine.begin() as connection:
        connection.execute(insert(table), row)
    assert has_records(engine)


def test_every_table_of_records_is_tried_here() -> None:
    assert {table.name for table in _RECORDED} == {table.name for table, _ in ROWS} | {"decisions"}

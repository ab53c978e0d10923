"""The statement of a page: what it walks along, and that it never sorts."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.dialects import sqlite

from policy_service.decisions.audit.searching import Query
from policy_service.store.search import page

DEEP = Query(before=7)
QUERIES = [
    Query(),
    DEEP,
    Query(("bundle:b",)),
    Query(("policy:p",), before=7),
    Query(("bundle:b", "policy:p", "claim:c")),
    Query(("policy:p",), as_of=("2023-01-01", "2023-02-01")),
    Query(("row:r",), decided=("2023-01-01T00:00:00.000Z", None), before=9),
]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("query", QUERIES)
def test_no_page_on_sqlite_is_sorted(engine: Engine, query: Query) -> None:
    statement = str(page(query).compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    with engine.connect() as connection:
        plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    assert not [line for line in plan if "TEMP B-TREE" in line], plan


def test_a_page_walks_along_its_rarest_term() -> None:
    statement = str(page(Query(("bundle:b", "policy:p", "claim:c"))).compile(compile_kwargs={"literal_binds": True}))
    assert "t0.text = 'claim:c'" in statement
    assert "ORDER BY t0.index DESC" in statement

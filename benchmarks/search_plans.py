"""The queries of GET /v1/decisions over many decisions: their plans and times.

    python -m benchmarks.search_plans [--rows 1000000] [--database postgresql://…]

Without `--database` it makes a SQLite file in a temporary folder; a database that is given must be empty. Terms and
entries are those of decisions about 20,000 merchants over a year; records are short, they are not searched.
"""

import argparse
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects import postgresql, sqlite

from policy_service.decisions.audit.searching import Query
from policy_service.store import SqlBundleStore, SqlSearchStore, connect, migrate
from policy_service.store.database import writing
from policy_service.store.search import page

BUNDLE = "sha256:" + "b" * 64
MERCHANTS, DAYS, POLICIES = 20_000, 365, 40
FIRST = date(2023, 1, 1)
_AT_ONCE = 20_000


def _day(index: int, rows: int) -> date:
    """Days judged go on with the index, a month late at most."""
    return FIRST + timedelta(days=max(0, index * DAYS // rows - index % 30))


def _decided(index: int, rows: int) -> str:
    at = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=index * DAYS * 86_400 // rows)
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


def _terms(index: int, rows: int) -> list[str]:
    merchant, policy = f"m-{index * 7919 % MERCHANTS}", f"family.policy_{index % POLICIES}"
    found = [f"subject:merchant:{merchant}", f"bundle:{BUNDLE}", f"policy:{policy}", "policy:family.everywhere"]
    found += [f"row:{policy}.level/h{index % 5}", f"row:family.everywhere.level/h{index % 3}"]
    if index % 2:
        found += [f"reward:{policy}/reward", f"claim:{policy}/reward@merchant:{merchant}#{_day(index, rows)}"]
    return found


def fill(engine: Engine, rows: int) -> None:
    """Rows in the order of their keys: written otherwise, a million take many minutes."""
    SqlBundleStore(engine).save_bundle(BUNDLE, "bench", {}, _decided(0, rows))
    found = sorted((text, n) for n in range(rows) for text in _terms(n, rows))
    made: list[tuple[str, Iterator[tuple[Any, ...]]]] = [
        (
            "decisions (id, decided_at, bundle, as_of, merchant_id, body)",
            ((_id(n), _decided(n, rows), BUNDLE, str(_day(n, rows)), "m-1", b"{}") for n in range(rows)),
        ),
        (
            'log_entries ("index", kind, id, leaf, at, as_of)',
            ((n, "decision", _id(n), "0" * 64, _decided(n, rows), str(_day(n, rows))) for n in range(rows)),
        ),
        ('terms (text, "index", private)', ((text, n, False) for text, n in found)),
    ]
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    for into, given in made:
        marks = ", ".join([mark] * (into.count(",") + 1))
        while some := list(islice(given, _AT_ONCE)):
            with writing(engine) as connection:
                connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({marks})", some)  # noqa: S608  names of our tables


def _id(index: int) -> str:
    return f"00000000-0000-7000-8000-{index:012d}"


def queries(rows: int) -> Iterator[tuple[str, Query]]:
    middle = rows // 2 | 1
    rare, claim = _terms(middle, rows)[0], _terms(middle, rows)[-1]
    day = _day(middle, rows)
    near, month = (str(day), str(day + timedelta(days=1))), (str(day), str(day + timedelta(days=30)))
    yield "newest", Query()
    yield "a deep page", Query(before=rows // 3)
    yield "claim", Query((claim,))
    yield "subject", Query((rare,))
    yield "policy of every decision", Query(("policy:family.everywhere",))
    yield "policy of one in 40", Query(("policy:family.policy_7",))
    yield "reward", Query(("reward:family.policy_7/reward",))
    yield "row", Query(("row:family.everywhere.level/h1",))
    yield "bundle", Query((f"bundle:{BUNDLE}",))
    yield "subject and policy", Query((rare, "policy:family.everywhere"))
    yield "two policies that never meet", Query(("policy:family.policy_7", "policy:family.policy_8"))
    yield "a day judged", Query(as_of=near)
    yield "a month judged", Query(as_of=month)
    yield "days judged before the log", Query(as_of=(None, "2022-01-01"))
    yield "an hour of deciding", Query(decided=(_decided(middle, rows), _decided(middle + rows // DAYS // 24, rows)))
    yield "before the first decision", Query(decided=(None, "2022-01-01T00:00:00.000Z"))
    yield "policy and a day judged", Query(("policy:family.everywhere",), as_of=near)
    yield "subject and a month judged", Query((rare,), as_of=month)
    yield "a term of none", Query(("subject:merchant:nobody",))


def plan(engine: Engine, query: Query) -> list[str]:
    dialect = sqlite.dialect() if engine.dialect.name == "sqlite" else postgresql.dialect()
    text = str(page(query).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    word = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:
        return [str(row[-1]) for row in connection.exec_driver_sql(f"{word} {text}")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(asked.database or f"sqlite:///{Path(folder) / 'plans.db'}")
        migrate(engine)
        began = perf_counter()
        fill(engine, asked.rows)
        print(f"{asked.rows} decisions in {engine.dialect.name}, made in {perf_counter() - began:.0f} s\n")
        store = SqlSearchStore(engine)
        for name, query in queries(asked.rows):
            times = []
            for _ in range(3):
                began = perf_counter()
                found = store.search(query)
                times.append(perf_counter() - began)
            print(f"{name}: {len(found)} found, {min(times) * 1000:.1f} ms")
            print("".join(f"    {line}\n" for line in plan(engine, query)))
        engine.dispose()


if __name__ == "__main__":
    main()

"""The migrations lead to the tables that the stores use."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Engine, inspect

from policy_service.decisions.ports.acts import StoredAct
from policy_service.decisions.ports.observations import Counts, Example, Findings
from policy_service.decisions.ports.records import Appended, DecisionRecord, IdempotencyClaim
from policy_service.store import (
    SqlActStore,
    SqlBundleContents,
    SqlDecisionStore,
    SqlLogStore,
    SqlShadowFindings,
    connect,
    migrate,
    migrations,
)
from policy_service.store.database import reading, writing
from policy_service.store.tables import metadata

_COLUMNS = """
    SELECT table_name || '.' || column_name, data_type || ' ' || coalesce(character_maximum_length::text, '')
        || is_nullable || ' ' || regexp_replace(coalesce(column_default, ''), '_seq\\d*', '_seq')
    FROM information_schema.columns WHERE table_schema = 'public'
"""
_CONSTRAINTS = """
    SELECT conrelid::regclass || ': ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
"""
_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"


def definitions(engine: Engine) -> dict[str, list[str]]:
    """What the database says of each table and index, by name, without the order of columns."""
    if engine.dialect.name == "postgresql":
        with reading(engine) as connection:
            rows = [row for query in (_COLUMNS, _CONSTRAINTS, _INDEXES) for row in connection.exec_driver_sql(query)]
        return {name: [said] for name, said in rows if "alembic_version" not in name}
    with reading(engine) as connection:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
    return {name: _parts(sql) for name, sql in rows if name != "alembic_version"}


def _parts(statement: str) -> list[str]:
    """What stands between the commas of a CREATE statement, sorted: a column that was added later stands last."""
    parts, depth = [""], 0
    for letter in " ".join(statement.split()):
        if letter == "," and depth == 1:
            parts.append("")
            continue
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and depth == 0:
            parts.append("")  # what follows is about the table
        parts[-1] += letter
    return sorted(part.strip() for part in parts)


def test_comparison_finds_no_difference(engine: Engine) -> None:
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrated_and_declared_tables_are_created_alike(engine: Engine) -> None:
    migrated = definitions(engine)
    with writing(engine) as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert migrated == definitions(engine)
    assert any("decisions" in name for name in migrated)


def test_a_second_migration_changes_nothing(engine: Engine) -> None:
    before = definitions(engine)
    migrate(engine)
    assert definitions(engine) == before


def test_a_migration_is_made_whole_or_not_at_all(url: str) -> None:
    engine = connect(url)
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE idempotency (in_the_way INTEGER)")
    with pytest.raises(Exception, match="idempotency"):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["idempotency"]
    engine.dispose()


def test_a_layout_newer_than_the_program_is_refused(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CommandError, match="9999"):
        migrate(engine)


def test_a_folder_with_a_percent_sign_in_its_name_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "100%").mkdir()
    engine = connect(f"sqlite:///{tmp_path}/100%/policy.db")
    migrate(engine)
    assert "decisions" in inspect(engine).get_table_names()
    engine.dispose()


# ---- databases of earlier layouts

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
MORNING, NOON = "2023-04-01T08:00:00.000Z", "2023-04-01T12:00:00.000Z"
CLAIM = IdempotencyClaim("payer", "order-1", "digest-1")
FIRST = DecisionRecord("01870000-0000-7000-8000-000000000001", MORNING, A, "2023-04-01", "m-1", b'{"n":1}')
SECOND = DecisionRecord(
    "01870000-0000-7000-8000-000000000002", NOON, A, "2023-04-01", None, b'{"n":2}', supersedes=FIRST.id
)
ERASED, ERASED_LATER = "01870000-0000-7000-8000-00000000000e", "01870000-0000-7000-8000-00000000000d"


def blob(engine: Engine, data: bytes) -> str:
    return f"x'{data.hex()}'" if engine.dialect.name == "sqlite" else f"'\\x{data.hex()}'"


def of_layout(url: str, layout: str) -> Engine:
    """With a row in every table that the layout has, and holes in the sequence of activations."""
    engine = connect(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        for revision, rows in ROWS.items():
            if revision <= layout:
                command.upgrade(config, revision)
                for statement in rows(engine):
                    connection.exec_driver_sql(statement)
    return engine


def _of_0001(engine: Engine) -> list[str]:
    first, second = blob(engine, FIRST.body), blob(engine, SECOND.body)
    return [
        f"INSERT INTO bundles VALUES ('{A}', 'spring', '{MORNING}'), ('{B}', NULL, '{NOON}')",
        f"INSERT INTO bundle_sources VALUES ('{A}', '川流/a.yaml', 'policy: 川流')",
        f"INSERT INTO activations VALUES (2, '{A}', '{MORNING}', 'serve', 'start', true),"
        f" (5, '{B}', '{NOON}', 'wei', '修正', false), (7, '{A}', '{MORNING}', 'wei', 'clock set back', false)",
        f"INSERT INTO decisions VALUES ('{FIRST.id}', '{MORNING}', '{A}', '2023-04-01', 'm-1', {first}, NULL)",
        f"INSERT INTO decisions VALUES ('{SECOND.id}', '{NOON}', '{A}', '2023-04-01', NULL, {second}, '{FIRST.id}')",
        f"INSERT INTO idempotency VALUES ('payer', 'order-1', 'digest-1', '{FIRST.id}', '{MORNING}')",
    ]


def _of_0002(_: Engine) -> list[str]:
    return [
        f"INSERT INTO changes VALUES (1, '{MORNING}')",
        f"INSERT INTO activations VALUES (9, '{B}', '{A}', 'stop', '{MORNING}', '{NOON}', 'wei', '停')",
        f"INSERT INTO stops VALUES (4, 'stop', 'a.x', NULL, '{MORNING}', 'wei', '停'),"
        f" (3, 'stop', 'a.x', 'r', '{MORNING}', 'wei', '')",
        f"INSERT INTO keys VALUES (2, 'k1', 'payer', '00', '[\"read\"]', NULL, '{MORNING}', 'admin', NULL, '{NOON}')",
        f"INSERT INTO trail VALUES (6, '{MORNING}', 'wei', 'policy.stop', 'a.x', '停', '{{}}', 'req-1')",
    ]


def _of_0003(_: Engine) -> list[str]:
    return [
        f"INSERT INTO shadows VALUES (8, 'start', '{B}', '0.5', '{MORNING}', 'wei', '')",
        "INSERT INTO shadow_counts VALUES (8, 'a.x', 10, 3)",
        f"INSERT INTO shadow_examples VALUES (11, 8, 'a.x', '{FIRST.id}', '{MORNING}', '[\"/rewards\"]')",
    ]


def _of_0004(engine: Engine) -> list[str]:
    return [
        f"INSERT INTO erasures VALUES ('{ERASED_LATER}', '{NOON}', {blob(engine, b'later')}, '{'1' * 64}'),"
        f" ('{ERASED}', '{MORNING}', {blob(engine, b'earlier')}, '{'0' * 64}')",
        f"INSERT INTO log_entries VALUES (0, 'erasure', '{ERASED}', '{'0' * 64}', '{MORNING}', NULL)",
        f"INSERT INTO unsealed (kind, id) VALUES ('erasure', '{ERASED_LATER}')",
    ]


ROWS = {"0001": _of_0001, "0002": _of_0002, "0003": _of_0003, "0004": _of_0004}
_WEI = {"table": "activations", "actor": "wei", "at": MORNING, "effective_at": MORNING}
KEPT = {
    "0001": [
        _WEI | {"sequence": 2, "bundle": A, "published": A, "kind": "folder", "actor": "serve", "reason": "start"},
        _WEI
        | {"sequence": 5, "bundle": B, "published": B, "kind": "activate", "reason": "修正"}
        | {"at": NOON, "effective_at": NOON},
        _WEI | {"sequence": 7, "bundle": A, "published": A, "kind": "activate", "reason": "clock set back"},
    ],
    "0002": [
        _WEI | {"sequence": 9, "bundle": B, "published": A, "kind": "stop", "effective_at": NOON, "reason": "停"},
        {"table": "stops", "sequence": 3, "action": "stop", "policy": "a.x", "reward": "r"}
        | {"at": MORNING, "actor": "wei", "reason": ""},
        {"table": "stops", "sequence": 4, "action": "stop", "policy": "a.x", "reward": None}
        | {"at": MORNING, "actor": "wei", "reason": "停"},
        {"table": "keys", "number": 2, "id": "k1", "name": "payer", "digest": "00", "roles": '["read"]', "rate": None}
        | {"created_at": MORNING, "created_by": "admin", "expires_at": None, "revoked_at": NOON},
    ],
    "0003": [
        {"table": "shadows", "sequence": 8, "action": "start", "bundle": B, "share": "0.5"}
        | {"at": MORNING, "actor": "wei", "reason": ""}
    ],
    "0004": [],
}
TOLD = {"table": "trail", "sequence": 6, "at": MORNING, "actor": "wei", "action": "policy.stop", "target": "a.x"} | {
    "reason": "停", "detail": "{}", "request_id": "req-1"
}  # fmt: skip


def kept_from(layout: str) -> list[dict[str, object]]:
    """The rows of the tables that went, in the order of the tables and of the rows in each."""
    rows = [row for revision, some in KEPT.items() if revision <= layout for row in some]
    return [*rows, TOLD] if layout >= "0002" else rows


@pytest.mark.parametrize("layout", ROWS)
def test_nothing_of_an_earlier_layout_is_lost(url: str, layout: str) -> None:
    engine = of_layout(url, layout)
    migrate(engine)
    assert SqlBundleContents(engine).sources(A) == {"川流/a.yaml": "policy: 川流"}
    decisions = SqlDecisionStore(engine)
    assert [decisions.decision(one.id) for one in (FIRST, SECOND)] == [FIRST, SECOND]
    assert decisions.superseding(FIRST.id) == (SECOND.id,)
    assert decisions.claimed(CLAIM) == Appended(FIRST, replayed=True, salt=None)
    assert SqlActStore(engine).before_acts() == kept_from(layout)
    engine.dispose()


def test_records_older_than_the_log_wait_in_the_order_in_which_they_were_made(url: str) -> None:
    engine = of_layout(url, "0003")
    migrate(engine)
    assert [(one.kind, one.id) for one in SqlLogStore(engine).unsealed(10)] == [
        ("decision", FIRST.id),
        ("decision", SECOND.id),
    ]
    engine.dispose()


def test_erasures_become_acts_without_a_receipt_and_keep_their_place_in_the_log(url: str) -> None:
    engine = of_layout(url, "0004")
    migrate(engine)
    earlier = StoredAct(ERASED, MORNING, "decision.erase", None, b"earlier", "0" * 64, None, 1)
    later = StoredAct(ERASED_LATER, NOON, "decision.erase", None, b"later", "1" * 64, None, 2)
    assert SqlActStore(engine).acts(None, 10) == [later, earlier]
    log = SqlLogStore(engine)
    (entry,) = log.entries(0, 10)
    assert (entry.kind, log.records([entry])) == ("act", {ERASED: earlier})
    assert [(one.kind, one.record) for one in log.unsealed(10)][-1] == ("act", later)
    engine.dispose()


@pytest.mark.parametrize("layout", ["0003", "0004"])
def test_what_shadows_found_is_kept_and_added_to(url: str, layout: str) -> None:
    engine = of_layout(url, layout)
    migrate(engine)
    found = SqlShadowFindings(engine)
    example = Example("a.x", FIRST.id, MORNING, ("/rewards",))
    assert found.findings(8) == Findings({"a.x": Counts(10, 3)}, [example])
    found.add(8, Findings({"a.x": Counts(1, 1)}, [example]))
    assert found.findings(8) == Findings({"a.x": Counts(11, 4)}, [example, example])
    engine.dispose()


@pytest.mark.parametrize("layout", ROWS)
def test_a_database_of_an_earlier_layout_is_made_as_any_other(url: str, layout: str) -> None:
    engine = of_layout(url, layout)
    migrate(engine)
    migrated = definitions(engine)
    with writing(engine) as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert migrated == definitions(engine)
    engine.dispose()

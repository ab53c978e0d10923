"""The migrations lead to the tables that the stores use."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Engine, inspect

from policy_service.access.trail import TrailEntry
from policy_service.decisions.ports.activations import Activation, Change, NewActivation
from policy_service.decisions.ports.records import DecisionRecord, IdempotencyClaim
from policy_service.store import SqlBundleStore, SqlDecisionStore, connect, migrate, migrations
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


# ---- a database of the first layout

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
MORNING, NOON = "2023-04-01T08:00:00.000Z", "2023-04-01T12:00:00.000Z"
CLAIM = IdempotencyClaim("payer", "order-1", "digest-1")
FIRST = DecisionRecord("01870000-0000-7000-8000-000000000001", MORNING, A, "2023-04-01", "m-1", b'{"n":1}')
SECOND = DecisionRecord(
    "01870000-0000-7000-8000-000000000002", NOON, A, "2023-04-01", None, b'{"n":2}', supersedes=FIRST.id
)


@pytest.fixture
def of_the_first_layout(url: str) -> Engine:
    """With a row in every table, and holes in the sequence of activations."""
    engine = connect(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in (
            f"INSERT INTO bundles VALUES ('{A}', 'spring', '{MORNING}'), ('{B}', NULL, '{NOON}')",
            f"INSERT INTO bundle_sources VALUES ('{A}', '川流/a.yaml', 'policy: 川流')",
            f"INSERT INTO activations VALUES (2, '{A}', '{MORNING}', 'serve', 'start', true),"
            f" (5, '{B}', '{NOON}', 'wei', '修正', false), (7, '{A}', '{MORNING}', 'wei', 'clock set back', false)",
            f"INSERT INTO decisions VALUES ('{FIRST.id}', '{MORNING}', '{A}', '2023-04-01', 'm-1',"
            f" {_blob(url, FIRST.body)}, NULL)",
            f"INSERT INTO decisions VALUES ('{SECOND.id}', '{NOON}', '{A}', '2023-04-01', NULL,"
            f" {_blob(url, SECOND.body)}, '{FIRST.id}')",
            f"INSERT INTO idempotency VALUES ('payer', 'order-1', 'digest-1', '{FIRST.id}', '{MORNING}')",
        ):
            connection.exec_driver_sql(statement)
    return engine


def _blob(url: str, body: bytes) -> str:
    return f"x'{body.hex()}'" if url.startswith("sqlite") else f"'\\x{body.hex()}'"


def test_nothing_of_the_first_layout_is_lost(of_the_first_layout: Engine) -> None:
    engine = of_the_first_layout
    migrate(engine)
    bundles, decisions = SqlBundleStore(engine), SqlDecisionStore(engine)
    assert bundles.sources(A) == {"川流/a.yaml": "policy: 川流"}
    assert bundles.activations() == [
        Activation(A, A, "activate", MORNING, MORNING, "wei", "clock set back", 7),
        Activation(B, B, "activate", NOON, NOON, "wei", "修正", 5),
        Activation(A, A, "folder", MORNING, MORNING, "serve", "start", 2),
    ]
    assert bundles.last_from_folder() == A
    assert [decisions.decision(one.id) for one in (FIRST, SECOND)] == [FIRST, SECOND]
    assert decisions.superseding(FIRST.id) == (SECOND.id,)
    assert decisions.claimed(CLAIM) == FIRST
    engine.dispose()


def test_a_database_of_the_first_layout_is_used_as_any_other(of_the_first_layout: Engine) -> None:
    engine = of_the_first_layout
    migrate(engine)
    migrated = definitions(engine)
    bundles = SqlBundleStore(engine)
    order = NewActivation(B, B, "activate", NOON, NOON, "wei", "again")
    bundles.apply(Change(activations=[order], trail=[TrailEntry(NOON, "wei", "bundle.activate", B)]), NOON, 0)
    assert [one.sequence for one in bundles.activations()] == [8, 7, 5, 2]
    with writing(engine) as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert migrated == definitions(engine)
    engine.dispose()

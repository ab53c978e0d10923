"""The migrations lead to the tables that the stores use."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from policy_service.store import connect, decisions, migrate
from policy_service.store.database import writing
from policy_service.store.tables import metadata


def definitions(engine: Engine) -> dict[str, list[str]]:
    """The parts of each CREATE statement of a SQLite database, sorted, by the name of what it creates."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
    lines = {name: sql.replace(", \n", "\n").splitlines() for name, sql in rows if name != "alembic_version"}
    return {name: sorted(line.strip().strip(",") for line in sql) for name, sql in lines.items()}


def test_comparison_finds_no_difference(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrated_and_declared_tables_are_created_alike(engine: Engine, tmp_path: Path) -> None:
    declared = create_engine(f"sqlite:///{tmp_path}/declared.db")
    metadata.create_all(declared)
    assert definitions(engine) == definitions(declared)
    declared.dispose()


def test_a_second_migration_changes_nothing(engine: Engine) -> None:
    before = definitions(engine)
    migrate(engine)
    assert definitions(engine) == before


def test_a_migration_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/policy.db")
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


def test_tables_and_statements_can_be_written_for_postgresql() -> None:
    dialect = PGDialect()  # type: ignore[no-untyped-call]
    for table in metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))
    body = str(CreateTable(metadata.tables["decisions"]).compile(dialect=dialect))
    assert "body BYTEA NOT NULL" in body
    assert "LIMIT" in str(decisions._PURGE.compile(dialect=dialect))

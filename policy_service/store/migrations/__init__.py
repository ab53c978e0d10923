"""The steps from one layout of the tables to the next."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, func, select

from policy_service.store.database import writing
from policy_service.store.postgresql import unhurried

_LOCK = 7_104_116  # any number that nothing else locks in the same PostgreSQL database


def migrate(engine: Engine) -> None:
    """Brings the tables to the newest layout: all steps or none, and one process at a time.

    Raises:
        StoreUnavailable: another process held the lock too long.
        CommandError: of Alembic, when the layout is newer than this program.
    """
    if engine.dialect.name == "postgresql":
        engine = unhurried(engine)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with writing(engine) as connection:
        _wait_for_others(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _wait_for_others(connection: Connection) -> None:
    """SQLite's transaction holds the write lock already; PostgreSQL's takes one that ends with it."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))

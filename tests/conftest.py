"""What tests of every kind may use: a real PostgreSQL."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres

os.environ["POLICY_CACHE"] = "off"  # no test finds what another has left, nor leaves anything to the user


@pytest.fixture(scope="session")
def postgresql_server(testrun_uid: str) -> Iterator[Path]:
    """The path of the socket of a PostgreSQL that all workers of this run share; it starts at the first use."""
    with postgres.running(Path(tempfile.gettempdir()) / f"postgresql-{testrun_uid}") as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: Path) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with postgres.database(postgresql_server) as url:
        yield url

"""A club whose first acts, the beginning of its log and the activation of its rules, are sealed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def club(url: str, make_club: Callable[[str], Any]) -> Any:
    """On both kinds of database."""
    made = make_club(url)
    made.seal()
    return made


@pytest.fixture
def local_club(tmp_path: Path, make_club: Callable[[str], Any], sqlite_store_url: Callable[[Path], str]) -> Any:
    """On SQLite alone, for what has nothing to do with the database."""
    made = make_club(sqlite_store_url(tmp_path / "local.db"))
    made.seal()
    return made

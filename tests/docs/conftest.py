"""The shipped rules as the documentation describes them, once per process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.docs.shipped import Shipped, shipped

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def rules() -> Iterator[Shipped]:
    with shipped(ROOT) as found:
        yield found

"""The real application on a real SQLite file, with the shipped rules and a clock that stands."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from policy_service.api import examples
from policy_service.app import create_app
from policy_service.assembly import Assembled, assemble_on
from policy_service.decisions.deciding.service import PolicyService
from policy_service.policies.bundle import Bundle
from policy_service.settings import Settings
from policy_service.store import connect
from tests import bundles as bundles_of

ROOT = Path(__file__).parents[2]
NOW = datetime(2023, 4, 2, 3, 0, tzinfo=UTC)
"""11 in the morning of 2 April in the bundle's zone."""
SETTINGS = Settings(rules=ROOT / "rules", key_refresh_ms=0)  # a key that a test makes holds at once


class Make(Protocol):
    """A service on a database of its own; without a bundle nothing is active."""

    def __call__(self, found: Bundle | None, *, busy_timeout_ms: int = 5000) -> Assembled: ...


@pytest.fixture(scope="session")
def rules() -> Bundle:
    return bundles_of.loaded(SETTINGS.rules)


@pytest.fixture(scope="session")
def later_rules(rules: Bundle) -> Bundle:
    """The shipped rules with one number changed: the tenth hour of traffic is an eleventh."""
    cell = "| [10..30)                      | 10  "
    return bundles_of.edited(rules, "chuanliu/traffic_hours.yaml", (cell, cell.replace("10  ", "11  ")))


@pytest.fixture(scope="session")
def make_service(tmp_path_factory: pytest.TempPathFactory, sqlite_store_url: Callable[[Path], str]) -> Iterator[Make]:
    databases = []

    def make(found: Bundle | None, *, busy_timeout_ms: int = 5000) -> Assembled:
        url = sqlite_store_url(tmp_path_factory.mktemp("store") / "policy.sqlite3")
        database = connect(url, busy_timeout_ms=busy_timeout_ms)
        databases.append(database)
        assembled = assemble_on(database, SETTINGS, now=lambda: NOW, elapsed=lambda: 0.0)
        if found is not None:
            bundles_of.adopt(assembled, found)
        return assembled

    yield make
    for database in databases:
        database.dispose()


@pytest.fixture(scope="session")
def assembled(make_service: Make, rules: Bundle) -> Assembled:
    """Shared by the tests of a process: they compare before and after."""
    return make_service(rules)


@pytest.fixture(scope="session")
def service(assembled: Assembled) -> PolicyService:
    return assembled.service


@pytest.fixture(scope="session")
def client(assembled: Assembled) -> FlaskClient:
    return create_app(SETTINGS, assembled=assembled).test_client()


@pytest.fixture
def own(make_service: Make, rules: Bundle) -> Assembled:
    """A service that a test has for itself."""
    return make_service(rules)


@pytest.fixture
def own_client(own: Assembled) -> FlaskClient:
    return create_app(SETTINGS, assembled=own).test_client()


@pytest.fixture
def request_body() -> dict[str, Any]:
    """A request that earns ten hours of traffic, to be changed at will."""
    return deepcopy(examples.REQUEST)


@pytest.fixture(scope="session")
def parsed() -> Callable[[TestResponse], Any]:
    """The JSON of an answer, numbers exact."""
    return lambda response: json.loads(response.get_data(), parse_float=Decimal)


@pytest.fixture(scope="session")
def conforms(client: FlaskClient) -> Callable[[Any, str], None]:
    """Asserts that a value is what the contract says of a schema."""
    contract = json.loads(client.get("/openapi.json").get_data())
    validators: dict[str, Draft202012Validator] = {}

    def check(value: Any, schema: str) -> None:
        if schema not in validators:
            whole = {"$ref": f"#/components/schemas/{schema}", "components": contract["components"]}
            validators[schema] = Draft202012Validator(whole)
        faults = [f"{fault.json_path}: {fault.message}" for fault in validators[schema].iter_errors(value)]
        assert not faults, faults

    return check

"""Every limit has a setting, a problem and an end."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.api.boundary import gate_of
from policy_service.app import create_app
from policy_service.assembly import Assembled, assemble_on
from policy_service.policies.bundle import Bundle
from policy_service.settings import Settings
from policy_service.store import connect, migrate

Body = dict[str, Any]


@pytest.fixture
def ticking(tmp_path: Any, rules: Bundle) -> Callable[..., tuple[Assembled, FlaskClient]]:
    """A service whose clock goes on by a second at every look."""

    def make(**limits: int) -> tuple[Assembled, FlaskClient]:
        database = connect(f"sqlite:///{tmp_path}/policy.sqlite3")
        migrate(database)
        clock = iter(range(10**9))
        settings = Settings(bundle_refresh_ms=10**12, **limits)
        assembled = assemble_on(database, settings, elapsed=lambda: float(next(clock)))
        assembled.publishing.adopt_folder(rules, actor="test")
        return assembled, create_app(settings, assembled=assembled).test_client()

    return make


def test_a_request_that_takes_too_long_is_given_up_and_decides_nothing(ticking: Any, request_body: Body) -> None:
    assembled, client = ticking(request_seconds=2)
    response = client.post("/v1/evaluate", json={**request_body, "policies": None})
    assert (response.status_code, response.get_json()["type"]) == (503, "/problems/took-too-long")
    assert response.headers["Retry-After"] == "1"
    assert assembled.service.decisions.count() == 0


def test_every_element_of_a_list_is_a_place_to_give_up(ticking: Any, request_body: Body) -> None:
    assembled, client = ticking(request_seconds=60)
    product = next(
        s for s in assembled.service.resolver.active().bundle.rules.dictionary.sections.values() if s.element
    )
    body = deepcopy(request_body) | {"policies": None}
    for many, status in ((1, 201), (100, 503)):
        body["facts"][product.name] = [{"id": f"p-{n}"} for n in range(many)]
        assert client.post("/v1/evaluate", json=body).status_code == status
    assert assembled.service.decisions.count() == 1


def test_what_a_batch_has_no_time_for_can_be_sent_again(ticking: Any, request_body: Body) -> None:
    assembled, client = ticking(request_seconds=10**6, batch_seconds=200)
    response = client.post("/v1/evaluate/batch", json=[request_body] * 300, buffered=True)
    statuses = [one["status"] for one in response.get_json()]
    assert len(statuses) == 300
    assert set(statuses) == {201, 503}
    assert statuses == sorted(statuses)
    assert assembled.service.decisions.count() == statuses.count(201)


def test_the_largest_state_is_answered(client: FlaskClient, service: Any, request_body: Body) -> None:
    """A thousand products, the most that a list may have, in a body of nearly a MiB; it ends, one way or the other."""
    section = next(s for s in service.resolver.active().bundle.rules.dictionary.sections.values() if s.element)
    body = deepcopy(request_body) | {"policies": None, "purpose": "preview"}
    body["facts"][section.name] = [{"id": f"p-{n}"} for n in range(1000)]
    data = json.dumps(body).encode()
    data += b" " * (1_048_576 - len(data))
    response = client.post("/v1/evaluate", data=data, content_type="application/json")
    assert response.status_code in (200, 503)
    if response.status_code == 200:
        subjects = {one["subject"].get("id") for one in response.get_json()["policies"]}
        assert {"p-0", "p-999"} <= subjects
    body["facts"][section.name].append({"id": "p-1000"})
    assert client.post("/v1/evaluate", json=body).status_code == 422


@pytest.mark.parametrize(("rate", "limited"), [({}, None), ({"rate_limit": 0}, None), ({"rate_limit": 7}, 7)])
def test_while_nobody_needs_a_credential_no_rate_is_limited_by_default(
    ticking: Any, rate: dict[str, int], limited: int | None
) -> None:
    assembled, _ = ticking()
    gate = gate_of(Settings(**rate), assembled.keys, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    assert gate.is_open()
    assert gate.principal(None).rate == limited

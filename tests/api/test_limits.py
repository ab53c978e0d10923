"""Every limit has a setting, a problem and an end."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service import canonical
from policy_service.app import create_app
from policy_service.assembly import Assembled, assemble_on
from policy_service.decisions.deciding.bounding import AnswerBound
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


# ---- how large an answer may be


Client = Callable[..., FlaskClient]


@pytest.fixture
def bounded(own: Assembled) -> Client:
    """A client of one service whose answers may have so many bytes."""

    def make(most: int) -> FlaskClient:
        own.service._bound = AnswerBound(most)
        return create_app(Settings(max_answer=most), assembled=own).test_client()

    return make


def compared_part(answer: Body) -> int:
    """The bytes of an answer without what is added to a decision."""
    return len(canonical.dumps({k: v for k, v in answer.items() if k not in ("decision_id", "decided_at", "receipt")}))


def with_products(body: Body, many: int) -> Body:
    return deepcopy(body) | {"facts": {**body["facts"], "products": [{"id": f"p-{n}"} for n in range(many)]}}


@pytest.mark.parametrize("purpose", ["decide", "preview"])
@pytest.mark.parametrize("products", [0, 5])
def test_an_answer_may_have_so_many_bytes_and_no_more(
    own: Assembled, bounded: Client, parsed: Any, request_body: Body, purpose: str, products: int
) -> None:
    body = with_products(request_body, products) | {"purpose": purpose, "policies": None}
    allowed = bounded(10**9).post("/v1/evaluate", json=body)
    assert allowed.status_code in (200, 201)
    size, recorded = compared_part(parsed(allowed)), own.service.decisions.count()
    assert bounded(size).post("/v1/evaluate", json=body).status_code == allowed.status_code
    refused = bounded(size - 1).post("/v1/evaluate", json=body)
    problem = parsed(refused)
    assert (refused.status_code, problem["type"]) == (422, "/problems/answer-too-large")
    (fault,) = problem["errors"]
    assert (fault["pointer"], fault["code"]) == ("/options/trace", "A125")
    assert "trace `none`" in fault["hint"]
    assert own.service.decisions.count() == recorded + (purpose == "decide")


def test_what_is_certain_to_be_too_large_is_not_evaluated(
    bounded: Client, request_body: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(*_: object, **__: object) -> None:
        raise AssertionError("it was evaluated")

    monkeypatch.setattr("policy_service.decisions.answers.evaluate.Evaluator.evaluate", evaluate)
    client = bounded(64_000)
    body = with_products(request_body, 1000) | {"policies": None}
    assert client.post("/v1/evaluate", json=body).status_code == 422
    for smaller in (with_products(body, 2), {**body, "policies": ["chuanliu.traffic_hours"]}):
        assert client.post("/v1/evaluate", json=smaller).status_code == 500


def test_what_is_counted_before_is_never_more_than_the_answer_has(
    bounded: Client, parsed: Any, request_body: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = with_products(request_body, 300) | {"policies": None, "purpose": "preview", "options": {"trace": "none"}}
    size = compared_part(parsed(bounded(10**9).post("/v1/evaluate", json=body)))
    monkeypatch.setattr(AnswerBound, "check", lambda *_: None)
    assert bounded(size).post("/v1/evaluate", json=body).status_code == 200


def test_an_item_whose_answer_is_too_large_leaves_the_others(
    own: Assembled, bounded: Client, request_body: Body
) -> None:
    client = bounded(100_000)
    items = [request_body, with_products(request_body, 200) | {"policies": None}, request_body]
    found = client.post("/v1/evaluate/batch", json=items, buffered=True).get_json()
    assert [one["status"] for one in found] == [201, 422, 201]
    assert found[1]["problem"]["type"] == "/problems/answer-too-large"
    assert own.service.decisions.count() == 2


def test_an_answer_that_was_given_is_given_again(bounded: Client, request_body: Body) -> None:
    once = {"Idempotency-Key": "k-1"}
    before = bounded(10**9).post("/v1/evaluate", json=request_body, headers=once)
    again = bounded(10).post("/v1/evaluate", json=request_body, headers=once)
    assert (before.status_code, again.status_code, again.get_json()) == (201, 201, before.get_json())


def test_replays_and_comparisons_are_bounded_too(bounded: Client, request_body: Body) -> None:
    id_ = bounded(10**9).post("/v1/evaluate", json=request_body).get_json()["decision_id"]
    for method, path in (("POST", f"/v1/decisions/{id_}/replay"), ("GET", f"/v1/decisions/{id_}/compare/{id_}")):
        size = len(bounded(10**9).open(path, method=method).get_data())
        assert bounded(size).open(path, method=method).status_code == 200
        refused = bounded(size - 1).open(path, method=method)
        assert (refused.status_code, refused.get_json()["type"]) == (422, "/problems/answer-too-large")


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

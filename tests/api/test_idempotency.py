"""`Idempotency-Key`: the first answer again, byte for byte; another request under the key is a conflict."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.policies.bundle import Bundle

Body = dict[str, Any]
Call = Callable[..., Any]

KEY = {"Idempotency-Key": "order-1"}


def test_the_second_request_under_a_key_gets_the_first_answer_again(
    own: Assembled, own_client: FlaskClient, request_body: Body
) -> None:
    first = own_client.post("/v1/evaluate", json=request_body, headers=KEY)
    second = own_client.post("/v1/evaluate", json=request_body, headers=KEY)
    assert (first.status_code, second.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Location"] == first.headers["Location"]
    assert second.get_data() == first.get_data()
    assert own.service.decisions.count() == 1


def test_requests_that_are_equal_by_value_are_the_same_request(
    own: Assembled, own_client: FlaskClient, request_body: Body
) -> None:
    first = own_client.post("/v1/evaluate", json=request_body, headers=KEY)
    request_body["options"] = {"trace": "fired", "reach": False}
    request_body["purpose"] = "decide"
    request_body["facts"]["merchant"]["opened_on"] = None
    request_body["facts"] = dict(reversed(request_body["facts"].items()))
    text = json.dumps(request_body, indent=3).replace("12.5", "12.500").replace("1200", "1.2e3")
    again = own_client.post("/v1/evaluate", data=text, headers=KEY, content_type="application/json")
    assert again.get_data() == first.get_data()
    assert own.service.decisions.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"as_of": "2023-04-02"},
        {"options": {"trace": "full"}},
        {"policies": ["chuanliu.*"]},
        {"provenance": {"source": "other"}},
        {"facts": {"merchant": {"id": "m-2"}}},
    ],
    ids=str,
)
def test_another_request_under_the_key_is_a_conflict(
    own: Assembled, own_client: FlaskClient, request_body: Body, parsed: Call, conforms: Call, change: Body
) -> None:
    own_client.post("/v1/evaluate", json=request_body, headers=KEY)
    response = own_client.post("/v1/evaluate", json=request_body | change, headers=KEY)
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (409, "/problems/idempotency-conflict")
    assert own.service.decisions.count() == 1


def test_a_preview_ignores_the_key_and_even_a_bad_one(
    own: Assembled, own_client: FlaskClient, request_body: Body
) -> None:
    own_client.post("/v1/evaluate", json=request_body, headers=KEY)
    request_body |= {"purpose": "preview", "as_of": "2023-04-02"}
    for key in ("order-1", "a key with spaces"):
        response = own_client.post("/v1/evaluate", json=request_body, headers={"Idempotency-Key": key})
        assert response.status_code == 200
        assert "Idempotent-Replayed" not in response.headers


def test_a_request_that_was_refused_leaves_its_key_free(
    own: Assembled, own_client: FlaskClient, request_body: Body
) -> None:
    bad = json.loads(json.dumps(request_body))
    bad["facts"]["live"]["hours_today"] = "5"
    assert own_client.post("/v1/evaluate", json=bad, headers=KEY).status_code == 422
    assert own_client.post("/v1/evaluate", json=request_body, headers=KEY).status_code == 201


def test_the_first_answer_comes_again_when_other_rules_are_active(
    own: Assembled, own_client: FlaskClient, later_rules: Bundle, request_body: Body
) -> None:
    first = own_client.post("/v1/evaluate", json=request_body, headers=KEY)
    own.publishing.adopt_folder(later_rules, actor="test")
    again = own_client.post("/v1/evaluate", json=request_body, headers=KEY)
    assert again.get_data() == first.get_data()


def test_of_many_requests_at_once_under_a_key_one_decides(own: Assembled, request_body: Body) -> None:
    app = create_app(assembled=own)

    def post(_: int) -> bytes:
        response = app.test_client().post("/v1/evaluate", json=request_body, headers=KEY)
        assert response.status_code == 201
        return response.get_data()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(post, range(24)))
    assert len(answers) == 1
    assert own.service.decisions.count() == 1


@pytest.mark.parametrize("key", ["!", "~" * 255, "0192f-a,b;c=d"])
def test_a_key_is_any_visible_ascii(client: FlaskClient, request_body: Body, key: str) -> None:
    response = client.post("/v1/evaluate", json=request_body, headers={"Idempotency-Key": key})
    assert response.status_code == 201

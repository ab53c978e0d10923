"""Who may what: a key of each role asks every route there is."""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from policy_service.access.issuing import Issuing
from policy_service.access.principals import ROLES
from policy_service.access.rates import Rates
from policy_service.api.access import declarations, needs
from policy_service.api.boundary import Boundary, gate_of
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.settings import Settings

Body = dict[str, Any]
Call = Callable[..., Any]
ANY, ANYONE = set(ROLES), None
TABLE: dict[str, set[str] | None] = {
    "POST /v1/evaluate": {"evaluate"},
    "POST /v1/evaluate/batch": {"evaluate"},
    "GET /v1/decisions": {"read", "audit"},
    "GET /v1/decisions/export": {"audit"},
    "GET /v1/decisions/<id>": {"read", "audit"},
    "GET /v1/decisions/<id>/proof": {"audit"},
    "GET /v1/decisions/<id>/evidence": {"audit"},
    "GET /v1/decisions/<a>/compare/<b>": {"audit"},
    "GET /v1/claims": {"read", "audit"},
    "GET /v1/log/head": {"audit"},
    "GET /v1/log/consistency": {"audit"},
    "POST /v1/decisions/<id>/replay": {"audit"},
    "GET /v1/policies": ANY,
    "GET /v1/policies/<id>": ANY,
    "GET /v1/facts": ANY,
    "GET /v1/bundles": {"publish"},
    "POST /v1/bundles": {"publish"},
    "GET /v1/bundles/<bundle:id>": {"publish"},
    "POST /v1/bundles/<id>/activate": {"publish"},
    "POST /v1/policies/<id>/stop": {"operate", "publish"},
    "POST /v1/policies/<id>/resume": {"operate", "publish"},
    "GET /v1/keys": {"admin"},
    "POST /v1/keys": {"admin"},
    "POST /v1/keys/<id>/rotate": {"admin"},
    "POST /v1/keys/<id>/revoke": {"admin"},
    "GET /v1/audit-trail": {"audit"},
    "GET /metrics": {"operate"},
    "GET /healthz": ANYONE,
    "GET /readyz": ANYONE,
    "GET /problems/<name>": ANYONE,
    "GET /openapi.json": ANYONE,
    "GET /docs": ANYONE,
    "GET /docs/<name>": ANYONE,
}
"""Written after the contract by hand, not from the code. Other routes are judged by what they declare."""


@pytest.fixture(scope="module")
def closed(make_service: Call, rules: Any) -> tuple[FlaskClient, Mapping[str, str]]:
    """A service with a key of each role, by role."""
    own: Assembled = make_service(rules)
    issuing = Issuing(own.keys, now=own.service.now)
    keys = {role: issuing.create(f"only-{role}", [role], actor="test").text for role in ROLES}
    return create_app(Settings(), assembled=own).test_client(), keys


def routes(app: Flask) -> list[tuple[str, str]]:
    """Method and rule of every route there is, HEAD and OPTIONS too."""
    return [(method, rule.rule) for rule in app.url_map.iter_rules() for method in sorted(rule.methods or ())]


def asked(client: FlaskClient, method: str, rule: str, key: str | None) -> Any:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return client.open(re.sub("<[^>]+>", "x", rule), method=method, headers=headers)


def test_the_table_names_routes_that_there_are(closed: Any) -> None:
    there = {f"{method} {rule}" for method, rule in routes(closed[0].application)}
    assert set(TABLE) - there <= {"GET /metrics"}


@pytest.mark.parametrize("role", [*ROLES, None])
def test_exactly_the_allowed_roles_pass(closed: Any, role: str | None) -> None:
    client, keys = closed
    wrong = []
    for method, rule, expected in expectations(client.application):
        with asked(client, method, rule, keys[role] if role else None) as response:
            status = response.status_code
        if expected is None or role in expected:
            is_right = status not in (401, 403, 421, 500)
        else:
            is_right = status == (401 if role is None else 403)
        if not is_right:
            wrong.append(f"{method} {rule} by {role}: {status}")
    assert wrong == []


def expectations(app: Flask) -> list[tuple[str, str, set[str] | None]]:
    """Method, rule and roles of every route: of the table, or as declared where the table does not name it."""
    declared = declarations(app)
    found = []
    for rule in app.url_map.iter_rules():
        need = declared[rule.endpoint]
        by_code = None if need.anyone else set(need.roles)
        for method in sorted(rule.methods or ()):
            found.append((method, rule.rule, TABLE.get(f"{method} {rule.rule}", by_code)))
    return found


def test_every_declaration_is_that_of_the_table(closed: Any) -> None:
    app = closed[0].application
    declared = declarations(app)
    named = [(f"{m} {r.rule}", declared[r.endpoint]) for r in app.url_map.iter_rules() for m in r.methods or ()]
    by_code = {name: None if need.anyone else set(need.roles) for name, need in named if name in TABLE}
    assert by_code == {name: TABLE[name] for name in by_code}


def test_a_refusal_names_the_roles_that_are_needed_and_nothing_happened(
    closed: Any, parsed: Call, conforms: Call, request_body: Body
) -> None:
    client, keys = closed
    response = client.post("/v1/evaluate", json=request_body, headers={"Authorization": f"Bearer {keys['read']}"})
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"], problem["detail"]) == (
        403,
        "/problems/forbidden",
        "this needs a role of: evaluate",
    )


def test_every_credential_that_is_not_good_gets_the_same_answer(closed: Any) -> None:
    client, keys = closed
    good = keys["read"]
    bad = [good[:-1], f"psk_{'0' * 16}_{good[21:]}", "psk_", "x", "a.b.c"]
    answers = [client.get("/v1/facts", headers={"Authorization": f"Bearer {one}"}) for one in bad]
    assert {one.status_code for one in answers} == {401}
    assert len({one.get_data() for one in answers}) == 1
    challenges = {one.headers["WWW-Authenticate"] for one in answers}
    assert challenges == {'Bearer realm="policy-service", error="invalid_token"'}
    assert client.get("/v1/facts").headers["WWW-Authenticate"] == 'Bearer realm="policy-service"'


def test_with_keys_any_host_is_answered(closed: Any) -> None:
    client, keys = closed
    headers = {"Host": "policies.example:8000", "Authorization": f"Bearer {keys['read']}"}
    assert client.get("/v1/facts", headers=headers).status_code == 200
    assert client.get("/healthz", headers={"Host": "10.0.0.1"}).status_code == 200


def test_a_route_without_a_declaration_keeps_the_application_from_starting() -> None:
    app = Flask("x", static_folder=None)
    app.add_url_rule("/open", view_func=lambda: "x", endpoint="open")
    with pytest.raises(RuntimeError, match="/open does not declare"):
        declarations(app)


def test_a_route_that_comes_too_late_is_not_answered(own: Assembled) -> None:
    app = Flask("x", static_folder=None)
    boundary = Boundary(gate_of(Settings(), own.keys, now=own.service.now))
    boundary.register(app)
    boundary.close(app)
    app.add_url_rule("/late", view_func=needs.anyone(lambda: "x"), endpoint="late")
    assert app.test_client().get("/late", headers={"Host": "localhost"}).status_code == 500


@pytest.mark.parametrize("roles", [(), ("owner",), ("read", "owner")])
def test_a_role_that_there_is_not_cannot_be_declared(roles: Any) -> None:
    with pytest.raises(ValueError, match="a route needs roles of"):
        needs(*roles)


def test_the_contract_tells_what_each_operation_needs(closed: Any) -> None:
    client, _ = closed
    contract = client.get("/openapi.json").get_json()
    assert contract["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path, operations in contract["paths"].items():
        for method, one in operations.items():
            if method not in ("get", "post"):
                continue
            rule = path.replace("{", "<").replace("}", ">")
            by_form = TABLE.get(f"{method.upper()} {rule.replace('<id>', '<bundle:id>')}", set())
            expected = TABLE.get(f"{method.upper()} {rule}", by_form)
            if expected is None:
                assert one["security"] == [], path
            else:
                assert one["security"] == [{"bearer": []}], path
                assert {"401", "403", "429", "503"} <= set(one["responses"]), path


def test_a_rate_is_held_and_says_when_to_come_again(own: Assembled, parsed: Call) -> None:
    issuing = Issuing(own.keys, now=own.service.now)
    slow = issuing.create("slow", ["read"], rate=1, actor="test").text
    free = issuing.create("free", ["read"], actor="test").text
    client = create_app(Settings(), assembled=own).test_client()
    answers = [client.get("/v1/facts", headers={"Authorization": f"Bearer {slow}"}) for _ in range(2)]
    last = answers[-1]
    assert (answers[0].status_code, last.status_code, last.headers["Retry-After"]) == (200, 429, "1")
    assert parsed(last)["type"] == "/problems/rate-limited"
    assert client.get("/v1/facts", headers={"Authorization": f"Bearer {free}"}).status_code == 200


@pytest.mark.parametrize("lines", [False, True], ids=["array", "lines"])
@pytest.mark.parametrize("items", [1, 2, 3, 250])
def test_each_item_of_a_batch_counts_and_none_is_refused(
    own: Assembled, request_body: Body, monkeypatch: pytest.MonkeyPatch, lines: bool, items: int
) -> None:
    monkeypatch.setattr("policy_service.app.Rates", lambda: Rates(lambda: 1))
    key = Issuing(own.keys, now=own.service.now).create("slow", ["evaluate"], rate=2, actor="test").text
    client = create_app(Settings(rate_burst=3), assembled=own).test_client()
    headers = {"Authorization": f"Bearer {key}"}
    preview = {**request_body, "purpose": "preview"}
    form = "application/x-ndjson" if lines else "application/json"
    text = "\n".join(map(json.dumps, [preview] * items)) if lines else json.dumps([preview] * items)
    with client.post("/v1/evaluate/batch", data=text, content_type=form, headers=headers, buffered=True) as answered:
        found = [json.loads(line) for line in answered.get_data().splitlines()] if lines else answered.get_json()
    assert [one["status"] for one in found] == [200] * items
    asked = [client.post("/v1/evaluate", json=preview, headers=headers) for _ in range(4)]
    passed = [one.status_code for one in asked].count(200)
    assert passed == max(0, 3 - items)
    assert asked[passed].status_code == 429
    assert int(asked[passed].headers["Retry-After"]) == max(1, math.ceil((max(items, 3) - 2) / 2))


def test_one_key_of_idempotency_under_two_principals_is_two_requests(own: Assembled, request_body: Body) -> None:
    client = create_app(Settings(key_refresh_ms=0), assembled=own).test_client()
    once = {"Idempotency-Key": "k-1"}
    before = client.post("/v1/evaluate", json=request_body, headers=once)
    assert client.post("/v1/evaluate", json=request_body, headers=once).get_data() == before.get_data()
    issuing = Issuing(own.keys, now=own.service.now)
    found = [issuing.create(name, ["evaluate"], actor="test") for name in ("one", "two")]
    texts = [made.text for made in found] + [issuing.rotate(found[0].key.id, actor="test").text]
    ids = [
        client.post("/v1/evaluate", json=request_body, headers={**once, "Authorization": f"Bearer {text}"}).get_json()[
            "decision_id"
        ]
        for text in texts
    ]
    assert ids[0] == ids[2] != ids[1]
    assert before.get_json()["decision_id"] not in ids


def test_pages_let_nobody_frame_them_and_load_only_what_is_ours(closed: Any) -> None:
    client, _ = closed
    headers = client.get("/docs").headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert (headers["X-Frame-Options"], headers["Referrer-Policy"]) == ("DENY", "no-referrer")
    for path in ("/docs", "/docs/docs.js", "/healthz", "/v1/facts", "/nothing"):
        with client.get(path) as response:
            assert response.headers.getlist("X-Content-Type-Options") == ["nosniff"]

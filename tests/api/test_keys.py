"""Keys made, rotated and revoked over HTTP, and the trail of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.access.first_key import FirstKey
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.settings import Settings

Call = Callable[..., Any]
ROOT = {"name": "root", "roles": ["admin", "audit"]}


class NoKeys:
    """A store of keys with none in it."""

    def keys(self) -> list[Any]:
        return []


@pytest.fixture
def first_key() -> FirstKey:
    return FirstKey()


@pytest.fixture
def token(first_key: FirstKey) -> str:
    """What the service would have printed when it started."""
    return first_key.new_token()


@pytest.fixture
def open_client(own: Assembled, first_key: FirstKey) -> FlaskClient:
    """Keys are read anew by every request."""
    return create_app(Settings(key_refresh_ms=0), assembled=own, first_key=first_key).test_client()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def admin(open_client: FlaskClient, token: str) -> dict[str, str]:
    """The headers of the first key, which was made while the service was open."""
    response = open_client.post("/v1/keys", json=ROOT, headers={"First-Key-Token": token})
    assert response.status_code == 201
    return bearer(response.get_json()["key"])


@pytest.mark.parametrize("wrong", [{}, {"First-Key-Token": ""}, {"First-Key-Token": "x" * 43}], ids=str)
def test_without_the_token_of_the_start_no_first_key_is_made(
    open_client: FlaskClient, token: str, own: Assembled, parsed: Call, conforms: Call, wrong: dict[str, str]
) -> None:
    response = open_client.post("/v1/keys", json=ROOT, headers=wrong)
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (403, "/problems/first-key-refused")
    assert "policyctl keys create" in problem["detail"]
    assert own.keys.keys() == []
    assert open_client.get("/v1/keys").get_json() == {"keys": []}  # still open, and still the token holds
    assert open_client.post("/v1/keys", json=ROOT, headers={"First-Key-Token": token}).status_code == 201


def test_a_fault_in_the_body_spends_no_token(open_client: FlaskClient, token: str) -> None:
    headers = {"First-Key-Token": token}
    for body in ({**ROOT, "name": "a b"}, {**ROOT, "expires_at": "2001-01-01T00:00:00Z"}):
        assert open_client.post("/v1/keys", json=body, headers=headers).status_code == 422
    assert open_client.post("/v1/keys", json=ROOT, headers=headers).status_code == 201


def test_the_token_makes_no_second_key(
    open_client: FlaskClient, token: str, admin: dict[str, str], own: Assembled, first_key: FirstKey
) -> None:
    again = {"json": {**ROOT, "name": "again"}, "headers": {"First-Key-Token": token}}
    assert open_client.post("/v1/keys", **again).status_code == 401
    emptied = replace(own, keys=NoKeys())  # as whoever writes the database might leave it
    client = create_app(Settings(key_refresh_ms=0), assembled=emptied, first_key=first_key).test_client()
    assert client.post("/v1/keys", **again).status_code == 403


def test_once_there_is_a_key_the_token_is_not_read(open_client: FlaskClient, admin: dict[str, str]) -> None:
    headers = {**admin, "First-Key-Token": "x"}
    assert open_client.post("/v1/keys", json={"name": "a", "roles": ["read"]}, headers=headers).status_code == 201


def test_without_a_start_no_token_fits(own_client: FlaskClient) -> None:
    assert own_client.post("/v1/keys", json=ROOT, headers={"First-Key-Token": ""}).status_code == 403


def test_the_contract_tells_of_the_token(client: FlaskClient) -> None:
    found = client.get("/openapi.json").get_json()["paths"]["/v1/keys"]
    (header,) = [one for one in found["post"]["parameters"] if one["name"] == "First-Key-Token"]
    assert (header["in"], header.get("required", False)) == ("header", False)
    refused = found["post"]["responses"]["403"]["content"]["application/problem+json"]["schema"]["allOf"][-1]
    assert refused["properties"]["type"]["enum"] == ["/problems/forbidden", "/problems/first-key-refused"]
    assert "First-Key-Token" not in str(found["get"])


def test_the_first_key_closes_the_service(open_client: FlaskClient, admin: dict[str, str]) -> None:
    assert open_client.get("/v1/keys").status_code == 401
    assert open_client.get("/v1/keys", headers=admin).status_code == 200


def test_a_key_is_shown_once_and_kept_as_a_digest(
    open_client: FlaskClient, admin: dict[str, str], own: Assembled, conforms: Call
) -> None:
    body = {"name": "payments", "roles": ["read", "evaluate"], "rate": 9, "expires_at": "2023-05-01T00:00:00+08:00"}
    made = open_client.post("/v1/keys", json=body, headers=admin).get_json()
    conforms(made, "MadeKey")
    assert made["roles"] == ["evaluate", "read"]
    assert made["expires_at"] == "2023-04-30T16:00:00.000Z"
    assert made["created_by"] == "root"
    secret = made["key"].split("_", 2)[2]
    told = open_client.get("/v1/keys", headers=admin).get_data(as_text=True)
    told += open_client.get("/v1/audit-trail", headers=admin).get_data(as_text=True)
    kept = own.keys.key(made["id"])
    assert kept is not None
    for text in (told, repr(kept)):
        assert secret not in text
    assert kept.digest not in told


def test_a_rotated_key_holds_until_its_grace_ends(open_client: FlaskClient, admin: dict[str, str]) -> None:
    old = open_client.post("/v1/keys", json={"name": "a", "roles": ["read"], "rate": 9}, headers=admin).get_json()
    new = open_client.post(f"/v1/keys/{old['id']}/rotate", headers=admin).get_json()
    assert (new["name"], new["roles"], new["rate"]) == ("a", ["read"], 9)
    for key in (old["key"], new["key"]):
        assert open_client.get("/v1/facts", headers=bearer(key)).status_code == 200
    listed = {one["id"]: one for one in open_client.get("/v1/keys", headers=admin).get_json()["keys"]}
    assert listed[old["id"]]["expires_at"] == "2023-04-03T03:00:00.000Z"
    last = open_client.post(f"/v1/keys/{new['id']}/rotate", json={"grace_seconds": 0}, headers=admin).get_json()
    assert open_client.get("/v1/facts", headers=bearer(new["key"])).status_code == 401
    assert open_client.get("/v1/facts", headers=bearer(last["key"])).status_code == 200
    again = open_client.post(f"/v1/keys/{new['id']}/rotate", headers=admin)
    assert (again.status_code, again.get_json()["type"]) == (409, "/problems/key-ended")


def test_a_revoked_key_ends_at_once_and_the_last_one_closes_the_service(
    open_client: FlaskClient, admin: dict[str, str]
) -> None:
    (only,) = open_client.get("/v1/keys", headers=admin).get_json()["keys"]
    response = open_client.post(f"/v1/keys/{only['id']}/revoke", json={"reason": "lost"}, headers=admin)
    assert (response.status_code, response.get_json()["state"]) == (200, "revoked")
    assert open_client.get("/v1/keys", headers=admin).status_code == 401
    assert open_client.get("/v1/facts").status_code == 401


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name", "/roles"]),
        ({"name": "a b", "roles": ["read"]}, ["/name"]),
        ({"name": "oidc:x", "roles": ["read"]}, ["/name"]),
        ({"name": "local", "roles": ["read"]}, ["/name"]),
        ({"name": "policyctl", "roles": ["read"]}, ["/name"]),
        ({"name": "a", "roles": []}, ["/roles"]),
        ({"name": "a", "roles": ["owner"]}, ["/roles/0"]),
        ({"name": "a", "roles": "read"}, ["/roles"]),
        ({"name": "a", "roles": ["read"] * 8}, ["/roles"]),
        ({"name": "a", "roles": ["read"], "rate": 0}, ["/rate"]),
        ({"name": "a", "roles": ["read"], "rate": True}, ["/rate"]),
        ({"name": "a", "roles": ["read"], "rate": "5"}, ["/rate"]),
        ({"name": "a", "roles": ["read"], "expires_at": "2023-04-02T03:00:00Z"}, ["/expires_at"]),
        ({"name": "a", "roles": ["read"], "expires_at": "2023-05-01"}, ["/expires_at"]),
        ({"name": "a", "roles": ["read"], "expires_at": "9999-12-31T23:59:59Z"}, ["/expires_at"]),
        ({"name": "a", "roles": ["read"], "secret": "x"}, ["/secret"]),
    ],
    ids=str,
)
def test_a_key_that_cannot_be_is_refused(
    open_client: FlaskClient, admin: dict[str, str], own: Assembled, body: Any, pointers: list[str]
) -> None:
    response = open_client.post("/v1/keys", json=body, headers=admin)
    assert response.status_code == 422
    assert {one["pointer"] for one in response.get_json()["errors"]} == set(pointers)
    assert len(own.keys.keys()) == 1


def test_a_key_of_a_name_in_force_is_a_conflict_until_that_one_has_ended(
    open_client: FlaskClient, admin: dict[str, str], own: Assembled
) -> None:
    made = open_client.post("/v1/keys", json={"name": "a", "roles": ["read"]}, headers=admin).get_json()
    again = open_client.post("/v1/keys", json={"name": "a", "roles": ["read"]}, headers=admin)
    assert (again.status_code, again.get_json()["type"]) == (409, "/problems/name-in-force")
    assert len(own.keys.keys()) == 2
    open_client.post(f"/v1/keys/{made['id']}/revoke", json={"reason": "over"}, headers=admin)
    assert open_client.post("/v1/keys", json={"name": "a", "roles": ["read"]}, headers=admin).status_code == 201


@pytest.mark.parametrize("act", ["rotate", "revoke"])
@pytest.mark.parametrize("id", ["0" * 16, "x", "A" * 16])
def test_an_unknown_key_is_not_found(open_client: FlaskClient, admin: dict[str, str], act: str, id: str) -> None:
    body = {"reason": "x"} if act == "revoke" else {}
    assert open_client.post(f"/v1/keys/{id}/{act}", json=body, headers=admin).status_code == 404


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "a\nb"}, {"reason": "x" * 501}, {"reason": None}])
def test_a_revocation_needs_a_reason_on_one_line(open_client: FlaskClient, admin: dict[str, str], body: Any) -> None:
    (only,) = open_client.get("/v1/keys", headers=admin).get_json()["keys"]
    assert open_client.post(f"/v1/keys/{only['id']}/revoke", json=body, headers=admin).status_code == 422
    assert open_client.get("/v1/keys", headers=admin).status_code == 200


def test_the_trail_is_the_acts_of_the_log_from_its_beginning_on(
    own: Assembled, own_client: FlaskClient, request_body: Any, conforms: Any
) -> None:
    request_body["facts"]["member"] = {"id": "u-77", "level": 2}
    made = own_client.post("/v1/evaluate", json=request_body).get_json()["decision_id"]
    own.auditing.sealer.seal_all()
    assert own_client.get(f"/v1/decisions/{made}?reveal=true").status_code == 200
    assert own_client.get("/v1/decisions?subject=member:u-77").status_code == 200
    own.auditing.erasing.erase("member", "u-77", ticket="T-1", actor="test")
    page = own_client.get("/v1/audit-trail").get_json()
    conforms(page, "TrailPage")
    told = [(one["actor"], one["action"], one["target"], one["reason"]) for one in page["entries"]]
    active = own.publishing.activation_state().active
    assert told == [
        ("test", "decision.erase", "member", "T-1"),
        ("local", "decision.reveal", "member", ""),
        ("local", "decision.reveal", made, ""),
        ("test", "bundle.activate", active.bundle, "rules folder"),
        ("service", "log.begin", "policy-service", ""),
    ]
    assert "u-77" not in repr(page)


def test_an_act_that_somebody_wrote_by_hand_is_told_as_unreadable(own: Assembled, own_client: FlaskClient) -> None:
    with own.orders.store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE acts SET body = '[]' WHERE version = 2")
    (first, _) = own_client.get("/v1/audit-trail").get_json()["entries"]
    assert (first["action"], first["actor"]) == ("unreadable", "")


def test_every_act_on_keys_is_in_the_trail_page_by_page(open_client: FlaskClient, admin: dict[str, str]) -> None:
    made = open_client.post("/v1/keys", json={"name": "a", "roles": ["read"]}, headers=admin).get_json()
    new = open_client.post(f"/v1/keys/{made['id']}/rotate", headers=admin).get_json()
    open_client.post(f"/v1/keys/{made['id']}/revoke", json={"reason": "found"}, headers=admin)
    found, query = [], "?limit=2"
    while True:
        page = open_client.get(f"/v1/audit-trail{query}", headers=admin).get_json()
        assert len(page["entries"]) <= 2
        found += page["entries"]
        if "next" not in page:
            break
        query = f"?limit=2&before={page['next']}"
    acts = [(one["actor"], one["action"], one["target"], one["reason"]) for one in found if one["action"][:4] == "key."]
    root = acts[-1][2]
    assert acts == [
        ("root", "key.revoke", made["id"], "found"),
        ("root", "key.expire", made["id"], ""),
        ("root", "key.rotate", new["id"], ""),
        ("root", "key.create", made["id"], ""),
        ("local", "key.create", root, ""),
    ]
    assert all("request_id" in one for one in found if one["action"][:4] == "key.")


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "before=0", "before=-1", "before=99999999999"])
def test_a_page_that_cannot_be_is_refused(open_client: FlaskClient, admin: dict[str, str], query: str) -> None:
    assert open_client.get(f"/v1/audit-trail?{query}", headers=admin).status_code == 422

"""GET /v1/decisions, GET /v1/claims; the place and the chain that a record shows."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from policy_service.access.issuing import Issuing
from policy_service.api import examples
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.settings import Settings

Body = dict[str, Any]
Call = Callable[..., Any]
MEMBER = {
    "as_of": "2023-04-01",
    "facts": {
        "merchant": {"id": "m-1", "membership_open": True, "restricted": False},
        "member": {"id": "u-77", "level": 2, "joined_on": "2022-11-11", "points": 4321},
        "products": [{"id": "p-1", "public_price": 88}],
    },
    "policies": ["membership.member_price"],
}


def posted(client: FlaskClient, **changes: Any) -> Body:
    response = client.post("/v1/evaluate", json={**deepcopy(examples.REQUEST), **changes})
    assert response.status_code == 201, response.get_data()
    found: Body = response.get_json()
    return found


def of_merchant(id_: str, hours: float = 5) -> Body:
    facts = deepcopy(examples.REQUEST["facts"])
    facts["merchant"]["id"] = id_
    facts["live"]["hours_today"] = hours
    return {"facts": facts}


@pytest.fixture(scope="module")
def found(make_service: Call, rules: Any) -> tuple[Assembled, FlaskClient, list[Body]]:
    """A service with seven sealed decisions: m-1, m-2, m-3, m-1 on another day, a correction, one refused, a member."""
    own: Assembled = make_service(rules)
    client = create_app(Settings(), assembled=own).test_client()
    made = [posted(client, **of_merchant(f"m-{n}")) for n in (1, 2, 3)]
    made.append(posted(client, **of_merchant("m-1"), as_of="2023-04-02"))
    made.append(posted(client, **of_merchant("m-1", 6), supersedes=made[0]["decision_id"], reason="appeal"))
    made.append(posted(client, **of_merchant("m-1", 3)))
    made.append(client.post("/v1/evaluate", json=MEMBER).get_json())
    assert own.auditing is not None
    own.auditing.sealer.seal_all()
    return own, client, made


def ids(client: FlaskClient, query: str) -> list[str]:
    response = client.get(f"/v1/decisions?{query}")
    assert response.status_code == 200, response.get_data()
    return [one["decision_id"] for one in response.get_json()["decisions"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [6, 5, 4, 3, 2, 1, 0]),
        ("merchant=m-2", [1]),
        ("subject=merchant:m-2", [1]),
        ("subject=member:u-77", [6]),
        ("subject=product:p-1", [6]),
        ("merchant=m-1&as_of_from=2023-04-02", [3]),
        ("merchant=m-1&as_of_from=2023-04-01&as_of_to=2023-04-02", [6, 5, 4, 0]),
        ("decided_from=2023-04-02T11:00:00%2B08:00", [6, 5, 4, 3, 2, 1, 0]),
        ("decided_from=2023-04-02T03:00:00.001Z", []),
        ("decided_to=2023-04-02", []),
        ("decided_from=2023-04-02&decided_to=2023-04-03", [6, 5, 4, 3, 2, 1, 0]),
        ("policy=chuanliu.traffic_hours&merchant=m-3", [2]),
        ("reward=chuanliu.traffic_hours/chuanliu_traffic&merchant=m-1", [4, 3, 0]),
        ("row=chuanliu.traffic_hours.granted_hours/h10&as_of_from=2023-04-02", [3]),
        ("claim=chuanliu.traffic_hours/chuanliu_traffic@merchant:m-1%232023-04-01", [4, 0]),
        ("policy=chuanliu.nothing", []),
        ("bundle=sha256:" + "0" * 64, []),
    ],
)
def test_decisions_are_found_by_what_they_are_about(found: Any, query: str, expected: list[int]) -> None:
    _, client, made = found
    assert ids(client, query) == [made[n]["decision_id"] for n in expected]


def test_a_page_is_as_the_contract_says_and_shows_links_between_decisions(found: Any, conforms: Call) -> None:
    _, client, made = found
    page = client.get("/v1/decisions?merchant=m-1&as_of_to=2023-04-02").get_json()
    conforms(page, "Page")
    assert page["sealed_through"] == 9
    by_id = {one["decision_id"]: one for one in page["decisions"]}
    first, correction = made[0]["decision_id"], made[4]["decision_id"]
    assert by_id[first]["superseded_by"] == [correction]
    assert by_id[correction]["supersedes"] == first
    assert by_id[first]["index"] == 2
    assert by_id[first]["bundle"] == made[0]["bundle"]


def test_pages_stay_as_they_are_while_decisions_arrive(make_service: Call, rules: Any) -> None:
    own: Assembled = make_service(rules)
    client = create_app(Settings(), assembled=own).test_client()
    assert own.auditing is not None
    seal = own.auditing.sealer.seal_all
    before = [posted(client, **of_merchant(f"m-{n}"))["decision_id"] for n in range(5)]
    seal()
    first = client.get("/v1/decisions?limit=2").get_json()
    posted(client, **of_merchant("m-late"))
    seal()
    second = client.get(f"/v1/decisions?limit=2&cursor={first['next']}").get_json()
    third = client.get(f"/v1/decisions?limit=2&cursor={second['next']}").get_json()
    shown = [one["decision_id"] for page in (first, second, third) for one in page["decisions"]]
    assert shown == before[::-1]
    assert "next" not in third
    assert "next" not in client.get("/v1/decisions?limit=6").get_json()  # as many as there are: no empty page follows


def test_what_waits_is_found_by_its_id_and_not_in_a_list(own: Assembled, own_client: FlaskClient) -> None:
    made = posted(own_client)["decision_id"]
    assert own_client.get("/v1/decisions").get_json() == {"decisions": [], "sealed_through": 0}
    assert own_client.get(f"/v1/decisions/{made}").get_json()["log"] == {"state": "waiting"}
    assert own.auditing is not None
    own.auditing.sealer.seal_all()
    assert own_client.get(f"/v1/decisions/{made}").get_json()["log"] == {"state": "sealed", "index": 2}


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("polcy=x", [("/polcy", "A113")]),
        ("policy=x&policy=y", [("/policy", "A117")]),
        ("policy=", [("/policy", "A117")]),
        ("policy=a%25b", [("/policy", "A117")]),
        ("policy=" + "a" * 201, [("/policy", "A117")]),
        ("subject=m-1", [("/subject", "A117")]),
        ("claim=x", [("/claim", "A117")]),
        ("bundle=sha256:0", [("/bundle", "A117")]),
        ("as_of_from=2023-02-29&limit=0", [("/as_of_from", "A105"), ("/limit", "A117")]),
        ("as_of_from=2023-04-01T00:00:00Z", [("/as_of_from", "A105")]),
        ("decided_from=2023-04-01T00:00:00", [("/decided_from", "A105")]),
        ("decided_from=2023-04-02&decided_to=2023-04-02", [("/decided_to", "A117")]),
        ("limit=501", [("/limit", "A117")]),
        ("cursor=5", [("/cursor", "A117")]),
        ("cursor=" + "Z" * 40, [("/cursor", "A117")]),
        ("cursor=%C3%A9", [("/cursor", "A117")]),
    ],
)
def test_a_filter_that_cannot_be_is_refused(found: Any, conforms: Call, query: str, errors: Any) -> None:
    response = found[1].get(f"/v1/decisions?{query}")
    problem = response.get_json()
    conforms(problem, "Problem")
    assert response.status_code == 422
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == errors


def test_the_history_of_a_claim_shows_what_was_due_after_each_decision(found: Any, conforms: Call) -> None:
    _, client, made = found
    key = "chuanliu.traffic_hours/chuanliu_traffic@merchant:m-1"
    history = client.get(f"/v1/claims?key={key}%232023-04-01").get_json()
    conforms(history, "ClaimHistory")
    assert [(one["decision_id"], one["granted"], one["due"]) for one in history["decisions"]] == [
        (made[0]["decision_id"], 10, 10),
        (made[4]["decision_id"], 10, 10),
        (made[5]["decision_id"], None, 10),  # on_decrease is keep
    ]
    assert history["refused"] == []
    assert history["decisions"][1]["supersedes"] == made[0]["decision_id"]
    assert history["decisions"][2]["reason"] == "not_met"
    assert client.get(f"/v1/claims?key={key}%232023-04-09").get_json()["decisions"] == []


def test_a_claim_says_which_records_it_does_not_believe(
    own: Assembled, own_client: FlaskClient, conforms: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [posted(own_client, **of_merchant("m-1")) for _ in range(2)]
    assert own.auditing is not None
    own.auditing.sealer.seal_all()
    records, forged = own.auditing.log.records, made[1]["decision_id"]
    monkeypatch.setattr(
        own.auditing.log,
        "records",
        lambda entries: {
            id_: replace(one, receipt=None) if id_ == forged else one for id_, one in records(entries).items()
        },
    )
    key = made[0]["rewards"][0]["claim"]["key"]
    history = own_client.get("/v1/claims", query_string={"key": key}).get_json()
    conforms(history, "ClaimHistory")
    assert [one["decision_id"] for one in history["decisions"]] == [made[0]["decision_id"]]
    index = own.auditing.place(forged).index
    assert history["refused"] == [{"kind": "record-not-receipted", "decision_id": forged, "index": index}]


@pytest.mark.parametrize("query", ["", "key=x", "key=a/b@merchant:m-1", "claim=x"])
def test_a_key_that_is_none_is_refused(found: Any, query: str) -> None:
    assert found[1].get(f"/v1/claims?{query}").status_code == 422


def test_every_decision_of_a_chain_shows_the_whole_of_it(own_client: FlaskClient, conforms: Call) -> None:
    first = posted(own_client)["decision_id"]
    second = posted(own_client, supersedes=first, reason="appeal")["decision_id"]
    other = posted(own_client, supersedes=first, reason="data_correction")["decision_id"]
    last = posted(own_client, supersedes=second, reason="rule_correction")["decision_id"]
    chains = []
    for id_ in (first, second, other, last):
        record = own_client.get(f"/v1/decisions/{id_}").get_json()
        conforms(record, "Record")
        chains.append(record["chain"])
    assert all(chain == chains[0] for chain in chains)
    assert chains[0]["complete"] is True
    assert {one["decision_id"]: one.get("supersedes") for one in chains[0]["decisions"]} == {
        first: None,
        second: first,
        other: first,
        last: second,
    }
    assert chains[0]["decisions"][0]["decision_id"] == first
    assert chains[0]["decisions"][-1]["reason"] == "rule_correction"


def test_a_chain_that_is_too_long_says_so_and_holds_the_decision(
    own: Assembled, own_client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from policy_service.decisions.deciding import chains

    monkeypatch.setattr(chains, "MOST_LINKS", 2)
    made = [posted(own_client)["decision_id"]]
    for _ in range(2):
        made.append(posted(own_client, supersedes=made[-1], reason="appeal")["decision_id"])
    for id_ in made:
        chain = own_client.get(f"/v1/decisions/{id_}").get_json()["chain"]
        assert (len(chain["decisions"]), chain["complete"]) == (2, False)
        assert id_ in [one["decision_id"] for one in chain["decisions"]]


# ---- sensitive values


def test_sensitive_values_stand_as_commitments_and_are_revealed_to_whoever_may_with_a_trace(
    found: Any, conforms: Call
) -> None:
    own, _, made = found
    issuing = Issuing(own.keys, now=own.service.now)
    roles = {"read": ["read"], "audit": ["audit"], "reveal": ["audit", "reveal"]}
    keys = {name: issuing.create(f"of-{name}", given, actor="test").text for name, given in roles.items()}
    client = create_app(Settings(), assembled=own).test_client()
    path = f"/v1/decisions/{made[6]['decision_id']}"

    def asked(role: str, query: str = "") -> Any:
        return client.get(path + query, headers={"Authorization": f"Bearer {keys[role]}"})

    plain = asked("read")
    conforms(plain.get_json(), "Record")
    assert "u-77" not in plain.get_data(as_text=True)
    assert "4321" not in plain.get_data(as_text=True)
    assert asked("read", "?reveal=true").status_code == 403
    assert asked("audit", "?reveal=true").status_code == 403
    assert asked("reveal", "?reveal=yes").status_code == 422
    before = len(own.trail.trail())
    assert asked("audit", "?reveal=false").get_data() == plain.get_data()
    assert len(own.trail.trail()) == before
    revealed = asked("reveal", "?reveal=true").get_json()
    conforms(revealed, "Record")
    assert revealed["request"]["facts"]["member"] == MEMBER["facts"]["member"]
    noted = own.trail.trail()[0]
    assert (noted.actor, noted.action, noted.target, dict(noted.detail)) == (
        "of-reveal",
        "decision.reveal",
        made[6]["decision_id"],
        {"shown_in": "record"},
    )


def test_lists_and_exports_show_nothing_that_is_sensitive(make_service: Call, rules: Any) -> None:
    own: Assembled = make_service(rules)
    client = create_app(Settings(), assembled=own).test_client()
    assert client.post("/v1/evaluate", json=MEMBER).status_code == 201
    assert own.auditing is not None
    own.auditing.sealer.seal_all()
    for path in ("/v1/decisions", "/v1/decisions/export", "/v1/decisions/export?format=csv"):
        text = client.get(path).get_data(as_text=True)
        assert "m-1" in text or "csv" in path
        for secret in ("u-77", "4321", "2022-11-11"):
            assert secret not in text, path


def test_after_an_erasure_nothing_is_found_or_revealed(make_service: Call, rules: Any) -> None:
    own: Assembled = make_service(rules)
    client = create_app(Settings(), assembled=own).test_client()
    made = client.post("/v1/evaluate", json=MEMBER).get_json()["decision_id"]
    assert own.auditing is not None
    erased = own.auditing.erasing.erase("member", "u-77", ticket="T-1", actor="test")
    assert erased.records == (made,)
    assert ids(client, "subject=member:u-77") == []
    assert ids(client, "merchant=m-1") == [made]
    for response in (
        client.get(f"/v1/decisions/{made}?reveal=true"),
        client.post(f"/v1/decisions/{made}/replay"),
        client.get(f"/v1/decisions/{made}/compare/{made}"),
    ):
        assert (response.status_code, response.get_json()["type"]) == (410, "/problems/erased")
    assert client.get(f"/v1/decisions/{made}").status_code == 200
    assert client.get(f"/v1/decisions/{made}/proof").get_json()["size"] == 4  # two acts before it, and the erasure
    noted = [(one.target, dict(one.detail)) for one in own.trail.trail() if one.action == "decision.reveal"]
    assert noted == [("member", {"shown_in": "search"})], "that was looked for a member, and for no one's values"


@pytest.fixture(scope="module")
def as_role(found: Any) -> Callable[[str], FlaskClient]:
    """A client with a key of some roles, on the service with seven decisions."""
    own, _, _ = found
    issuing = Issuing(own.keys, now=own.service.now)

    def made(*roles: str) -> FlaskClient:
        name = "-".join(("a", *roles))
        key = issuing.create(name, list(roles), actor="test").text
        client = create_app(Settings(), assembled=own).test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
        return client

    return cast("Callable[[str], FlaskClient]", cache(made))


HIDDEN_SUBJECT = "/v1/decisions?subject=member:u-77"
HIDDEN_ROW = "/v1/decisions?row=membership.member_price.level_discount/level_2"


def reveals(own: Assembled) -> list[tuple[str, str, str]]:
    found = [one for one in own.trail.trail() if one.action == "decision.reveal"]
    return [(one.actor, one.target, one.detail["shown_in"]) for one in found]


@pytest.mark.parametrize(
    "path",
    [
        HIDDEN_SUBJECT,
        HIDDEN_ROW,
        "/v1/decisions/export?subject=member:u-77",
        "/v1/decisions/export?row=" + HIDDEN_ROW.partition("=")[2],
    ],
)
def test_to_look_for_a_hidden_value_needs_the_right_and_is_noted(found: Any, as_role: Any, path: str) -> None:
    own, _, made = found
    before = reveals(own)
    for roles in (("read",), ("audit",), ("read", "audit")):
        assert as_role(*roles).get(path).status_code == 403
    assert as_role("reveal").get(path).status_code == 403, "it needs the role of the route too"
    assert reveals(own) == before, "nobody saw anything"
    response = as_role("audit", "reveal").get(path)
    assert made[6]["decision_id"] in response.get_data(as_text=True)
    assert "u-77" not in response.get_data(as_text=True)
    sought = "member" if "subject" in path else "membership.member_price.level_discount"
    assert reveals(own)[0] == ("a-audit-reveal", sought, "search")
    assert len(reveals(own)) == len(before) + 1
    assert "u-77" not in repr(own.trail.trail())


def test_a_claim_of_a_hidden_subject_is_found_by_who_knows_its_key_and_noted_nowhere(
    make_service: Call, rules: Any
) -> None:
    own: Assembled = make_service(rules)
    client = create_app(Settings(key_refresh_ms=0), assembled=own).test_client()  # the key holds at once
    body = {
        "as_of": "2023-04-15",
        "facts": {"influencer": {"id": "i-1", "main_push_settled_orders": 320}},
        "policies": ["chuanliu.main_push"],
    }
    made = client.post("/v1/evaluate", json=body).get_json()
    assert own.auditing is not None
    own.auditing.sealer.seal_all()
    key = Issuing(own.keys, now=own.service.now).create("reader", ["read"], actor="test").text
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    claim = made["rewards"][0]["claim"]["key"]
    assert "influencer:i-1" in claim
    page = client.get("/v1/decisions", query_string={"claim": claim})
    assert [one["decision_id"] for one in page.get_json()["decisions"]] == [made["decision_id"]]
    assert "i-1" not in page.get_data(as_text=True), "nothing more is printed"
    history = client.get("/v1/claims", query_string={"key": claim}).get_json()
    assert [(one["decision_id"], one["due"]) for one in history["decisions"]] == [(made["decision_id"], 9000)]
    assert (
        client.get("/v1/decisions", query_string={"claim": claim.replace("i-1", "i-2")}).get_json()["decisions"] == []
    )
    assert client.get("/v1/decisions?subject=influencer:i-1").status_code == 403
    assert "i-1" not in client.get(f"/v1/decisions/{made['decision_id']}").get_data(as_text=True)
    assert reveals(own) == []


@pytest.mark.parametrize(("method", "path", "shown_in"), [
    ("POST", "/replay?reveal=true", "replay"), ("GET", "/evidence?private=true", "evidence"),
    ("GET", "/compare/{id}?reveal=true", "comparison"), ("GET", "?reveal=true", "record"),
])  # fmt: skip
def test_every_way_to_hidden_values_needs_the_right_and_is_noted(
    found: Any, as_role: Any, method: str, path: str, shown_in: str
) -> None:
    own, _, made = found
    id_ = made[6]["decision_id"]
    path = f"/v1/decisions/{id_}{path.format(id=id_)}"
    before = len(reveals(own))
    assert as_role("audit").open(path, method=method).status_code == 403
    assert len(reveals(own)) == before
    assert as_role("audit", "reveal").open(path, method=method).status_code == 200
    assert reveals(own)[0] == ("a-audit-reveal", id_, shown_in)
    assert len(reveals(own)) == before + 1
    plain = path.partition("?")[0]
    response = as_role("audit").open(plain, method=method)
    assert response.status_code == 200
    assert all(secret not in response.get_data(as_text=True) for secret in ("u-77", "4321", "2022-11-11"))
    assert len(reveals(own)) == before + 1

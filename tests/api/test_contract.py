"""The contract: valid OpenAPI 3.1, generated, served with a page that needs no other host."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from policy_service.api import examples
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.deciding.service import PolicyService
from policy_service.policies.bundle import Bundle, bundle
from policy_service.problems.kinds import KINDS

Body = dict[str, Any]
Call = Callable[..., Any]

LOADED = re.compile(r'(?:src|href|action)="([^"]*)"')


@pytest.fixture(scope="module")
def contract(client: FlaskClient) -> Body:
    response = client.get("/openapi.json")
    assert response.content_type == "application/json"
    return json.loads(response.get_data())


def test_it_is_valid_openapi_3_1(contract: Body) -> None:
    validate(contract)
    assert contract["openapi"] == "3.1.0"


def test_it_has_every_route_and_no_other(contract: Body, client: FlaskClient) -> None:
    rules = client.application.url_map.iter_rules()
    routes = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule) for rule in rules}
    assert set(contract["paths"]) == routes - {"/openapi.json", "/docs", "/docs/{name}", "/decisions/{id}"}


def test_every_operation_has_an_id_a_summary_and_described_answers(contract: Body) -> None:
    operations = [one for path in contract["paths"].values() for name, one in path.items() if name in ("get", "post")]
    assert len({one["operationId"] for one in operations}) == len(operations)
    for one in operations:
        assert one["summary"].endswith((".", "…"))
        for status, answer in one["responses"].items():
            assert answer["description"]
            if not status.startswith("2"):
                assert list(answer["content"]) == ["application/problem+json"]


def test_every_refusal_lists_its_types_and_no_other(contract: Body) -> None:
    for path in contract["paths"].values():
        for operation in (one for name, one in path.items() if name in ("get", "post")):
            for status, answer in operation["responses"].items():
                if status.startswith("2"):
                    continue
                _, here = answer["content"]["application/problem+json"]["schema"]["allOf"]
                of_type = here["properties"]["type"]
                types = of_type.get("enum") or [of_type["const"]]
                kinds = [KINDS[one.removeprefix("/problems/")] for one in types]
                assert {kind.status for kind in kinds} == {int(status)}
                assert here["properties"]["status"] == {"const": int(status)}
                assert ("Retry-After" in answer["headers"]) == any(
                    kind.retry != "never" for kind in kinds if kind.status < 500 or kind.status == 503
                )
                assert "X-Request-Id" in answer["headers"]


def test_the_state_to_post_is_described_section_by_section(contract: Body, rules: Bundle) -> None:
    schemas = contract["components"]["schemas"]
    assert schemas["EvaluateRequest"]["properties"]["facts"]["$ref"] == "#/components/schemas/Facts"
    assert schemas["Facts"]["additionalProperties"] is False
    for name, section in rules.rules.dictionary.sections.items():
        assert schemas["Facts"]["properties"][name] == {"$ref": f"#/components/schemas/Facts.{name}"}
        shown = schemas[f"Facts.{name}"]
        assert set(shown.get("items", shown)["properties"]) == set(section.facts)
    hours = schemas["Facts.live"]["properties"]["hours_today"]
    assert (hours["x-unit"], hours["x-scale"], hours["minimum"], hours["maximum"]) == ("hour", 2, 0, 24)


def test_the_contract_follows_the_active_rules_and_its_tag_tells(own: Assembled, rules: Bundle) -> None:
    client = create_app(assembled=own).test_client()
    first = client.get("/openapi.json")
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    label = "Hours broadcast on the day"
    sources = {path: text.replace(label, "Hours on air") for path, text in rules.sources.items()}
    changed, diagnostics = bundle(sources)
    assert changed is not None, diagnostics
    own.publishing.adopt_folder(changed, actor="test")
    own.service.evaluators.refresh()
    other = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200
    assert other.headers["ETag"] != first.headers["ETag"]
    hours = json.loads(other.get_data())["components"]["schemas"]["Facts.live"]["properties"]["hours_today"]
    assert hours["title"] == "Hours on air"


def test_without_rules_the_contract_is_told_with_any_state(make_service: Any) -> None:
    client = create_app(assembled=make_service(None)).test_client()
    whole = json.loads(client.get("/openapi.json").get_data())
    validate(whole)
    assert whole["components"]["schemas"]["Facts"] == {"type": "object"}


def test_every_key_of_an_answer_is_described(contract: Body) -> None:
    names = (
        "Answer", "Preview", "Reward", "Claim", "Cut", "Validity", "NotGranted", "Recommendation", "PolicyEntry", "Row",
        "Leaf", "Subject", "Text", "Record", "RecordedRequest", "Replayed", "Difference", "Problem", "Error",
        "Standing", "Chain", "Link", "Page", "Found", "ClaimHistory", "Bearing", "Exported", "Head", "Proof",
        "Consistency",
        "Evidence", "EvidenceBundle", "Inclusion", "Private", "Comparison", "Compared", "ComparedReward", "Share",
        "Counterfactuals",
    )  # fmt: skip
    for name in names:
        schema = contract["components"]["schemas"][name]
        for key, of in schema["properties"].items():
            plain = of.get("$ref") or [one for one in of.get("anyOf", ()) if "$ref" in one] or of.get("allOf")
            assert plain or of.get("description"), f"{name}.{key}"


def test_every_status_of_a_problem_is_documented_somewhere(contract: Body) -> None:
    documented = {int(s) for path in contract["paths"].values() for m in path.values() if isinstance(m, dict)
                  for s in m.get("responses", {})}  # fmt: skip
    ours = {kind.status for kind in KINDS.values()}
    by_flask_and_gunicorn = {405, 408, 431}
    assert ours - documented == by_flask_and_gunicorn


def test_the_idempotency_key_is_documented(contract: Body) -> None:
    (parameter,) = contract["paths"]["/v1/evaluate"]["post"]["parameters"]
    assert (parameter["in"], parameter["name"]) == ("header", "Idempotency-Key")
    assert "Location" in contract["paths"]["/v1/evaluate"]["post"]["responses"]["201"]["headers"]


def test_the_examples_are_what_they_say(
    contract: Body, client: FlaskClient, service: PolicyService, parsed: Call, conforms: Call
) -> None:
    body = contract["paths"]["/v1/evaluate"]["post"]["requestBody"]["content"]["application/json"]
    assert set(body["examples"]) == {"decision", "preview", "correction"}
    for example in body["examples"].values():
        conforms(example["value"], "EvaluateRequest")
    answer = parsed(client.post("/v1/evaluate", json=body["examples"]["decision"]["value"]))
    shown = contract["paths"]["/v1/evaluate"]["post"]["responses"]["201"]["content"]["application/json"]["example"]
    conforms(shown, "Answer")
    assert answer["receipt"].keys() == shown["receipt"].keys()
    changing = ("decision_id", "decided_at", "bundle", "receipt")
    assert {k: v for k, v in answer.items() if k not in changing} == {
        k: v for k, v in shown.items() if k not in changing
    }
    assert client.post("/v1/evaluate", json=body["examples"]["preview"]["value"]).status_code == 200


def test_the_rules_of_the_examples_are_accepted(own_client: FlaskClient) -> None:
    assert own_client.post("/v1/bundles", json={"files": examples.SOURCES}).status_code == 201


def test_every_link_leads_to_an_operation_and_its_path(contract: Body) -> None:
    operations = {
        one["operationId"]: path
        for path, of in contract["paths"].items()
        for one in of.values()
        if "operationId" in one
    }
    links = [
        link
        for of in contract["paths"].values()
        for one in of.values()
        if "operationId" in one
        for answer in one["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert {link["operationId"] for link in links} >= {"decision", "replay", "proof", "evidence"}
    for link in links:
        assert set(link["parameters"]) == set(re.findall(r"{(\w+)}", operations[link["operationId"]]))


def test_what_refuses_an_unknown_parameter_says_so(contract: Body, client: FlaskClient) -> None:
    for path, of in contract["paths"].items():
        if "get" in of:
            asked = re.sub(r"{\w+}", "x", path) + "?no_parameter=1"
            assert str(client.get(asked).status_code) in of["get"]["responses"], asked


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_the_name_of_a_route_is_no_id_of_a_bundle(client: FlaskClient, method: str) -> None:
    response = client.open("/v1/bundles/rollback", method=method)
    assert response.status_code == (405 if method == "GET" else 200)
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


def test_the_correction_of_the_examples_corrects(client: FlaskClient, parsed: Call) -> None:
    first = parsed(client.post("/v1/evaluate", json=examples.REQUEST))["decision_id"]
    response = client.post("/v1/evaluate", json={**examples.CORRECTION, "supersedes": first})
    assert response.status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"facts": []},
        {"facts": {}, "purpose": "x"},
        {"facts": {}, "merchant_id": "a b"},
        {"facts": {}, "policies": []},
        {"facts": {}, "policies": [5]},
        {"facts": {}, "bundle": "x"},
        {"facts": {}, "options": {"trace": "x"}},
        {"facts": {}, "options": {"x": 1}},
        {"facts": {}, "provenance": {"source": 5}},
        {"facts": {}, "supersedes": "x"},
        {"facts": {}, "reason": "x"},
        {"facts": {}, "x": 1},
        {"facts": {}},
        {"facts": {}, "as_of": "2023-02-29"},
        {"facts": {}, "as_of": "2023-04-01", "reason": "appeal"},
        {"facts": {"merchant": {}}, "as_of": "2023-04-01"},
        {"facts": {"weather": {}}, "as_of": "2023-04-01"},
        {"facts": {"live": {"hours_today": 25}}, "as_of": "2023-04-01"},
    ],
    ids=str,
)
def test_what_the_contract_forbids_is_refused(contract: Body, client: FlaskClient, body: Any) -> None:
    whole = {"$ref": "#/components/schemas/EvaluateRequest", "components": contract["components"]}
    assert not Draft202012Validator(whole).is_valid(body)
    assert client.post("/v1/evaluate", json=body).status_code == 422


def test_the_contract_names_no_place_of_this_machine(client: FlaskClient) -> None:
    text = client.get("/openapi.json").get_data(as_text=True)
    assert not re.search(r"https?://|/home/|/work/|sqlite", text)


def test_it_is_the_same_from_every_start(client: FlaskClient, assembled: Assembled) -> None:
    again = create_app(assembled=assembled).test_client()
    assert again.get("/openapi.json").get_data() == client.get("/openapi.json").get_data()


def test_the_page_loads_only_from_its_own_host(client: FlaskClient) -> None:
    response = client.get("/docs")
    page = response.get_data(as_text=True)
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    assert not re.search(r"https?:|//[a-z]", page)
    assert "<script>" not in page
    for path in LOADED.findall(page):
        assert path.startswith("/")
        with client.get(path) as loaded:
            assert loaded.status_code == 200, path


def test_the_browser_is_told_to_load_nothing_else(client: FlaskClient) -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in client.get("/docs").headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert not any("http" in sources or "*" in sources for sources in policy.values())


def test_the_contract_is_shown_to_no_validator(client: FlaskClient) -> None:
    with client.get("/docs/docs.js") as response:
        script = response.get_data(as_text=True)
    assert "validatorUrl: null" in script
    assert 'url: "/openapi.json"' in script
    assert not re.search(r"https?:", script)


def test_what_a_route_documents_as_its_body_is_what_it_reads(contract: Body, client: FlaskClient) -> None:
    """An unknown key is refused with the keys that are known: those of the documented schema, and no other."""
    checked = []
    for path, operations in contract["paths"].items():
        body = operations.get("post", {}).get("requestBody")
        if body is None:
            continue
        documented = body["content"]["application/json"]["schema"]
        keys = contract["components"]["schemas"][documented.get("items", documented)["$ref"].rpartition("/")[2]]
        sent = {"zzzzzzzz": 1}
        answer = client.post(re.sub(r"\{\w+\}", "x", path), json=[sent] if "items" in documented else sent).get_json()
        problem = answer[0]["problem"] if isinstance(answer, list) else answer
        hint = next(one["hint"] for one in problem["errors"] if one["pointer"] == "/zzzzzzzz")
        assert set(hint.removeprefix("known are ").split(", ")) == set(keys["properties"])
        checked.append(path)
    assert len(checked) == 13


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/bundles", "/v1/activations", "/v1/audit-trail"])
@pytest.mark.parametrize("limit", ["0", "01", "1001", "x", "1.0", "-1", "1" * 30])
def test_a_limit_that_cannot_be_is_refused_alike_everywhere(client: FlaskClient, path: str, limit: str) -> None:
    response = client.get(f"{path}?limit={limit}")
    assert response.status_code == 422
    assert [(one["pointer"], one["code"]) for one in response.get_json()["errors"]] == [("/limit", "A117")]

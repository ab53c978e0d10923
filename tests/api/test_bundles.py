"""Bundles over HTTP, on a small rules folder and a real SQLite file."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.bundles import checking
from policy_service.diagnostics import NOWHERE, Diagnostic
from policy_service.diagnostics.catalogue import PEN_REFUSED
from policy_service.policies.bundle import Bundle
from policy_service.policies.packing import pack
from policy_service.settings import Settings
from tests import bundles as bundles_of

RULES = Path(__file__).parents[1] / "cli" / "rules"
SETTINGS = Settings(rules=RULES, max_bundle=200_000, max_bundle_unpacked=100_000)
UNKNOWN = "sha256:" + "0" * 64
REQUEST = {
    "as_of": "2023-04-01",
    "facts": {
        "merchant": {"id": "m-1", "enrolled_on": "2023-03-01", "type": "enterprise", "frozen": False},
        "live": {"hours": 5, "orders": 120, "peers": 10},
    },
}
Call = Callable[..., Any]
JSON = dict[str, Any]


@pytest.fixture(scope="module")
def shop() -> Bundle:
    return bundles_of.loaded(RULES)


@pytest.fixture(scope="module")
def other(shop: Bundle) -> Bundle:
    return bundles_of.edited(shop, "shop/hours.yaml", ("| 10                  |", "| 11                  |"))


@pytest.fixture
def served(make_service: Callable[[Bundle], Assembled], shop: Bundle) -> Assembled:
    return make_service(shop)


@pytest.fixture
def http(served: Assembled) -> FlaskClient:
    return create_app(SETTINGS, assembled=served).test_client()


@pytest.fixture
def stored(http: FlaskClient, other: Bundle) -> str:
    """Another bundle, stored."""
    assert http.post("/v1/bundles", json={"files": dict(other.sources)}).status_code == 201
    return other.id


@pytest.fixture(scope="module")
def shared(make_service: Callable[[Bundle], Assembled], shop: Bundle) -> FlaskClient:
    """For tests of what is refused: nothing is left of it."""
    return create_app(SETTINGS, assembled=make_service(shop)).test_client()


@pytest.fixture(scope="module")
def shared_stored(shared: FlaskClient, other: Bundle) -> str:
    """Another bundle, stored beside it."""
    assert shared.post("/v1/bundles", json={"files": dict(other.sources)}).status_code == 201
    return other.id


def post_zip(http: FlaskClient, data: bytes) -> Any:
    return http.post("/v1/bundles", data=data, content_type="application/zip")


def pointers(problem: JSON) -> list[str]:
    return [one["pointer"] for one in problem["errors"]]


# ---- upload


def test_a_folder_as_json_is_stored(http: FlaskClient, other: Bundle, parsed: Call, conforms: Call) -> None:
    response = http.post("/v1/bundles", json={"files": dict(other.sources), "label": "april"})
    found = parsed(response)
    assert response.status_code == 201
    conforms(found, "Uploaded")
    assert found == {
        "id": other.id, "label": "april", "new": True, "files": sorted(other.sources), "warnings": [],
    }  # fmt: skip


def test_a_folder_as_zip_is_the_same_bundle(http: FlaskClient, other: Bundle, stored: str, parsed: Call) -> None:
    response = post_zip(http, pack(other.sources))
    assert response.status_code == 200
    assert (parsed(response)["id"], parsed(response)["new"]) == (stored, False)


def test_a_zip_may_hold_the_folder_itself(http: FlaskClient, other: Bundle, parsed: Call) -> None:
    response = post_zip(http, pack({f"rules/{path}": text for path, text in other.sources.items()}))
    assert (response.status_code, parsed(response)["id"]) == (201, other.id)


def test_warnings_are_told(http: FlaskClient, shop: Bundle, parsed: Call, conforms: Call) -> None:
    text = shop.sources["shop/hours.yaml"].replace("optional: [live.peers,", "optional: [live.peers, merchant.type,")
    response = http.post("/v1/bundles", json={"files": {**shop.sources, "shop/hours.yaml": text}})
    found = parsed(response)
    assert response.status_code == 200  # an unused entry is no part of the model
    conforms(found, "Uploaded")
    (warning,) = found["warnings"]
    assert (warning["pointer"], warning["code"]) == ("/files/shop~1hours.yaml", "P118")
    assert warning["message"].startswith("shop/hours.yaml:8:24: warning: ")


def test_every_error_of_every_file_is_told_and_nothing_stored(
    http: FlaskClient, served: Assembled, shop: Bundle, parsed: Call, conforms: Call
) -> None:
    files = {
        **shop.sources,
        "shop/hours.yaml": shop.sources["shop/hours.yaml"].replace("granted > 0", "grantd > 0"),
        "shop/torn.yaml": shop.sources["shop/torn.yaml"].replace("subject: product", "subject: produkt"),
    }
    response = http.post("/v1/bundles", json={"files": files})
    problem = parsed(response)
    assert (response.status_code, problem["type"]) == (422, "/problems/bundle-invalid")
    conforms(problem, "Problem")
    assert {"/files/shop~1hours.yaml", "/files/shop~1torn.yaml"} <= set(pointers(problem))
    (unknown,) = [one for one in problem["errors"] if one["code"] == "L201"]
    assert unknown["message"] == "shop/hours.yaml:35:11: error: `grantd` is not declared"
    assert unknown["hint"] == "did you mean `granted`?"
    assert len(served.publishing.bundles.bundles()) == 1


def test_a_folder_that_lacks_a_file_is_told_as_a_whole(shared: FlaskClient, parsed: Call) -> None:
    problem = parsed(shared.post("/v1/bundles", json={"files": {}}))
    assert pointers(problem) == ["/files", "/files"]
    assert {one["code"] for one in problem["errors"]} == {"P117"}


def test_what_the_engine_cannot_hold_is_refused(
    http: FlaskClient, shop: Bundle, parsed: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: object) -> None:
        raise checking.EngineRefused(Diagnostic(PEN_REFUSED, "error", NOWHERE, "too many values"))

    monkeypatch.setattr("policy_service.decisions.answers.evaluate.Evaluator.try_all", refuse)
    problem = parsed(http.post("/v1/bundles", json={"files": {**shop.sources, "bundle.yaml": "time_zone: UTC\n"
        "stacking:\n  day: {combine: sum, cap: 12, unit: hour}\n"}}))  # fmt: skip
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("/files", "E101")]


def test_the_service_checks_in_a_process_of_its_own(tmp_path: Path, shop: Bundle, parsed: Call) -> None:
    url = f"sqlite:///{tmp_path}/policy.sqlite3"
    for memory, status in ((1024, 201), (1, 422)):
        client = create_app(replace(SETTINGS, database_url=url, check_memory_mb=memory)).test_client()
        response = client.post("/v1/bundles", json={"files": dict(shop.sources)})
        assert response.status_code == status
    problem = parsed(response)
    assert problem["type"] == "/problems/bundle-too-costly"
    assert "1 MiB of memory" in problem["detail"]
    assert "Retry-After" not in response.headers


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/files", "A114"),
        ([], "", "A101"),
        ({"files": []}, "/files", "A101"),
        ({"files": {"a.yaml": 5}}, "/files/a.yaml", "A101"),
        ({"files": {"../a.yaml": 5}}, "/files/..~1a.yaml", "A101"),
        ({"files": {"": None}}, "/files/", "A101"),
        ({"files": {}, "label": "a\nb"}, "/label", "A112"),
        ({"files": {}, "name": "x"}, "/name", "A113"),
    ],
    ids=str,
)
def test_a_body_of_another_form_is_refused(
    shared: FlaskClient, parsed: Call, body: Any, pointer: str, code: str
) -> None:
    response = shared.post("/v1/bundles", json=body)
    assert response.status_code == 422
    assert [(one["pointer"], one["code"]) for one in parsed(response)["errors"]] == [(pointer, code)]


def test_paths_are_judged_in_both_forms(shared: FlaskClient, parsed: Call) -> None:
    files = {"../a.yaml": "x", "b.txt": "y", "c.yaml": ""}
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    for response in (shared.post("/v1/bundles", json={"files": files}), post_zip(shared, out.getvalue())):
        assert response.status_code == 422
        assert pointers(parsed(response)) == ["/files/..~1a.yaml", "/files/b.txt"]


def test_what_is_no_zip_is_refused(shared: FlaskClient, parsed: Call) -> None:
    response = post_zip(shared, b"PK nothing")
    assert (response.status_code, pointers(parsed(response))) == (422, [""])


def test_a_body_beyond_the_limit_is_refused(shared: FlaskClient) -> None:
    assert post_zip(shared, b"0" * 200_001).status_code == 413


def test_a_bundle_that_unpacks_beyond_the_limit_is_refused(shared: FlaskClient, parsed: Call) -> None:
    response = post_zip(shared, pack({"a.yaml": "# " * 60_000}))
    assert response.status_code == 422
    assert "100000 bytes" in parsed(response)["errors"][0]["message"]


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "application/x-zip-compressed"])
def test_other_media_types_are_refused(shared: FlaskClient, kind: str) -> None:
    assert shared.post("/v1/bundles", data=b"x", content_type=kind).status_code == 415


def test_a_worker_checks_one_bundle_at_a_time(
    http: FlaskClient, other: Bundle, parsed: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    checking_now, go_on, inner = Event(), Event(), checking.check

    def slow(*given: Any) -> Any:
        checking_now.set()
        assert go_on.wait(60)
        return inner(*given)

    monkeypatch.setattr(checking, "check", slow)
    statuses: list[int] = []
    body = {"files": dict(other.sources)}
    thread = Thread(
        target=lambda: statuses.append(http.application.test_client().post("/v1/bundles", json=body).status_code)
    )
    thread.start()
    try:
        assert checking_now.wait(60)
        response = http.post("/v1/bundles", json=body)
        assert (response.status_code, parsed(response)["type"]) == (503, "/problems/busy")
        assert response.headers["Retry-After"] == "1"
        assert http.post("/v1/evaluate", json=REQUEST).status_code == 201
    finally:
        go_on.set()
        thread.join()
    assert statuses == [201]


# ---- list and show


def test_bundles_are_listed_in_pages(
    http: FlaskClient, shop: Bundle, stored: str, parsed: Call, conforms: Call
) -> None:
    found = parsed(http.get("/v1/bundles"))
    conforms(found, "BundleList")
    assert {one["id"]: (one["active"], one["published"]) for one in found["bundles"]} == {
        shop.id: (True, True),
        stored: (False, False),
    }
    first = parsed(http.get("/v1/bundles?limit=1"))
    second = parsed(http.get(f"/v1/bundles?limit=1&cursor={first['next']}"))
    assert [*first["bundles"], *second["bundles"]] == found["bundles"]
    assert second["next"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=１", "cursor=x", "page=2", f"cursor={UNKNOWN}"]
)
@pytest.mark.parametrize("path", ["/v1/bundles", "/v1/activations"])
def test_a_page_that_cannot_be_is_refused(shared: FlaskClient, path: str, query: str) -> None:
    assert shared.get(f"{path}?{query}").status_code == 422


def test_a_bundle_is_shown_with_its_files_and_orders(
    http: FlaskClient, shop: Bundle, parsed: Call, conforms: Call
) -> None:
    found = parsed(http.get(f"/v1/bundles/{shop.id}"))
    conforms(found, "Bundle")
    assert [one["path"] for one in found["files"]] == sorted(shop.sources)
    assert all("text" not in one for one in found["files"])
    assert found["files"][0]["bytes"] == len(shop.sources[found["files"][0]["path"]].encode())
    assert [one["kind"] for one in found["activations"]] == ["folder"]
    shown = parsed(http.get(f"/v1/bundles/{shop.id}?sources=true"))
    conforms(shown, "Bundle")
    assert {one["path"]: one["text"] for one in shown["files"]} == dict(shop.sources)


@pytest.mark.parametrize("id_", [UNKNOWN, "x", "sha256:5"])
def test_an_unknown_bundle_is_404(shared: FlaskClient, id_: str) -> None:
    assert shared.get(f"/v1/bundles/{id_}").status_code == 404
    assert shared.post(f"/v1/bundles/{id_}/activate", json={"reason": "x"}).status_code == 404


# ---- activate and roll back


def test_an_activation_is_answered_with_its_order(
    http: FlaskClient, served: Assembled, shop: Bundle, stored: str, parsed: Call, conforms: Call
) -> None:
    assert parsed(http.post("/v1/evaluate", json=REQUEST))["bundle"] == shop.id
    response = http.post(f"/v1/bundles/{stored}/activate", json={"reason": "rules of April", "at": "now"})
    found = parsed(response)
    assert response.status_code == 200
    conforms(found, "Ordered")
    assert (found["bundle"], found["published"], found["replaces"]) == (stored, stored, shop.id)
    assert found["touched"] == {"decisions": 1, "policies": ["shop.hours"]}
    assert found["warnings"][0].startswith("1 decision judged a day")
    assert parsed(http.post("/v1/evaluate", json=REQUEST))["bundle"] == stored
    entry = served.trail.trail()[0]
    assert (entry.actor, entry.action, entry.target) == ("local", "bundle.activate", stored)


def test_an_activation_at_an_instant_is_pending(http: FlaskClient, shop: Bundle, stored: str, parsed: Call) -> None:
    body = {"reason": "x", "at": "2023-04-03T00:00:00+08:00"}
    found = parsed(http.post(f"/v1/bundles/{stored}/activate", json=body))
    assert found["effective_at"] == "2023-04-02T16:00:00.000Z"
    listed = {one["id"]: one for one in parsed(http.get("/v1/bundles"))["bundles"]}
    assert (listed[stored]["active"], listed[stored]["pending"]) == (False, ["2023-04-02T16:00:00.000Z"])
    assert listed[shop.id]["active"]


@pytest.mark.parametrize(
    "at",
    ["2023-04-02T10:59:59+08:00", "2099-01-01T00:00:00Z", "2023-04-03", "tomorrow", "2023-04-03T00:00:00",
     "9999-12-31T23:59:59-23:59", "2023-13-01T00:00:00Z", "２023-04-03T00:00:00Z"],
)  # fmt: skip
def test_an_instant_that_cannot_be_is_refused(shared: FlaskClient, shared_stored: str, parsed: Call, at: str) -> None:
    response = shared.post(f"/v1/bundles/{shared_stored}/activate", json={"reason": "x", "at": at})
    assert (response.status_code, pointers(parsed(response))) == (422, ["/at"])


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "a\nb"}, {"reason": "x" * 501}, {"reason": 5}]
)
@pytest.mark.parametrize("path", [f"/v1/bundles/{UNKNOWN}/activate", "/v1/bundles/rollback"])
def test_a_reason_is_needed(shared: FlaskClient, parsed: Call, path: str, body: JSON) -> None:
    response = shared.post(path, json=body)
    assert (response.status_code, pointers(parsed(response))) == (422, ["/reason"])


def test_a_rollback(http: FlaskClient, shop: Bundle, stored: str, parsed: Call, conforms: Call) -> None:
    response = http.post("/v1/bundles/rollback", json={"reason": "wrong"})
    assert (response.status_code, parsed(response)["type"]) == (409, "/problems/nothing-before")
    http.post(f"/v1/bundles/{stored}/activate", json={"reason": "x"})
    found = parsed(http.post("/v1/bundles/rollback", json={"reason": "wrong"}))
    conforms(found, "Ordered")
    assert (found["published"], found["kind"]) == (shop.id, "rollback")


def test_the_history_is_given_in_pages(http: FlaskClient, stored: str, parsed: Call, conforms: Call) -> None:
    http.post(f"/v1/bundles/{stored}/activate", json={"reason": "x"})
    http.post("/v1/bundles/rollback", json={"reason": "wrong"})
    found = parsed(http.get("/v1/activations"))
    conforms(found, "ActivationList")
    assert [one["kind"] for one in found["activations"]] == ["rollback", "activate", "folder"]
    pages, cursor = [], ""
    while True:
        page = parsed(http.get(f"/v1/activations?limit=1{cursor}"))
        pages += page["activations"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert pages == found["activations"]


def test_without_a_bundle_there_is_nothing_to_roll_back(make_service: Call) -> None:
    http = create_app(replace(SETTINGS), assembled=make_service(None)).test_client()
    assert http.post("/v1/bundles/rollback", json={"reason": "x"}).status_code == 503
    assert http.get("/v1/bundles").get_json() == {"bundles": [], "next": None}

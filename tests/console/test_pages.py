"""GET /decisions/{id}: who may see it, in which language, and what its answer allows a browser to do."""

import base64
import hashlib
import re
from typing import Any

import pytest

from policy_service.access.issuing import Issuing
from policy_service.access.principals import ROLES

UNKNOWN = "01873a5e-8400-7c3e-9f6b-2b1d6c0a4e11"
Body = dict[str, Any]


@pytest.fixture
def path(shared: Any, traffic: Body) -> str:
    return f"/decisions/{shared.decide(traffic)}"


@pytest.mark.parametrize(
    ("accepted", "tongue"),
    [(None, "zh"), ("en", "en"), ("en-GB,en;q=0.9,zh;q=0.8", "en"), ("zh-TW", "zh"), ("de", "zh"), ("*", "zh")],
)
def test_the_language_is_the_readers_and_chinese_without_one(
    shared: Any, path: str, accepted: str | None, tongue: str
) -> None:
    response = shared.client.get(path, headers={} if accepted is None else {"Accept-Language": accepted})
    assert response.headers["Content-Language"] == tongue
    assert "Accept-Language" in response.headers["Vary"]
    assert ("判定案卷" in response.get_data(as_text=True)) == (tongue == "zh")


def test_the_query_comes_before_what_the_browser_prefers(shared: Any, path: str) -> None:
    response = shared.client.get(f"{path}?lang=en", headers={"Accept-Language": "zh"})
    assert response.headers["Content-Language"] == "en"


@pytest.mark.parametrize("query", ["lang=fr", "lang=", "lang=zh&lang=en", "land=zh", "lang=zh&x=1"])
def test_any_other_query_is_refused(shared: Any, path: str, query: str) -> None:
    response = shared.client.get(f"{path}?{query}")
    assert (response.status_code, response.get_json()["type"]) == (422, "/problems/invalid-request")


@pytest.mark.parametrize("id_", [UNKNOWN, "x", "%00", "%ff", "a" * 300, UNKNOWN.upper(), "-" * 36, "%3Cscript%3E"])
def test_a_decision_that_does_not_exist_is_not_found(shared: Any, id_: str) -> None:
    response = shared.client.get(f"/decisions/{id_}")
    assert (response.status_code, response.content_type) == (404, "application/problem+json")


def test_exactly_readers_and_auditors_may_see_it(own: Any, traffic: Body) -> None:
    id_ = own.decide(traffic)
    issuing = Issuing(own.assembled.keys, now=own.assembled.service.now)
    keys = {role: issuing.create(role, [role], actor="test").text for role in ROLES}
    statuses = {}
    for role, key in keys.items():
        response = own.client.get(f"/decisions/{id_}", headers={"Authorization": f"Bearer {key}"})
        statuses[role] = response.status_code
    assert {role for role, status in statuses.items() if status == 200} == {"read", "audit"}
    assert {status for role, status in statuses.items() if role not in ("read", "audit")} == {403}


def test_a_browser_may_use_the_style_of_the_page_and_nothing_else(shared: Any, path: str) -> None:
    response = shared.client.get(path)
    html = response.get_data(as_text=True)
    style = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "frame-ancestors 'none'" in policy
    assert f"style-src &#39;sha256-{digest}&#39;" in html
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"url\(|@import|expression\(", style[0])

"""Every way in which a request can be bad: refused with each offending place, nothing logged, the service unharmed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.api import examples
from policy_service.decisions.deciding.service import PolicyService

Body = dict[str, Any]
Call = Callable[..., Any]

DECISION = "01873a5e-8400-7c3e-9f6b-2b1d6c0a4e11"
BUNDLE = "sha256:" + "0" * 64


@pytest.fixture
def refused(client: FlaskClient, service: PolicyService, parsed: Any, conforms: Any) -> Any:
    """Posts what must be refused; gives the status, and code by pointer."""

    def post(body: bytes | str | Any, **more: Any) -> tuple[int, list[tuple[str, str]]]:
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        before = service.decisions.count()
        more = {"content_type": "application/json"} | more
        response = client.post("/v1/evaluate", data=data, **more)
        problem = parsed(response)
        conforms(problem, "Problem")
        assert response.content_type == "application/problem+json"
        assert service.decisions.count() == before, "a refused request was logged"
        assert client.post("/v1/evaluate", json=examples.REQUEST).status_code == 201, "the service is harmed"
        return response.status_code, [(error["pointer"], error["code"]) for error in problem["errors"]]

    return post


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"nul",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"[1,]",
        b'{"a": 01}',
        b'{"a": 1.}',
        b'{"a": .5}',
        b'{"a": +1}',
        b'{"a": 0x10}',
        b'{"a": 1} {}',
        b'{"a": "\n"}',
        b'{"a": "\\x"}',
        b'{"a": "\\u12"}',
        b"// no\n{}",
        b'\xef\xbb\xbf{"as_of": "2023-04-01"}',
        b'{"as_of": "\xff"}',
        b'{"as_of": "\xc0\xaf"}',
        b'{"as_of": "\xed\xa0\x80"}',
        '{"as_of": "2023-04-01"}'.encode("utf-16"),
        '{"as_of": "2023-04-01"}'.encode("utf-32-le"),
        b"\x00",
        b'{"facts":' + b"[" * 20,
    ],
    ids=repr,
)
def test_what_is_not_json_in_utf_8_is_malformed(refused: Call, text: bytes) -> None:
    assert refused(text) == (400, [("", "A120")])


def test_a_key_that_stands_twice_is_named_wherever_it_does(refused: Call) -> None:
    text = '{"as_of": "a", "facts": {"live": {"a/b~": 1, "a/b~": {"x": 1, "x": 2}}, "live": {}}, "as_of": "b"}'
    status, errors = refused(text)
    assert status == 400
    assert sorted(errors) == [
        ("/as_of", "A119"),
        ("/facts/live", "A119"),
        ("/facts/live/a~1b~0", "A119"),
        ("/facts/live/a~1b~0/x", "A119"),
    ]


def test_numbers_that_json_does_not_have_are_named(refused: Call) -> None:
    text = '{"facts": {"live": {"hours_today": NaN, "x": [Infinity, -Infinity]}}}'
    assert refused(text) == (
        400,
        [("/facts/live/hours_today", "A120"), ("/facts/live/x/0", "A120"), ("/facts/live/x/1", "A120")],
    )


def test_a_body_nested_too_deeply_is_named_where_it_passes_the_limit(refused: Call) -> None:
    within = '{"facts": {"x": ' + "[" * 14 + "]" * 14 + "}}"
    beyond = '{"facts": {"x": ' + "[" * 15 + "]" * 15 + ', "y": {"z":' + "[" * 15 + "]" * 15 + "}}}"
    assert refused(within)[0] == 422
    assert refused(beyond) == (
        400,
        [("/facts/x" + "/0" * 14, "A121"), ("/facts/y/z" + "/0" * 13, "A121")],
    )


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_body_nested_a_hundred_thousand_deep_is_refused(refused: Call, opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    status, errors = refused(opening * 100_000 + "1" + closing * 100_000)
    assert (status, errors[0][1]) == (400, "A121")


def test_a_body_over_the_limit_is_too_large(refused: Call, request_body: Body) -> None:
    text = json.dumps(request_body)
    padded = text + " " * (1_048_576 - len(text))
    assert refused(padded + " ") == (413, [("", "A123")])
    assert refused('{"facts": "' + "x" * 2_000_000 + '"}') == (413, [("", "A123")])


def test_a_body_of_exactly_the_limit_is_read(client: FlaskClient, request_body: Body) -> None:
    text = json.dumps(request_body)
    padded = text + " " * (1_048_576 - len(text))
    response = client.post("/v1/evaluate", data=padded, content_type="application/json")
    assert response.status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": None},
        {"content_type": ""},
        {"content_type": "text/plain"},
        {"content_type": "text/json"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_type": "application/json; charset=latin-1"},
        {"content_type": "application/json; charset=utf-16"},
        {"content_type": "application/problem+json"},
        {"headers": {"Content-Encoding": "gzip"}},
    ],
    ids=str,
)
def test_another_media_type_is_not_read(refused: Call, request_body: Body, headers: Any) -> None:
    assert refused(request_body, **headers) == (415, [])


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"]
)
def test_json_in_utf_8_may_be_named_in_full(client: FlaskClient, request_body: Body, kind: str) -> None:
    response = client.post("/v1/evaluate", data=json.dumps(request_body), content_type=kind)
    assert response.status_code == 201


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/json;q=0", "application/problem+json"])
def test_a_caller_that_does_not_take_json_is_told_so(refused: Call, request_body: Body, accept: str) -> None:
    assert refused(request_body, headers={"Accept": accept}) == (406, [])


@pytest.mark.parametrize("accept", ["*/*", "application/*", "application/json", "text/html, */*;q=0.1"])
def test_a_caller_that_takes_json_gets_it(client: FlaskClient, request_body: Body, accept: str) -> None:
    assert client.post("/v1/evaluate", json=request_body, headers={"Accept": accept}).status_code == 201


@pytest.mark.parametrize("body", ["[]", "1", '"x"', "null", "true", "1e5"])
def test_a_body_that_is_no_object_is_invalid(refused: Call, body: Any) -> None:
    assert refused(body) == (422, [("", "A101")])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ('"5"', "A101"),
        ("true", "A101"),
        ("{}", "A101"),
        ("[5]", "A101"),
        ("5.001", "A102"),
        ("5e-3", "A102"),
        ("1e-999999999", "A102"),
        ("-1e-999999999", "A102"),
        ("1e-99999999999999999999", "A102"),
        ("0." + "0" * 60 + "1", "A102"),
        ("-0.01", "A103"),
        ("24.01", "A103"),
        ("25", "A103"),
        ("1e3", "A103"),
        ("1e999999999", "A103"),
        ("-1e999999999", "A103"),
        ("1e99999999999999999999", "A103"),
        ("9" * 4000, "A103"),
        ("9" * 5000, "A103"),
        ("9" * 100_000, "A103"),
        ("5." + "1" * 100_000, "A102"),
    ],
    ids=lambda value: value[:24],
)
def test_a_number_that_does_not_fit_is_refused_and_never_rounded(
    refused: Call, request_body: Body, value: str, code: str
) -> None:
    assert refused(_with(request_body, "hours_today", value)) == (422, [("/facts/live/hours_today", code)])


@pytest.mark.parametrize(
    "value",
    [
        "5",
        "5.0",
        "5.00",
        "5.000",
        "0.5e1",
        "500e-2",
        "5." + "0" * 60,
        "5e0",
        "-0",
        "-0.0",
        "0e999999999",
        "0e-99999999999999999999",
    ],
)
def test_a_number_is_judged_by_its_value(client: FlaskClient, request_body: Body, value: str) -> None:
    text = _with(request_body, "hours_today", value)
    assert client.post("/v1/evaluate", data=text, content_type="application/json").status_code == 201


@pytest.mark.parametrize(
    ("section", "facts", "errors"),
    [
        ("merchant", {"id": "m 1"}, [("/facts/merchant/id", "A108")]),
        ("merchant", {"id": ""}, [("/facts/merchant/id", "A108")]),
        ("merchant", {"id": "x" * 65}, [("/facts/merchant/id", "A108")]),
        ("merchant", {"id": 7}, [("/facts/merchant/id", "A101")]),
        ("merchant", {"id": None}, [("/facts/merchant/id", "A109")]),
        ("merchant", {}, [("/facts/merchant/id", "A109")]),
        ("merchant", {"id": "m-1", "live_frozen": "yes"}, [("/facts/merchant/live_frozen", "A101")]),
        ("merchant", {"id": "m-1", "live_frozen": 1}, [("/facts/merchant/live_frozen", "A101")]),
        ("merchant", {"id": "m-1", "store_type": "ENTERPRISE"}, [("/facts/merchant/store_type", "A107")]),
        ("merchant", {"id": "m-1", "category": "x" * 65}, [("/facts/merchant/category", "A112")]),
        ("merchant", {"id": "m-1", "category": "a\u0000b"}, [("/facts/merchant/category", "A112")]),
        ("merchant", {"id": "m-1", "opened_on": "2023-02-30"}, [("/facts/merchant/opened_on", "A105")]),
        ("merchant", {"id": "m-1", "opened_on": "2023/02/01"}, [("/facts/merchant/opened_on", "A105")]),
        ("merchant", {"id": "m-1", "opened_on": "20230201"}, [("/facts/merchant/opened_on", "A105")]),
        ("merchant", {"id": "m-1", "opened_on": "٢٠٢٣-02-01"}, [("/facts/merchant/opened_on", "A105")]),
        ("merchant", {"id": "m-1", "opened_on": 20230201}, [("/facts/merchant/opened_on", "A101")]),
        ("merchant", {"id": "m-1", "opened_on": "1899-12-31"}, [("/facts/merchant/opened_on", "A103")]),
        ("merchant", {"id": "m-1", "opened_on": "2023-04-02"}, [("/facts/merchant/opened_on", "A106")]),
        ("merchant", [], [("/facts/merchant", "A101")]),
        ("live", {"hours_tody": 5}, [("/facts/live/hours_tody", "A104")]),
        ("lives", {"hours_today": 5}, [("/facts/lives", "A104")]),
        ("products", {}, [("/facts/products", "A101")]),
        ("products", ["p-1"], [("/facts/products/0", "A101")]),
        ("products", [{}], [("/facts/products/0/id", "A109")]),
        (
            "products",
            [{"id": "p-1"}, {"id": "p-2"}, {"id": "p-1"}, {"id": "p-2"}],
            [("/facts/products/2/id", "A110"), ("/facts/products/3/id", "A110")],
        ),
        ("products", [{"id": f"p-{i}"} for i in range(1001)], [("/facts/products", "A118")]),
    ],
    ids=str,
)
def test_facts_that_do_not_fit_their_declaration_are_named(
    refused: Call, request_body: Body, section: str, facts: Any, errors: list[tuple[str, str]]
) -> None:
    request_body["facts"][section] = facts
    assert refused(request_body) == (422, errors)


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"as_of": None}, [("/as_of", "A114")]),
        ({"as_of": 20230401}, [("/as_of", "A101")]),
        ({"as_of": ""}, [("/as_of", "A105")]),
        ({"as_of": "2023-4-1"}, [("/as_of", "A105")]),
        ({"as_of": "2023-02-29"}, [("/as_of", "A105")]),
        ({"as_of": "2023-04-01T08:00:00"}, [("/as_of", "A105")]),
        ({"as_of": "2023-04-01T25:00:00Z"}, [("/as_of", "A105")]),
        ({"as_of": "0001-01-01T00:00:00+23:59"}, [("/as_of", "A105")]),
        ({"as_of": "9999-12-31T23:59:59-23:59"}, [("/as_of", "A105")]),
        ({"as_of": "2023-W13-6"}, [("/as_of", "A105")]),
        ({"as_of": "2023-W13-6T00:00:00Z"}, [("/as_of", "A105")]),
        ({"as_of": "2023-091"}, [("/as_of", "A105")]),
        ({"as_of": "20230401T000000Z"}, [("/as_of", "A105")]),
        ({"as_of": "2023-04-01 00:00:00Z"}, [("/as_of", "A105")]),
        ({"as_of": "2023-04-01T00:00:00+0800"}, [("/as_of", "A105")]),
        ({"as_of": "1899-12-31"}, [("/as_of", "A103")]),
        ({"as_of": "2200-01-01"}, [("/as_of", "A103")]),
        ({"facts": None}, [("/facts", "A101")]),
        ({"facts": []}, [("/facts", "A101")]),
        ({"facts": "x"}, [("/facts", "A101")]),
        ({"purpose": "decides"}, [("/purpose", "A117")]),
        ({"purpose": True}, [("/purpose", "A101")]),
        ({"merchant_id": "a b"}, [("/merchant_id", "A108")]),
        ({"merchant_id": "m-1\n"}, [("/merchant_id", "A108")]),
        ({"merchant_id": 5}, [("/merchant_id", "A101")]),
        ({"merchant_id": "m-2"}, [("/facts/merchant/id", "A111")]),
        ({"policies": []}, [("/policies", "A117")]),
        ({"policies": "chuanliu.*"}, [("/policies", "A101")]),
        ({"policies": ["chuanliu.*", "nothing.*", "", 5, None]}, [
            ("/policies/1", "A115"), ("/policies/2", "A112"), ("/policies/3", "A101"), ("/policies/4", "A101"),
        ]),
        ({"policies": ["chuanliu.*"] * 101}, [("/policies", "A118")]),
        ({"bundle": "sha256:abc"}, [("/bundle", "A116")]),
        ({"bundle": "active"}, [("/bundle", "A116")]),
        ({"bundle": BUNDLE}, [("/bundle", "A116")]),
        ({"options": []}, [("/options", "A101")]),
        ({"options": {"trace": "all"}}, [("/options/trace", "A117")]),
        ({"options": {"trace": 1}}, [("/options/trace", "A101")]),
        ({"options": {"reach": True}}, [("/options/reach", "A117")]),
        ({"options": {"reach": "false"}}, [("/options/reach", "A101")]),
        ({"options": {"unknown_facts": "ignore"}}, [("/options/unknown_facts", "A117")]),
        ({"options": {"traces": "full"}}, [("/options/traces", "A113")]),
        ({"provenance": "warehouse"}, [("/provenance", "A101")]),
        ({"provenance": {"source": 1, "sorce": "x"}}, [("/provenance/sorce", "A113"), ("/provenance/source", "A101")]),
        ({"provenance": {"source": "仓" * 700}}, [("/provenance", "A112")]),
        ({"supersedes": DECISION}, [("/reason", "A114"), ("/supersedes", "A122")]),
        ({"supersedes": DECISION, "reason": "appeal"}, [("/supersedes", "A122")]),
        ({"supersedes": "x' or 1=1", "reason": "appeal"}, [("/supersedes", "A122")]),
        ({"supersedes": 5, "reason": "whim"}, [("/reason", "A117"), ("/supersedes", "A101")]),
        ({"reason": "appeal"}, [("/reason", "A117")]),
        ({"purpose": "preview", "supersedes": DECISION, "reason": "appeal"}, [("/supersedes", "A117")]),
        ({"fact": {}}, [("/fact", "A113")]),
        ({"idempotency_key": "x"}, [("/idempotency_key", "A113")]),
        ({"a/b~c": 1}, [("/a~1b~0c", "A113")]),
    ],
    ids=str,
)  # fmt: skip
def test_an_envelope_that_breaks_its_contract_is_named(
    refused: Call, request_body: Body, change: Body, errors: list[tuple[str, str]]
) -> None:
    assert refused(request_body | change) == (422, errors)


def test_all_faults_of_envelope_and_facts_are_told_at_once(refused: Call, request_body: Body) -> None:
    request_body |= {"puropse": "decide", "bundle": "x", "policies": ["nothing"], "options": {"trace": "all"}}
    request_body["facts"]["live"]["hours_today"] = "5"
    request_body["facts"]["weather"] = {}
    request_body["facts"]["products"] = [{"id": "p-1"}, {"id": "p-1", "public_price": 1.234}]
    assert refused(request_body) == (
        422,
        [
            ("/bundle", "A116"),
            ("/facts/live/hours_today", "A101"),
            ("/facts/products/1/id", "A110"),
            ("/facts/products/1/public_price", "A102"),
            ("/facts/weather", "A104"),
            ("/options/trace", "A117"),
            ("/policies/0", "A115"),
            ("/puropse", "A113"),
        ],
    )


def test_a_fault_is_not_told_a_second_time_as_its_consequence(refused: Call, request_body: Body) -> None:
    request_body |= {"merchant_id": "a b", "purpose": "previw", "as_of": None}
    del request_body["facts"]["merchant"]["id"]
    assert refused(request_body) == (422, [("/merchant_id", "A108"), ("/purpose", "A117")])


def test_a_name_that_is_nearly_right_gets_a_hint(client: FlaskClient, request_body: Body, parsed: Call) -> None:
    request_body["facts"]["live"]["hours_tody"] = 5
    request_body["optoins"] = {}
    errors = parsed(client.post("/v1/evaluate", json=request_body))["errors"]
    assert [error["hint"] for error in errors] == ["did you mean `hours_today`?", "did you mean `options`?"]


@pytest.mark.parametrize(
    ("text", "pointers"),
    [
        ('{"as_of": "\\ud800", "facts": {}}', ["/as_of"]),
        ('{"as_of": "2023-04-01", "facts": {}, "\\udfff": 1}', ["/\\udfff"]),
        ('{"as_of": "2023-04-01", "facts": {"\\ud800": {"x": 1}}}', ["/facts/\\ud800"]),
        ('{"as_of": "2023-04-01", "facts": {"live": {"a\\ud800": 1}}}', ["/facts/live/a\\ud800"]),
        (
            '{"as_of": "2023-04-01", "facts": {"merchant": {"id": "m", "store_type": "\\ud800"}}}',
            ["/facts/merchant/store_type"],
        ),
        ('{"as_of": "2023-04-01", "facts": {}, "provenance": {"source": "\\ud83d"}}', ["/provenance/source"]),
        ('{"as_of": "2023-04-01", "facts": {}, "policies": ["\\ud83d*"]}', ["/policies/0"]),
        ('{"as_of": "2023-04-01", "facts": {}, "supersedes": "\\ud83d", "reason": "appeal"}', ["/supersedes"]),
        (
            '{"as_of": "2023-04-01", "options": {"unknown_facts": "report"}, "facts": {"x\\ud800": ["\\udc00"]}}',
            ["/facts/x\\ud800", "/facts/x\\ud800/0"],
        ),
    ],
)
def test_half_of_a_character_is_refused_wherever_it_stands(refused: Call, text: str, pointers: list[str]) -> None:
    for headers in ({}, {"Idempotency-Key": "halves"}):
        status, errors = refused(text, headers=headers)
        assert status == 422
        assert sorted({pointer for pointer, _ in errors}) == pointers


def test_a_whole_character_beyond_the_first_plane_is_a_text(client: FlaskClient, request_body: Body) -> None:
    request_body["facts"]["merchant"]["category"] = "😀"
    text = json.dumps(request_body)
    assert "\\ud83d" in text
    assert client.post("/v1/evaluate", data=text, content_type="application/json").status_code == 201


def test_a_body_of_a_hundred_thousand_faults_is_answered_with_the_first_thousand(
    client: FlaskClient, parsed: Call, conforms: Call
) -> None:
    facts = {f"fact_{i}": 1 for i in range(60_000)}
    response = client.post("/v1/evaluate", json={"as_of": "2023-04-01", "facts": {"live": facts}})
    problem = parsed(response)
    conforms(problem, "Problem")
    assert response.status_code == 422
    assert len(problem["errors"]) == 1000
    assert problem["detail"].startswith("60000 faults")


def test_long_keys_above_many_faults_do_not_make_a_long_answer(client: FlaskClient) -> None:
    inner = ",".join(["NaN"] * 100_000)
    text = '{"' + "k" * 200_000 + '": [' + inner + "]}"
    response = client.post("/v1/evaluate", data=text, content_type="application/json")
    assert response.status_code == 400
    assert len(response.get_data()) < 3_000_000


@pytest.mark.parametrize("key", ["", " ", "a b", "ключ", "x" * 256, "a\tb"])
def test_a_bad_idempotency_key_is_refused_with_the_other_faults(refused: Call, request_body: Body, key: str) -> None:
    request_body["facts"]["live"]["hours_today"] = "5"
    found = refused(request_body, headers={"Idempotency-Key": key.encode().decode("latin-1")})
    assert found == (422, [("", "A124"), ("/facts/live/hours_today", "A101")])


def _with(body: dict[str, Any], fact: str, number: str) -> str:
    """The body with a number that stands as it is written."""
    body["facts"]["live"][fact] = "HERE"
    return json.dumps(body).replace('"HERE"', number)

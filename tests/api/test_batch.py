"""POST /v1/evaluate/batch: every item is judged as if it came alone, by one bundle, and committed by the chunk."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.api import examples
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.ports.records import DecisionStore, NewRecord, StoreUnavailable
from policy_service.policies.bundle import Bundle
from policy_service.settings import Settings

Body = dict[str, Any]
Call = Callable[..., Any]
PATH = "/v1/evaluate/batch"
NDJSON = "application/x-ndjson"
SMALL = Settings(max_items=250, max_body=4096, max_batch_body=400_000, max_depth=8)


def lines(items: list[Any]) -> bytes:
    return b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in items)


def read(data: bytes) -> list[Body]:
    return [json.loads(line, parse_float=Decimal) for line in data.splitlines()]


def post(client: FlaskClient, items: list[Any], **headers: str) -> list[Body]:
    response = client.post(PATH, data=lines(items), content_type=NDJSON, headers=headers, buffered=True)
    assert (response.status_code, response.content_type) == (200, NDJSON)
    return read(response.get_data())


def keyed(body: Body, key: str, **more: Any) -> Body:
    return {**deepcopy(body), **more, "idempotency_key": key}


@pytest.fixture
def small(own: Assembled) -> FlaskClient:
    return create_app(SMALL, assembled=own).test_client()


# ---- items


def test_each_bad_item_has_its_own_problem_and_the_others_are_answered_in_order(
    own: Assembled, small: FlaskClient, request_body: Body, conforms: Call
) -> None:
    faulty = deepcopy(request_body)
    faulty["facts"]["live"]["hours_today"] = "5"
    items = [
        request_body,
        b'{"facts": \n',
        faulty,
        {**request_body, "purpose": "preview"},
        b'{"facts": {}, "facts": {}}\n',
        keyed(request_body, "a"),
        keyed(request_body, "a", merchant_id="m-1"),
        {**request_body, "bundle": "sha256:" + "0" * 64},
        b'{"x": "' + b"x" * 4100 + b'"}\n',
        b"[" * 9 + b"]" * 9 + b"\n",
        b"\xff\n",
        b"[]\n",
        {**request_body, "idempotency_key": "a b"},
        {},
        request_body,
    ]
    answered = post(small, items)
    assert [one["index"] for one in answered] == list(range(len(items)))
    assert [one["status"] for one in answered] == [
        201, 400, 422, 200, 400, 201, 409, 422, 413, 400, 400, 422, 422, 422, 201
    ]  # fmt: skip
    for one in answered:
        conforms(one, "BatchAnswer")
        assert ("decision" in one) == (one["status"] < 300) != ("problem" in one)
        assert one.get("problem", one)["status"] == one["status"]
    assert answered[2]["problem"]["errors"][0]["pointer"] == "/facts/live/hours_today"
    assert answered[12]["problem"]["errors"][0]["pointer"] == "/idempotency_key"
    assert answered[6]["problem"]["type"] == "/problems/idempotency-conflict"
    assert own.service.decisions.count() == 3
    for one in answered:
        if one["status"] == 201:
            assert (
                own.service.decision(one["decision"]["decision_id"])["answer"]["rewards"] == one["decision"]["rewards"]
            )


def test_an_item_is_refused_with_the_problem_that_it_alone_would_get(small: FlaskClient, request_body: Body) -> None:
    bad = [{}, {**request_body, "as_of": "x", "options": {"trace": "y"}, "z": 1}, [], "x", None]
    for item, one in zip(bad, post(small, bad), strict=True):
        alone = small.post("/v1/evaluate", data=json.dumps(item), content_type="application/json")
        problem = json.loads(alone.get_data())
        for fault in problem["errors"]:
            if fault.get("hint", "").startswith("known are "):
                fault["hint"] += ", idempotency_key"
        assert one["problem"] == problem


def test_a_preview_is_the_same_bytes_as_alone(own_client: FlaskClient, request_body: Body) -> None:
    preview = {**request_body, "purpose": "preview"}
    alone = own_client.post("/v1/evaluate", json=preview).get_data()
    batch = own_client.post(PATH, data=lines([preview]), content_type=NDJSON, buffered=True).get_data()
    assert batch == b'{"decision":' + alone + b',"index":0,"status":200}\n'


def test_a_key_gives_the_first_answer_in_the_batch_in_the_next_one_and_alone(
    own_client: FlaskClient, request_body: Body
) -> None:
    answered = post(own_client, [keyed(request_body, "k"), keyed(request_body, "k"), keyed(request_body, "l")])
    assert [one.get("replayed") for one in answered] == [None, True, None]
    assert answered[0]["decision"] == answered[1]["decision"] != answered[2]["decision"]
    (again,) = post(own_client, [keyed(request_body, "k")])
    assert (again["replayed"], again["decision"]) == (True, answered[0]["decision"])
    alone = own_client.post("/v1/evaluate", json=request_body, headers={"Idempotency-Key": "k"})
    assert alone.headers["Idempotent-Replayed"] == "true"
    assert json.loads(alone.get_data(), parse_float=Decimal) == answered[0]["decision"]


# ---- forms


@pytest.mark.parametrize("posted", ["application/json", NDJSON])
@pytest.mark.parametrize("wanted", ["application/json", NDJSON, None])
def test_it_answers_in_the_form_that_is_asked_for_else_in_the_one_posted(
    client: FlaskClient, request_body: Body, posted: str, wanted: str | None
) -> None:
    items = [request_body, {}, request_body]
    data = lines(items) if posted == NDJSON else json.dumps(items).encode()
    headers = {"Accept": wanted} if wanted else {}
    response = client.post(PATH, data=data, content_type=posted, headers=headers, buffered=True)
    assert response.content_type == (wanted or posted)
    found = read(response.get_data()) if response.content_type == NDJSON else json.loads(response.get_data())
    assert [one["status"] for one in found] == [201, 422, 201]


def test_what_is_neither_form_is_refused(client: FlaskClient) -> None:
    assert client.post(PATH, data="[]", content_type="text/plain").status_code == 415
    assert client.post(PATH, json=[], headers={"Accept": "text/html"}).status_code == 406
    assert client.post("/v1/evaluate", json={}, headers={"Accept": NDJSON}).status_code == 406


@pytest.mark.parametrize(
    "text", ["{}", "", "[", "[1", "[1,]", "[1 2]", "[] x", "[]]", "nonsense", "[" * 5000, b'["\xff"]', "[,]"]
)
def test_a_body_that_is_no_array_decides_nothing(assembled: Assembled, client: FlaskClient, text: str | bytes) -> None:
    before = assembled.service.decisions.count()
    body = text if isinstance(text, bytes) else text.encode()
    whole = json.dumps([examples.REQUEST]).encode()[:-1] + b"," + body[1:] if body.startswith(b"[,") else body
    response = client.post(PATH, data=whole, content_type="application/json", buffered=True)
    assert response.status_code == 400
    assert json.loads(response.get_data())["type"] == "/problems/malformed-json"
    assert assembled.service.decisions.count() == before


@pytest.mark.parametrize(("data", "form", "answer"), [
    (b" [ ] ", "application/json", b"[]"), (b"", NDJSON, b""), (b"\n \r\n\n", NDJSON, b""),
])  # fmt: skip
def test_an_empty_batch_has_no_answers(client: FlaskClient, data: bytes, form: str, answer: bytes) -> None:
    response = client.post(PATH, data=data, content_type=form, buffered=True)
    assert (response.status_code, response.get_data()) == (200, answer)


def test_lines_may_end_as_they_like_and_the_last_need_not_end(client: FlaskClient, request_body: Body) -> None:
    line = json.dumps(request_body).encode()
    answered = post(client, [b"\n", line + b"\r\n", b"  \n", line + b"\n", line])
    assert [(one["index"], one["status"]) for one in answered] == [(0, 201), (1, 201), (2, 201)]


# ---- limits


def test_an_array_with_one_item_too_many_decides_nothing(
    own: Assembled, small: FlaskClient, request_body: Body
) -> None:
    response = small.post(PATH, json=[{}] * 251, buffered=True)
    assert response.status_code == 413
    assert response.get_json()["type"] == "/problems/too-many-items"
    assert len(small.post(PATH, json=[{}] * 250, buffered=True).get_json()) == 250


def test_lines_that_go_on_beyond_the_limit_end_with_the_place_of_the_first_that_was_not_judged(
    own: Assembled, small: FlaskClient, request_body: Body
) -> None:
    answered = post(small, [request_body] + [{}] * 250)
    assert [one["status"] for one in answered] == [201] + [422] * 249 + [413]
    assert answered[-1]["index"] == 250
    assert answered[-1]["problem"]["type"] == "/problems/too-many-items"
    assert len(post(small, [{}] * 250 + [b"\n\n"])) == 250


def test_a_body_larger_than_allowed_is_refused_before_anything_is_decided(own: Assembled, small: FlaskClient) -> None:
    for form in ("application/json", NDJSON):
        response = small.post(PATH, data=b" " * 400_001, content_type=form, buffered=True)
        assert (response.status_code, response.get_json()["type"]) == (413, "/problems/body-too-large")


def test_a_body_that_breaks_off_decides_nothing(own: Assembled, small: FlaskClient, request_body: Body) -> None:
    data = lines([request_body])
    for form in ("application/json", NDJSON):
        response = small.post(
            PATH, data=data, content_type=form, environ_overrides={"CONTENT_LENGTH": str(len(data) + 1)}, buffered=True
        )
        assert response.status_code == 400
    assert own.service.decisions.count() == 0


def test_no_more_batches_than_allowed_are_under_way(own: Assembled, request_body: Body) -> None:
    client = create_app(Settings(max_batches=1), assembled=own).test_client()
    data = lines([request_body])
    under_way = client.post(PATH, data=data, content_type=NDJSON)
    refused = client.post(PATH, data=data, content_type=NDJSON)
    assert (refused.status_code, refused.get_json()["type"]) == (503, "/problems/overloaded")
    assert refused.headers["Retry-After"] == "1"
    under_way.close()  # its reader has gone
    for _ in range(3):  # a refusal and an end give the place back
        assert client.post(PATH, data=b"{", content_type="application/json", buffered=True).status_code == 400
        assert client.post(PATH, data=data, content_type=NDJSON, buffered=True).status_code == 200


# ---- the store, and the bundle


class Failing:
    """A store whose appends fail from the n-th on."""

    def __init__(self, real: DecisionStore, good: int) -> None:
        self._real, self._good = real, good

    def append_all(self, entries: list[NewRecord]) -> Any:
        self._good -= 1
        if self._good < 0:
            raise StoreUnavailable("the disk is full of secrets")
        return self._real.append_all(entries)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def test_when_the_store_fails_what_follows_can_be_sent_again_and_nothing_is_lost(
    own: Assembled, own_client: FlaskClient, request_body: Body
) -> None:
    real = own.service.decisions
    own.service.decisions = Failing(real, 1)
    items = [keyed(request_body, f"k{n}") for n in range(250)]
    answered = post(own_client, items)
    assert [one["status"] for one in answered] == [201] * 100 + [503] * 150
    assert {one["problem"]["type"] for one in answered[100:]} == {"/problems/store-unavailable"}
    assert "secrets" not in json.dumps(answered[100:])
    assert real.count() == 100
    own.service.decisions = real
    again = post(own_client, items)
    assert [one["status"] for one in again] == [201] * 250
    assert [one["decision"] for one in again[:100]] == [one["decision"] for one in answered[:100]]
    assert real.count() == 250


def test_a_fault_of_ours_in_one_item_touches_no_other(
    own: Assembled, own_client: FlaskClient, request_body: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = own.service._evaluated

    def fail(request: Any, *more: Any) -> Any:
        if request.merchant_id == "m-bad":
            raise RuntimeError("secret")
        return evaluated(request, *more)

    monkeypatch.setattr(own.service, "_evaluated", fail)
    answered = post(own_client, [request_body, {**request_body, "merchant_id": "m-bad"}, request_body])
    assert [one["status"] for one in answered] == [201, 500, 201]
    assert answered[1]["problem"]["instance"].startswith("urn:uuid:")
    assert "secret" not in json.dumps(answered[1])
    assert own.service.decisions.count() == 2


class Slow:
    """A body that is read line by line, and does something between lines."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def piece(self) -> bytes:
        return next(self._pieces, b"")

    def ready(self, seconds: float) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("a body in chunks is taken as it comes")


def stream(client: FlaskClient, pieces: Iterator[bytes]) -> Iterator[Body]:
    response = client.post(
        PATH,
        content_type=NDJSON,
        environ_overrides={"wsgi.input": Slow(pieces), "wsgi.input_terminated": True},
        headers={"Transfer-Encoding": "chunked"},
    )
    for chunk in response.iter_encoded():
        yield from read(chunk)
    response.close()


def test_a_line_is_answered_before_the_next_is_sent(
    own: Assembled, own_client: FlaskClient, request_body: Body
) -> None:
    sent: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            sent.append(number)
            line = lines([request_body])
            yield line[:40]
            yield line[40:]

    for one in stream(own_client, pieces()):
        assert len(sent) == one["index"] + 1
        assert own.service.decisions.count() == one["index"] + 1
    assert sent == [0, 1, 2]


def test_of_a_sender_that_goes_away_the_line_under_way_is_not_decided(
    own: Assembled, own_client: FlaskClient, request_body: Body
) -> None:
    def pieces() -> Iterator[bytes]:
        line = lines([request_body])
        yield line + line[:-1]
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(stream(own_client, pieces()))
    assert own.service.decisions.count() == 1


def test_a_line_without_end_is_given_up_when_it_is_too_long(
    own: Assembled, small: FlaskClient, request_body: Body
) -> None:
    taken: list[int] = []

    def pieces() -> Iterator[bytes]:
        yield lines([request_body])
        for number in range(1000):
            taken.append(number)
            yield b"x" * 1000

    answered = list(stream(small, pieces()))
    assert [(one["index"], one["status"]) for one in answered] == [(0, 201), (1, 413)]
    assert len(taken) < 10


def test_a_reader_that_goes_away_ends_the_evaluation(
    own: Assembled, own_client: FlaskClient, request_body: Body
) -> None:
    def pieces() -> Iterator[bytes]:
        while True:
            yield lines([request_body])

    response = own_client.post(
        PATH,
        content_type=NDJSON,
        environ_overrides={"wsgi.input": Slow(pieces()), "wsgi.input_terminated": True},
        headers={"Transfer-Encoding": "chunked"},
    )
    chunks = response.iter_encoded()
    next(chunks)
    response.close()
    assert own.service.decisions.count() <= 2


def test_every_item_is_judged_by_the_bundle_of_the_first(
    own: Assembled, own_client: FlaskClient, request_body: Body, rules: Bundle, later_rules: Bundle
) -> None:
    def pieces() -> Iterator[bytes]:
        yield lines([request_body])
        own.publishing.adopt_folder(later_rules, actor="test")
        yield lines([request_body])

    assert [one["decision"]["bundle"] for one in stream(own_client, pieces())] == [rules.id, rules.id]
    assert post(own_client, [request_body])[0]["decision"]["bundle"] == later_rules.id


def test_after_a_stop_the_rest_of_a_batch_decides_nothing_more(
    own: Assembled, own_client: FlaskClient, request_body: Body
) -> None:
    def pieces() -> Iterator[bytes]:
        yield lines([request_body])
        stopped = own_client.post("/v1/policies/chuanliu.traffic_hours/stop", json={"reason": "pays twice"})
        assert stopped.status_code == 200
        yield lines([request_body])
        yield lines([{**request_body, "purpose": "preview"}])

    answered = list(stream(own_client, pieces()))
    assert [one["status"] for one in answered] == [201, 409, 200]
    assert answered[1]["problem"]["type"] == "/problems/bundle-withdrawn"
    assert "chuanliu.traffic_hours" in answered[1]["problem"]["detail"]
    (next_batch,) = post(own_client, [request_body])
    assert (next_batch["status"], next_batch["decision"]["rewards"]) == (201, [])


def test_a_batch_that_begins_just_after_a_stop_takes_the_bundle_without_it(
    own: Assembled, own_client: FlaskClient, request_body: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = own.service.evaluators.active()
    own_client.post("/v1/policies/chuanliu.traffic_hours/stop", json={"reason": "pays twice"})
    new = own.service.evaluators.active()
    seen = iter([old])
    monkeypatch.setattr(own.service.evaluators, "active", lambda: next(seen, new))
    (one,) = post(own_client, [request_body])
    assert (one["status"], one["decision"]["rewards"]) == (201, [])


def test_without_a_bundle_there_is_no_batch(make_service: Call, request_body: Body) -> None:
    client = create_app(assembled=make_service(None)).test_client()
    response = client.post(PATH, json=[request_body], buffered=True)
    assert (response.status_code, response.get_json()["type"]) == (503, "/problems/no-active-bundle")

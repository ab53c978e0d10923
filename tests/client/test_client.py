"""The client against a real service, and against one that fails as it is told to."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from policy_client import PolicyClient, Problem, Retries, Unreachable

from policy_service.api import examples

Script = Callable[..., Any]
FACTS = {**examples.REQUEST["facts"], "distribution": {"orders_180d": 1200, "buyer_hours_180d": Decimal("12.5")}}
DAY = date(2023, 4, 1)
BUSY = b'{"type": "/problems/store-unavailable", "title": "t", "status": 503, "detail": "d", "errors": []}'
DECIDED = b'{"purpose": "decide", "decision_id": "d-1", "rewards": []}'
KEY = re.compile(rb"(?i)idempotency-key: (\S+)")


# ---- against the service


def test_a_decision_earns_what_the_rules_say(client: PolicyClient) -> None:
    found = client.decide(FACTS, DAY, policies=["chuanliu.traffic_hours"])
    (reward,) = found.answer["rewards"]
    assert (reward["id"], reward["amount"], found.replayed) == ("chuanliu_traffic", 10, False)
    assert client.decision(found.answer["decision_id"])["idempotency"].startswith("hmac-sha256:")
    assert client.decide(
        FACTS, DAY, policies=["chuanliu.traffic_hours"], idempotency_key=found.idempotency_key
    ).replayed


def test_one_key_gives_one_decision(client: PolicyClient) -> None:
    first = client.decide(FACTS, DAY, idempotency_key="client-once")
    again = client.decide(FACTS, DAY, idempotency_key="client-once")
    assert again.replayed
    assert again.answer == first.answer


def test_another_request_under_the_key_is_refused_and_not_tried_again(client: PolicyClient) -> None:
    client.decide(FACTS, DAY, idempotency_key="client-conflict")
    with pytest.raises(Problem) as refused:
        client.decide({}, DAY, idempotency_key="client-conflict")
    assert (refused.value.status, refused.value.type) == (409, "/problems/idempotency-conflict")
    assert not refused.value.retryable
    assert refused.value.idempotency_key == "client-conflict"


def test_a_preview_has_no_id_and_decimals_stay_exact(client: PolicyClient) -> None:
    facts = {**FACTS, "distribution": {"orders_180d": 1200, "buyer_hours_180d": Decimal("12.50")}}
    found = client.preview(facts, DAY, policies=["chuanliu.traffic_hours"])
    assert "decision_id" not in found
    values = [leaf["value"] for leaf in found["policies"][0]["fired"][0]["because"]]
    assert Decimal("12.5") in values
    assert not any(isinstance(value, float) for value in values)


def test_every_fault_of_a_request_is_told_with_its_place(client: PolicyClient) -> None:
    with pytest.raises(Problem) as refused:
        client.decide({"merchant": {"id": "m-1"}, "live": {"hours_today": 25, "hours_todya": 1}}, "2023-04-31")
    assert refused.value.status == 422
    assert {e.pointer for e in refused.value.errors} == {"/as_of", "/facts/live/hours_today", "/facts/live/hours_todya"}


def test_a_replay_is_identical(client: PolicyClient) -> None:
    id_ = client.decide(FACTS, DAY).answer["decision_id"]
    assert client.replay(id_)["identical"] is True
    assert client.replay(id_, "active", DAY)["differences"] == []


def test_the_catalogue_and_the_state_to_post(client: PolicyClient) -> None:
    assert "chuanliu.traffic_hours" in {p["policy"] for p in client.policies(DAY)}
    assert client.policy("chuanliu.traffic_hours", DAY)["in_force"] is True
    assert set(client.facts(["chuanliu.traffic_hours"])["properties"]) == {"merchant", "distribution", "live"}


def test_what_does_not_exist_is_a_problem(client: PolicyClient) -> None:
    with pytest.raises(Problem) as refused:
        client.decision("../policies")
    assert refused.value.status == 404


def test_threads_share_a_client(client: PolicyClient) -> None:
    def ask(number: int) -> Any:
        return client.decide({"merchant": {"id": f"m-{number}"}}, DAY).answer["policies"][0]["subject"]["id"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == [f"m-{n}" for n in range(40)]


def test_a_binary_float_is_not_posted(client: PolicyClient) -> None:
    with pytest.raises(TypeError, match="Decimal"):
        client.preview({"live": {"hours_today": 0.1 + 0.2}}, DAY)


# ---- batches against the service


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"as_of": "2023-04-01", "facts": {"merchant": {"id": f"m-{number}"}}, **more}


def test_a_batch_answers_every_item_in_order_over_several_requests(client: PolicyClient) -> None:
    items = [item(n, purpose="preview") if n % 3 else item(n) for n in range(25)]
    items[7] = {"facts": {}, "as_of": "x"}
    found = list(client.batch(iter(items), chunk=10))
    assert [one.index for one in found] == list(range(25))
    assert [one.index for one in found if one.problem is not None] == [7]
    assert found[7].problem is not None
    assert found[7].problem.status == 422
    for one in found[:7]:
        assert one.answer is not None
        assert one.answer["policies"][0]["subject"]["id"] == f"m-{one.index}"
        assert ("decision_id" in one.answer) == (one.index % 3 == 0)


def test_a_batch_posted_again_under_its_keys_decides_nothing_twice(client: PolicyClient) -> None:
    items = [item(n, idempotency_key=f"batch-{n}") for n in range(5)]
    first = [one.answer for one in client.batch(items)]
    again = list(client.batch(items))
    assert [one.answer for one in again] == first
    assert all(one.replayed for one in again)


def test_a_batch_takes_items_only_as_its_answers_are_read(client: PolicyClient) -> None:
    taken = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal taken
        while True:
            taken += 1
            yield item(taken, purpose="preview")

    answers = client.batch(endless(), chunk=3)
    assert [next(answers).index for _ in range(4)] == [0, 1, 2, 3]
    assert taken == 6
    answers.close()
    assert client.policies(DAY)  # the connection that was left within an answer is not used again


# ---- retries


def test_a_decision_is_tried_again_under_the_key_it_got_first(scripted: Script) -> None:
    client, server = scripted((503, BUSY), None, (429, b"busy"), (201, DECIDED, "Idempotent-Replayed: true"))
    found = client.decide({}, DAY)
    keys = {KEY.search(request)[1].decode() for request in server.requests}
    assert len(server.requests) == 4
    assert keys == {found.idempotency_key}
    assert found.replayed


def test_an_answer_that_breaks_off_is_asked_for_again(scripted: Script) -> None:
    broken = b"HTTP/1.1 201 x\r\nContent-Length: 900\r\n\r\n" + DECIDED
    client, server = scripted(broken, (201, DECIDED))
    assert client.decide({}, DAY).answer["decision_id"] == "d-1"
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 421, 422, 500])
def test_no_other_refusal_is_tried_again(scripted: Script, status: int) -> None:
    client, server = scripted((status, b"{}"), (201, DECIDED))
    with pytest.raises(Problem) as refused:
        client.decide({}, DAY)
    assert refused.value.status == status
    assert len(server.requests) == 1


def test_attempts_end_and_the_error_names_the_key(scripted: Script) -> None:
    client, server = scripted(*[None] * 5, retries=Retries(attempts=3, pause=0.001))
    with pytest.raises(Unreachable) as lost:
        client.decide({}, DAY, idempotency_key="k-1")
    assert lost.value.idempotency_key == "k-1"
    assert len(server.requests) == 3


def test_it_does_not_wait_beyond_the_deadline(scripted: Script) -> None:
    client, server = scripted((503, BUSY, "Retry-After: 3600"), (201, DECIDED))
    with pytest.raises(Problem) as refused:
        client.decide({}, DAY)
    assert refused.value.retry_after == 3600
    assert refused.value.retryable
    assert len(server.requests) == 1


def test_a_service_that_never_answers_is_given_up(scripted: Script) -> None:
    answered = threading.Event()
    client, _ = scripted(b"HTTP/1.1 201 x\r\n", retries=Retries(deadline=0.3, attempts=1))
    with pytest.raises(Unreachable):
        client.preview({}, DAY)
    assert not answered.is_set()


def test_what_is_no_problem_document_is_still_a_problem(scripted: Script) -> None:
    client, _ = scripted((400, b"<html>nginx</html>"))
    with pytest.raises(Problem) as refused:
        client.preview({})
    assert (refused.value.type, refused.value.errors) == ("about:blank", ())


def test_the_key_is_sent_and_is_in_no_error(scripted: Script) -> None:
    client, server = scripted((403, b"{}"))
    with pytest.raises(Problem) as refused:
        client.preview({})
    assert b"Authorization: Bearer psk_test_secret" in server.requests[0]
    assert "psk_test_secret" not in repr(refused.value) + str(vars(refused.value))


def line(index: int, **more: Any) -> bytes:
    return json.dumps({"index": index, "status": 201, "decision": {"place": index}, **more}).encode() + b"\n"


def posted(request: bytes) -> list[Any]:
    return [json.loads(text) for text in request.partition(b"\r\n\r\n")[2].splitlines()]


def test_a_batch_that_breaks_off_goes_on_behind_the_last_answer(scripted: Script) -> None:
    half = line(0) + line(1) + line(2)[:20]
    broken = f"HTTP/1.1 200 x\r\nContent-Length: {len(half) + 50}\r\n\r\n".encode() + half
    client, server = scripted(broken, (200, line(0) + line(1)))
    found = list(client.batch([item(n) for n in range(4)]))
    assert [one.index for one in found] == [0, 1, 2, 3]
    first, second = (posted(request) for request in server.requests)
    assert [one["idempotency_key"] for one in second] == [one["idempotency_key"] for one in first[2:]]
    assert len({one["idempotency_key"] for one in first}) == 4


def test_an_item_that_the_store_lost_is_posted_again_with_those_behind_it(scripted: Script) -> None:
    lost = line(1, status=503, decision=None, problem={"type": "/problems/store-unavailable"}).replace(
        b'"decision": null, ', b""
    )
    client, server = scripted((200, line(0) + lost), (200, line(0)))
    assert [one.problem for one in client.batch([item(0), item(1)])] == [None, None]
    assert [len(posted(request)) for request in server.requests] == [2, 1]


def test_a_batch_with_too_few_answers_is_not_taken_for_whole(scripted: Script) -> None:
    client, _ = scripted((200, line(0)), (200, b""), retries=Retries(attempts=2, pause=0.001))
    answers = client.batch([item(0), item(1)])
    assert next(answers).index == 0
    with pytest.raises(Unreachable):
        next(answers)


@pytest.mark.parametrize("url", ["ftp://x", "x", "http://", "http://u:p@x", "http://x?y"])
def test_what_is_no_url_of_a_service_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        PolicyClient(url)

"""Judge and shadow beside the real service: they look on, keep what they find, and touch no answer."""

import logging
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.access.trail import Act
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.deciding.observing import Exchange
from policy_service.decisions.observers.judge import Judge
from policy_service.decisions.observers.shadow import NotShadowing
from policy_service.decisions.ports.observations import EXAMPLES_KEPT
from policy_service.engines.registry import engine
from policy_service.policies.bundle import Bundle
from policy_service.settings import SettingInvalid, read_settings
from tests import bundles as bundles_of

Body = dict[str, Any]
ACT = Act("wei", "seen enough")


class Watcher:
    """Keeps what it sees."""

    def __init__(self) -> None:
        self.all: list[Exchange] = []

    def observe(self, exchange: Exchange) -> None:
        self.all.append(exchange)


@pytest.fixture
def watcher(own: Assembled) -> Watcher:
    found = Watcher()
    own.service.observers = (found,)
    return found


@pytest.fixture
def judge(own: Assembled) -> Judge:
    """A judge of every answer, whose thread is not started."""
    found = Judge(own.judge.store, engine("reference"), now=own.service.now, share=1.0, cpu=1.0)
    own.service.observers = (found,)
    return found


# ---- the judge


def test_answers_of_the_engine_that_decides_are_those_of_the_reference(
    own_client: FlaskClient, judge: Judge, request_body: Body
) -> None:
    for more in ({}, {"policies": None}, {"purpose": "preview", "options": {"trace": "full"}}):
        assert own_client.post("/v1/evaluate", json={**request_body, **more}).status_code < 300
    judge.queue.drain()
    assert judge.queue.counts == {"taken": 3, "dropped": 0, "done": 3, "failed": 0}
    assert judge.store.open() == 0


def wrong(exchange: Exchange) -> Exchange:
    answer = deepcopy(exchange.answer)
    answer["rewards"][0]["amount"] += 1
    return replace(exchange, answer=answer)


def test_an_answer_that_the_reference_does_not_give_is_kept_with_its_place(
    own_client: FlaskClient, judge: Judge, watcher: Watcher, request_body: Body, caplog: pytest.LogCaptureFixture
) -> None:
    id_ = own_client.post("/v1/evaluate", json=request_body).get_json()["decision_id"]
    with caplog.at_level(logging.ERROR):
        judge.judge(wrong(watcher.all[0]))
    (kept,) = judge.store.disagreements()
    assert (kept.decision, kept.request, kept.engine) == (id_, None, "rete")
    assert (kept.policies, kept.pointers) == (("chuanliu.traffic_hours",), ("/rewards/0/amount",))
    assert id_ in caplog.text
    assert judge.store.open() == 1
    assert judge.store.acknowledge([kept.number], "wei", kept.at) == 1
    assert judge.store.acknowledge([kept.number], "wei", kept.at) == 0
    assert (judge.store.open(), judge.store.disagreements()) == (0, [])
    assert judge.store.disagreements(only_open=False)[0].acknowledged_by == "wei"


def test_of_a_preview_the_request_is_kept_without_sensitive_facts_and_provenance(
    own_client: FlaskClient, judge: Judge, watcher: Watcher, request_body: Body, rules: Bundle
) -> None:
    assert {f.name for f in rules.rules.dictionary if f.sensitive} >= {"member.id", "member.level"}
    body = {**deepcopy(request_body), "purpose": "preview", "provenance": {"source": "of a person"}}
    body["facts"]["member"] = {"id": "b-1", "level": 2}
    assert own_client.post("/v1/evaluate", json=body).status_code == 200
    judge.judge(wrong(watcher.all[-1]))
    (kept,) = judge.store.disagreements()
    assert kept.decision is None
    assert kept.request is not None
    assert kept.request["facts"]["live"] == request_body["facts"]["live"]
    assert kept.request["facts"]["member"] == {}
    assert "provenance" not in kept.request


def test_a_reference_that_gives_no_answer_disagrees(
    own_client: FlaskClient, judge: Judge, watcher: Watcher, request_body: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_client.post("/v1/evaluate", json=request_body)

    def fail(*_: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(judge, "_by_reference", fail)
    judge.judge(watcher.all[0])
    assert judge.store.disagreements()[0].pointers == ("",)


def test_a_repeated_and_a_refused_request_are_not_judged(
    own_client: FlaskClient, watcher: Watcher, request_body: Body
) -> None:
    for _ in range(2):
        own_client.post("/v1/evaluate", json=request_body, headers={"Idempotency-Key": "k"})
    own_client.post("/v1/evaluate", json={})
    assert len(watcher.all) == 1


def test_every_decision_of_a_batch_is_seen(own_client: FlaskClient, watcher: Watcher, request_body: Body) -> None:
    own_client.post("/v1/evaluate/batch", json=[request_body, {}, request_body], buffered=True)
    assert len(watcher.all) == 2


@pytest.mark.parametrize("share", ["2", "-0.1", "1e-3", "x", ""])
def test_a_share_is_a_decimal_from_0_to_1(share: str) -> None:
    with pytest.raises(SettingInvalid, match="POLICY_JUDGE_SHARE"):
        read_settings({"POLICY_JUDGE_SHARE": share})


# ---- the shadow


@pytest.fixture
def draft(own: Assembled, later_rules: Bundle) -> str:
    """A bundle that is stored and not active: the tenth hour of traffic is an eleventh."""
    bundles_of.keep(own, later_rules)
    return later_rules.id


def start(client: FlaskClient, draft: str, share: str = "1") -> Any:
    return client.post(f"/v1/bundles/{draft}/shadow", json={"share": share, "reason": "April"})


def test_a_shadow_counts_by_policy_what_it_would_change_and_touches_no_answer(
    own: Assembled, own_client: FlaskClient, request_body: Body, draft: str
) -> None:
    body = {**request_body, "policies": ["chuanliu.*"]}
    plain = own_client.post("/v1/evaluate", json={**body, "purpose": "preview"}).get_data()
    assert start(own_client, draft).status_code == 200
    id_ = own_client.post("/v1/evaluate", json=body).get_json()["decision_id"]
    assert own_client.post("/v1/evaluate", json={**body, "purpose": "preview"}).get_data() == plain
    own_client.post("/v1/evaluate", json={**body, "purpose": "preview", "bundle": draft})  # asked for: not compared
    own.shadow.queue.drain()
    found = own_client.get(f"/v1/bundles/{draft}/shadow").get_json()
    counts = {one.pop("policy"): one for one in found["policies"]}
    assert counts["chuanliu.traffic_hours"] == {"evaluated": 2, "changed": 2}
    assert len(counts) > 1
    assert all(one == {"evaluated": 2, "changed": 0} for p, one in counts.items() if p != "chuanliu.traffic_hours")
    assert [(one["policy"], one["decision"]) for one in found["examples"]] == [
        ("chuanliu.traffic_hours", id_), ("chuanliu.traffic_hours", None)
    ]  # fmt: skip
    assert "/rewards/0/amount" in found["examples"][0]["pointers"]
    assert own.service.decisions.count() == 1


def test_of_each_policy_some_examples_are_kept_and_all_are_counted(
    own: Assembled, own_client: FlaskClient, request_body: Body, draft: str
) -> None:
    start(own_client, draft)
    for _ in range(2):
        own_client.post("/v1/evaluate/batch", json=[request_body] * 15, buffered=True)
        own.shadow.queue.drain()
    found = own_client.get(f"/v1/bundles/{draft}/shadow").get_json()
    assert found["policies"] == [{"policy": "chuanliu.traffic_hours", "evaluated": 30, "changed": 30}]
    assert len(found["examples"]) == EXAMPLES_KEPT


def test_another_worker_begins_and_ends_with_the_store(
    own: Assembled, own_client: FlaskClient, request_body: Body, draft: str
) -> None:
    other = type(own.shadow)(own.shadow._store, own.service.evaluators, now=own.service.now, cpu=1.0)
    watcher = Watcher()
    own.service.observers = (watcher,)
    own_client.post("/v1/evaluate", json=request_body)
    own.shadow.begin(draft, "1", ACT)
    other.observe(watcher.all[0])  # it has not looked yet
    other.look()
    other.observe(watcher.all[0])
    other.queue.drain()
    assert own.shadow.shown(draft).findings.counts["chuanliu.traffic_hours"] == (1, 1)
    own.shadow.end(draft, ACT)
    other.look()
    other.observe(watcher.all[0])
    assert other.queue.counts["taken"] == 1


def test_an_end_is_shown_and_what_was_found_stays(
    own_client: FlaskClient, request_body: Body, draft: str, own: Assembled
) -> None:
    start(own_client, draft, "0.5")
    ended = own_client.post(f"/v1/bundles/{draft}/shadow/end", json={"reason": "enough"})
    assert ended.status_code == 200
    found = own_client.get(f"/v1/bundles/{draft}/shadow").get_json()
    assert (found["share"], found["ended_at"]) == ("0.5", "2023-04-02T03:00:00.000Z")
    assert own_client.post(f"/v1/bundles/{draft}/shadow/end", json={"reason": "again"}).status_code == 404
    assert [one.action for one in own.trail.trail()][:2] == ["shadow.end", "shadow.start"]


def test_to_begin_another_ends_the_one_before(
    own: Assembled, own_client: FlaskClient, draft: str, rules: Bundle
) -> None:
    start(own_client, draft)
    start(own_client, rules.id)
    assert own.shadow.shown(draft).ended_at is not None
    with pytest.raises(NotShadowing):
        own.shadow.end(draft, ACT)


@pytest.mark.parametrize("share", ["0", "1.5", "0.0", "-1", "1e-2", 0.5, None])
def test_a_share_is_a_decimal_text(own: Assembled, own_client: FlaskClient, draft: str, share: Any) -> None:
    response = own_client.post(f"/v1/bundles/{draft}/shadow", json={"share": share, "reason": "x"})
    assert (response.status_code, response.get_json()["errors"][0]["pointer"]) == (422, "/share")
    assert own.shadow._store.last() is None


def test_a_bundle_that_is_not_stored_casts_no_shadow(own_client: FlaskClient) -> None:
    unknown = "sha256:" + "0" * 64
    assert start(own_client, unknown).status_code == 404
    assert own_client.get(f"/v1/bundles/{unknown}/shadow").status_code == 404
    assert own_client.get("/v1/bundles/x/shadow").status_code == 404


def test_nothing_runs_before_it_is_started(own: Assembled) -> None:
    create_app(assembled=own)
    assert not own.judge.queue.running
    assert not own.shadow.queue.running

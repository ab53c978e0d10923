"""Heads and proofs over HTTP, verified as an outsider would; the file that proves a decision; the lag of the seals."""

import json
from base64 import b64decode
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient

from policy_service.api import examples
from policy_service.api.shared import shared_by
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.ports.cosignatures import KeptCosignature
from policy_service.decisions.sealed.asking import Asked
from policy_service.proofs import notes, receipts, tree
from policy_service.proofs.cosignatures import WitnessKey, cosign, verified
from policy_service.proofs.export import Export
from policy_service.proofs.keys import Verifier
from policy_service.proofs.receipts import Receipt
from policy_service.serving import watch_log
from policy_service.settings import Settings
from policy_service.telemetry import metrics

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def sealed(make_service: Call, rules: Any) -> tuple[Assembled, FlaskClient, list[Any]]:
    """Seven decisions, behind the two acts that the log begins with; sealed as five records and four."""
    own: Assembled = make_service(rules)
    client = create_app(Settings(), assembled=own).test_client()
    made = []
    for n in range(7):
        body = deepcopy(examples.REQUEST)
        body["facts"]["merchant"]["id"] = f"m-{n}"
        made.append(client.post("/v1/evaluate", json=body).get_json())
        if n in (2, 6):
            assert own.auditing is not None
            own.auditing.sealer.seal_all()
    return own, client, made


def get(client: FlaskClient, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, response.get_data()
    return response.get_json()


def hashes(found: Any) -> list[bytes]:
    return [b64decode(one) for one in found["hashes"]]


def verifiers(client: FlaskClient) -> list[Verifier]:
    return [Verifier.parse(text) for text in get(client, "/v1/log/head")["keys"]]


def test_a_head_is_a_note_that_its_keys_verify(sealed: Any, conforms: Call) -> None:
    client = sealed[1]
    for path, size in (("/v1/log/head", 9), ("/v1/log/head?size=5", 5)):
        found = get(client, path)
        conforms(found, "Head")
        head = notes.open_head(found["note"], verifiers(client), found["origin"])
        assert (head.size, head.root) == (size, b64decode(found["root"])) == (found["size"], head.root)


def test_every_record_is_proved_to_be_in_the_log(sealed: Any, conforms: Call) -> None:
    own, client, made = sealed
    for n, answer in enumerate(made, start=2):
        found = get(client, f"/v1/decisions/{answer['decision_id']}/proof")
        conforms(found, "Proof")
        assert (found["index"], found["leaf"]) == (n, answer["receipt"]["digest"])
        head = notes.open_head(found["head"], verifiers(client), "policy-service")
        leaf = tree.leaf_hash(own.service.decisions.decision(answer["decision_id"]).body)
        assert tree.verify_inclusion(leaf, n, head.size, hashes(found), head.root)


def test_a_proof_can_lead_to_an_earlier_head(sealed: Any) -> None:
    _, client, made = sealed
    found = get(client, f"/v1/decisions/{made[1]['decision_id']}/proof?size=5")
    head = notes.open_head(found["head"], verifiers(client), "policy-service")
    assert head.size == found["size"] == 5
    leaf = bytes.fromhex(found["leaf"].removeprefix("sha256:"))
    assert tree.verify_inclusion(leaf, 3, 5, hashes(found), head.root)


def test_an_earlier_head_is_proved_to_be_the_beginning_of_a_later(sealed: Any, conforms: Call) -> None:
    client = sealed[1]
    old = notes.open_head(get(client, "/v1/log/head?size=5")["note"], verifiers(client), "policy-service")
    for path in ("/v1/log/consistency?from=5", "/v1/log/consistency?from=5&to=9"):
        found = get(client, path)
        conforms(found, "Consistency")
        new = notes.open_head(found["head"], verifiers(client), "policy-service")
        assert (found["from"], found["to"]) == (5, 9)
        assert tree.verify_consistency(5, 9, hashes(found), old.root, new.root)
    assert get(client, "/v1/log/consistency?from=0&to=5")["hashes"] == []


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/v1/log/head?size=4", "/size"),
        ("/v1/log/head?size=-1", "/size"),
        ("/v1/log/head?size=1e3", "/size"),
        ("/v1/log/head?size=" + "9" * 30, "/size"),
        ("/v1/log/head?to=4", "/to"),
        ("/v1/log/consistency", "/from"),
        ("/v1/log/consistency?from=10", "/from"),
        ("/v1/log/consistency?from=1&to=6", "/to"),
        ("/v1/log/consistency?from=9&to=5", "/from"),
        ("/v1/decisions/{}/proof?size=5", "/size"),
        ("/v1/decisions/{}/proof?index=3", "/index"),
        ("/v1/decisions/{}/evidence?private=1", "/private"),
    ],
)
def test_what_the_log_has_no_answer_to_is_refused(sealed: Any, conforms: Call, path: str, pointer: str) -> None:
    _, client, made = sealed
    response = client.get(path.format(made[5]["decision_id"]))
    problem = response.get_json()
    conforms(problem, "Problem")
    assert response.status_code == 422
    assert [one["pointer"] for one in problem["errors"]] == [pointer]


def test_what_waits_has_no_proof_yet_and_the_caller_is_told_when_to_come_again(
    own: Assembled, own_client: FlaskClient
) -> None:
    made = own_client.post("/v1/evaluate", json=examples.REQUEST).get_json()["decision_id"]
    for path in ("/v1/log/head", f"/v1/decisions/{made}/proof", f"/v1/decisions/{made}/evidence"):
        response = own_client.get(path)
        assert (response.status_code, response.get_json()["type"]) == (409, "/problems/not-sealed")
        assert response.headers["Retry-After"] == "1"
    assert own.auditing is not None
    own.auditing.sealer.seal_all()
    found = get(own_client, f"/v1/decisions/{made}/proof")
    assert (found["index"], found["size"], len(found["hashes"])) == (2, 3, 1)


def test_a_receipt_is_the_word_for_the_record(sealed: Any) -> None:
    _, client, made = sealed
    receipt = Receipt.parse(made[4]["receipt"])
    assert receipts.verified(receipt, "policy-service", made[4]["decision_id"], verifiers(client))
    with pytest.raises(receipts.ReceiptRefused):
        receipts.verified(receipt, "policy-service", made[3]["decision_id"], verifiers(client))
    assert get(client, f"/v1/decisions/{made[4]['decision_id']}")["receipt"] == made[4]["receipt"]


def test_the_evidence_is_one_file_with_all_of_it(sealed: Any, rules: Any, conforms: Call) -> None:
    own, client, made = sealed
    response = client.get(f"/v1/decisions/{made[2]['decision_id']}/evidence")
    conforms(response.get_json(), "Evidence")
    found = Export.loads(response.get_data(as_text=True))
    assert found.record == own.service.decisions.decision(made[2]["decision_id"]).body
    assert (found.bundle.id, found.bundle.sources) == (rules.id, dict(rules.sources))
    head = notes.open_head(found.head, verifiers(client), "policy-service")
    inclusion = found.inclusion
    assert tree.verify_inclusion(found.leaf, inclusion.index, head.size, inclusion.hashes, head.root)
    assert found.private == ()


def test_a_decision_whose_rules_no_act_stored_is_not_proved(
    own: Assembled, own_client: FlaskClient, conforms: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = own_client.post("/v1/evaluate", json=examples.REQUEST).get_json()["decision_id"]
    assert own.auditing is not None
    own.auditing.sealer.seal_all()
    monkeypatch.setattr(own.auditing.sealer.orders.known, "stored_by", {})
    response = own_client.get(f"/v1/decisions/{made}/evidence")
    conforms(response.get_json(), "Problem")
    assert (response.status_code, response.get_json()["type"]) == (422, "/problems/not-provable")


def test_evidence_with_private_values_is_noted_in_the_trail(own: Assembled, own_client: FlaskClient) -> None:
    body = deepcopy(examples.REQUEST)
    body["facts"]["member"] = {"id": "u-77", "level": 2}
    made = own_client.post("/v1/evaluate", json=body).get_json()["decision_id"]
    assert own.auditing is not None
    own.auditing.sealer.seal_all()
    path = f"/v1/decisions/{made}/evidence"
    assert "u-77" not in own_client.get(path).get_data(as_text=True)
    assert [one.action for one in own.trail.trail()] == ["bundle.activate", "log.begin"]
    private = get(own_client, path + "?private=true")["private"]
    assert {one["pointer"]: json.loads(one["value"]) for one in private} == {
        "/request/facts/member/id": "u-77",
        "/request/facts/member/level": 2,
    }
    noted = own.trail.trail()[0]
    assert (noted.action, noted.target, dict(noted.detail)) == ("decision.reveal", made, {"shown_in": "evidence"})


def test_a_record_that_was_altered_is_not_replayed(own: Assembled, own_client: FlaskClient) -> None:
    made = own_client.post("/v1/evaluate", json=examples.REQUEST).get_json()["decision_id"]
    assert own.auditing is not None
    own.auditing.sealer.seal_all()
    log = own.auditing.log
    with pytest.MonkeyPatch.context() as patched:
        plain = log.bodies
        patched.setattr(
            log, "bodies", lambda some: {id_: body.replace(b"12.5", b"12.6") for id_, body in plain(some).items()}
        )
        response = own_client.post(f"/v1/decisions/{made}/replay")
    problem = response.get_json()
    assert (response.status_code, problem["type"]) == (422, "/problems/not-replayable")
    assert "do not fit its digest" in problem["detail"]
    assert own_client.post(f"/v1/decisions/{made}/replay").get_json()["identical"] is True


def test_a_log_that_lags_degrades_the_service_and_is_measured(
    make_service: Call, rules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    own: Assembled = make_service(rules)
    app = create_app(Settings(), assembled=own)
    client = app.test_client()
    client.post("/v1/evaluate", json=examples.REQUEST)
    watch_log(shared_by(app))
    try:
        assert get(client, "/readyz")["status"] == "ready"
        auditing = own.auditing
        assert auditing is not None
        now = own.service.now()
        monkeypatch.setattr(auditing, "_now", lambda: now + timedelta(seconds=61))
        found = get(client, "/readyz")
        assert (found["status"], len(found["reasons"])) == ("degraded", 1)
        assert "waited for its place in the log" in found["reasons"][0]
        assert b"policy_log_lag_seconds 61.0" in metrics.text()
        auditing.sealer.seal_all()
        assert get(client, "/readyz")["status"] == "ready"
        assert b"policy_log_lag_seconds 0.0" in metrics.text()
    finally:
        metrics.counts.clear()


# ---- cosignatures


def test_a_head_is_shown_with_its_cosignatures(make_service: Call, rules: Any, conforms: Call) -> None:
    own: Assembled = make_service(rules)
    client = create_app(Settings(), assembled=own).test_client()
    client.post("/v1/evaluate", json=examples.REQUEST)
    assert own.auditing is not None
    own.auditing.sealer.seal_all()
    before = get(client, "/v1/log/head")
    private = Ed25519PrivateKey.generate()
    key = WitnessKey("witness.example/w1", private.public_key().public_bytes_raw())
    line = cosign(notes.parse(before["note"]).text, key.name, private, 1680336000)
    for kept in (line, "no line\n"):
        own.auditing.pusher.kept.keep(KeptCosignature(3, f"{key.label}{len(kept)}", kept, "2023-04-01T00:00:00.000Z"))
    found = get(client, "/v1/log/head")
    conforms(found, "Head")
    assert found["note"] == before["note"] + line
    assert notes.open_head(found["note"], verifiers(client), found["origin"]).size == 3
    assert [one.key for one in verified(found["note"], [key])] == [key]


def test_what_contradicts_the_log_degrades_and_is_counted(
    make_service: Call, rules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    own: Assembled = make_service(rules)
    app = create_app(Settings(), assembled=own)
    client = app.test_client()
    watch_log(shared_by(app))
    try:
        assert own.auditing is not None
        assert b"policy_log_contradicted 0.0" in metrics.text()
        own.auditing.pusher._found["folder"] = Asked("behind", "it has seen more")
        found = get(client, "/readyz")
        assert (found["status"], found["reasons"]) == (
            "degraded", ["the log is contradicted by folder: it has seen more"]
        )  # fmt: skip
        assert b"policy_log_contradicted 1.0" in metrics.text()
        own.auditing.pusher._found["folder"] = Asked("unreachable", "it is away")
        assert get(client, "/readyz")["status"] == "ready"
    finally:
        metrics.counts.clear()


def test_the_pusher_runs_with_the_other_threads_of_a_worker_and_ends_with_them(
    make_service: Call, rules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    own: Assembled = make_service(rules)
    assert own.auditing is not None
    told: list[str] = []
    monkeypatch.setattr(own.auditing.pusher, "start", lambda: told.append("start"))
    monkeypatch.setattr(own.auditing.pusher, "close", lambda: told.append("close"))
    shared = shared_by(create_app(Settings(), assembled=own))
    shared.start()
    shared.close()
    assert told == ["start", "close"]

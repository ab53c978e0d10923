"""The log of a store of the version before acts is begun: nothing is decided before, afterwards all is as it was."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from policy_service.access import credentials
from policy_service.access.issuing import Issuing
from policy_service.access.trail import Act
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.audit.sealed_replay import SealedReplay
from policy_service.decisions.audit.searching import Query
from policy_service.decisions.bundles.evaluators import NoActiveBundle
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.sealed.ceremonies import CeremonyRefused
from policy_service.decisions.sealed.guard import Held
from policy_service.proofs import keys
from policy_service.store import SqlActStore
from tests.former import AFTER, SAID, Former, audited

TOOL = Path(__file__).parents[4] / "tools" / "verify_log.py"
BY = Act("policyctl", "version with acts")
MEMBER = {"member": {"id": "u-9", "points": 5, "joined_on": "2022-02-03"}}
RECORDS = 9
"""Decisions and an erasure that the store has, three of them waiting."""


@pytest.fixture
def former(tmp_path: Path) -> Iterator[Former]:
    found = Former(tmp_path)
    yield found
    found.close()


@pytest.fixture
def begun(former: Former) -> Assembled:
    made = former.start()
    assert made.ceremonies.begin(BY) == RECORDS
    return made


def decide(made: Assembled, facts: dict[str, object]) -> str:
    found = made.service.evaluate(EvaluateRequest(facts, "2023-04-01"), caller="till")
    return str(found.decision_id)


# ---- before


def test_until_it_is_begun_nothing_is_decided_ordered_or_sealed(former: Former) -> None:
    made = former.start()
    bundle = made.publishing.evaluators.of(SAID["draft"]).bundle
    with pytest.raises(Held, match="policyctl audit begin"):
        made.publishing.adopt_folder(bundle, actor="serve")
    for refused in (
        lambda: made.trail.note(BY.entry("2023-04-03T00:00:00.000Z", "test", "t", {})),
        lambda: Issuing(made.keys, now=made.service.now).create("x", ["evaluate"], actor="policyctl"),
        audited(made).sealer.seal,
    ):
        with pytest.raises(Held, match="policyctl audit begin"):
            refused()
    assert audited(made).log.waiting() == 3
    assert (audited(made).log.size(), made.orders.store.last_version()) == (RECORDS - 3, 0)


def test_until_it_is_begun_it_is_not_ready_and_says_so(former: Former) -> None:
    made = former.start()
    client = create_app(former.settings, assembled=made).test_client()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (503, "D105")
    posted = {"facts": MEMBER, "as_of": "2023-04-01", "purpose": "decide"}
    assert client.post("/v1/evaluate", json=posted).status_code == 503
    made.ceremonies.begin(BY)
    assert client.get("/readyz").status_code == 200


def test_an_empty_store_begins_by_itself(former: Former) -> None:
    former.database.unlink()
    made = former.start()
    assert (made.orders.known.version, made.orders.guard.held) == (1, None)
    with pytest.raises(CeremonyRefused, match="begun before"):
        made.ceremonies.begin(BY)


# ---- and afterwards


def test_what_it_followed_before_it_follows_again(former: Former, begun: Assembled) -> None:
    state = begun.publishing.activation_state()
    assert state.active is not None
    assert (state.active.bundle, state.active.published) == (SAID["active"], SAID["published"])
    assert [one.bundle for one in state.pending] == [SAID["later"]]
    assert [(one.policy, one.reward) for one in state.stops] == [("club.hours", "badge")]
    shadow = begun.shadow.shown(SAID["draft"])
    assert (shadow.order.share, shadow.ended_at) == ("0.5", None)
    later = former.start(AFTER + timedelta(days=4)).publishing.activation_state()
    assert later.active is not None
    assert later.active.bundle == SAID["later"]


def test_keys_that_were_open_are_open_and_a_revoked_one_is_not(begun: Assembled) -> None:
    listed = Issuing(begun.keys, now=begun.service.now).listed()
    states = {key.id: (key.name, key.roles, key.rate, state) for key, state in listed}
    assert states[SAID["key"]["id"]] == ("till", ("audit", "evaluate"), 50, "active")
    assert states[SAID["revoked"]["id"]][3] == "revoked"
    kept = begun.keys.key(SAID["key"]["id"])
    assert kept is not None
    assert kept.digest == credentials.digest(credentials.parts(SAID["key"]["text"])[1])


def test_the_trail_goes_on_and_names_who_acted_then(begun: Assembled) -> None:
    trail = begun.trail.trail()
    actions = [one.action for one in trail]
    assert {"bundle.upload", "bundle.activate", "policy.stop", "key.create", "shadow.start"} <= set(actions)
    stop = next(one for one in trail if one.action == "policy.stop")
    assert (stop.actor, stop.at[:10]) == ("wei", "2023-04-02")
    begin = next(one for one in trail if one.action == "log.begin")
    assert (begin.actor, begin.reason) == ("policyctl", "version with acts")


def test_all_of_it_is_proved_and_old_decisions_replay_as_they_were(begun: Assembled) -> None:
    decide(begun, MEMBER)
    audited(begun).sealer.seal_all()
    assert audited(begun).verify().findings == ()
    outcomes = [one.outcome for one in SealedReplay(begun.service, audited(begun)).all(Query())]
    assert sorted(outcomes) == ["erased", *["identical"] * 8]
    assert audited(begun).log.privates(SAID["erased"]) == {}
    for id_ in SAID["oldest"]:
        assert audited(begun).export(id_).receipt is None


def test_the_program_beside_the_service_finds_nothing_in_its_export(begun: Assembled, tmp_path: Path) -> None:
    decide(begun, MEMBER)
    audited(begun).sealer.seal_all()
    audited(begun).export_log(tmp_path / "export")
    key = audited(begun).keys.verifiers[0].text
    found = subprocess.run(
        [sys.executable, "-I", TOOL, tmp_path / "export", "--key", key], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


def test_a_record_without_receipt_that_comes_afterwards_is_refused(former: Former, begun: Assembled) -> None:
    id_ = SAID["oldest"][0]
    with sqlite3.connect(former.database) as database:
        forged = id_[:-1] + ("0" if id_[-1] != "0" else "1")
        database.execute(
            "INSERT INTO decisions (id, decided_at, bundle, as_of, body, leaf) SELECT ?, decided_at, bundle, as_of,"
            " replace(body, ?, ?), leaf FROM decisions WHERE id = ?", [forged, id_, forged, id_],
        )  # fmt: skip
        database.execute("INSERT INTO unsealed (kind, id) VALUES ('decision', ?)", [forged])
    database.close()
    size = audited(begun).log.size()
    audited(begun).sealer.seal_all()
    assert [one.id for one in audited(begun).log.refused(0, 10)] == [forged]
    assert audited(begun).log.size() == size


# ---- broken off, and given twice


def test_broken_off_anywhere_it_is_begun_wholly_or_not_at_all(former: Former, monkeypatch: pytest.MonkeyPatch) -> None:
    made = former.start()

    def broken_off(*_: object) -> None:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(SqlActStore, "add_first", broken_off)
        with pytest.raises(StoreUnavailable, match="gone"):
            made.ceremonies.begin(BY)
    assert (audited(made).log.size(), made.orders.store.last_version()) == (RECORDS, 0)
    with pytest.raises(NoActiveBundle):
        decide(made, MEMBER)
    again = former.start()
    assert again.ceremonies.begin(BY) == RECORDS
    assert audited(again).verify().findings == ()
    assert len([one for one in again.trail.trail() if one.action == "policy.stop"]) == 2


def test_it_is_begun_once(former: Former, begun: Assembled) -> None:
    for made in (begun, former.start()):
        with pytest.raises(CeremonyRefused, match="the log was begun before"):
            made.ceremonies.begin(BY)
    assert begun.orders.store.last_version() == 2


def test_of_two_who_begin_it_at_once_one_is_refused(former: Former) -> None:
    one, two = former.start(), former.start()
    check = two.ceremonies._check_not_begun

    def late() -> None:
        check()
        one.ceremonies.begin(BY)

    two.ceremonies._check_not_begun = late  # type: ignore[method-assign]  # between the look and the deed
    with pytest.raises(CeremonyRefused, match="another process has begun"):
        two.ceremonies.begin(BY)
    assert audited(former.start()).verify().findings == ()


def test_who_takes_the_first_orders_away_and_puts_former_rows_in_finds_the_guard(
    former: Former, begun: Assembled
) -> None:
    """A key of a stranger would become an act, if a person could be led to begin the log once more."""
    key = json.dumps(
        {
            "id": "0" * 16,
            "name": "evil",
            "digest": "0",
            "roles": "admin",
            "rate": None,
            "created_at": "",
            "created_by": "",
        }
    )
    with sqlite3.connect(former.database) as database:
        database.execute("DELETE FROM acts")
        database.execute("INSERT INTO before_acts VALUES (1, 'keys', ?)", [key])
    database.close()
    made = former.start()
    assert made.orders.guard.held is not None
    with pytest.raises(CeremonyRefused, match="2 orders were followed on this host"):
        made.ceremonies.begin(BY)
    assert made.orders.store.last_version() == 0


def test_rows_that_somebody_puts_in_afterwards_become_nothing(former: Former, begun: Assembled) -> None:
    with sqlite3.connect(former.database) as database:
        database.execute("INSERT INTO before_acts VALUES (1, 'trail', '{}')")
    database.close()
    made = former.start()
    assert made.orders.guard.held is None
    with pytest.raises(CeremonyRefused, match="the log was begun before"):
        made.ceremonies.begin(BY)


def test_a_first_order_of_a_stranger_is_not_begun_over(former: Former, begun: Assembled, tmp_path: Path) -> None:
    """It is no key of this installation that began it."""
    other = tmp_path / "other.pem"
    keys.make(other, former.settings.log_origin)
    made = _with_key(former, other)
    assert made.orders.guard.held is not None
    with pytest.raises(CeremonyRefused, match="of no key that is trusted here"):
        made.ceremonies.begin(BY)


def _with_key(former: Former, key: Path) -> Assembled:
    class Other(Former):
        def __post_init__(self) -> None:
            self._engines = former._engines

        @property
        def key(self) -> Path:
            return key

    return Other(former.folder).start()

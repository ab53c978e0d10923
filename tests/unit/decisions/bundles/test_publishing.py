"""Bundles activated, stopped and taken back, on a real SQLite file that two hosts share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine as Database

from policy_service.access import instants
from policy_service.access.trail import Act
from policy_service.assembly import Assembled, assemble_on
from policy_service.decisions.bundles.checking import CheckedBundle, checked
from policy_service.decisions.bundles.evaluators import NoActiveBundle, UnknownBundle
from policy_service.decisions.bundles.results import (
    BadInstant,
    BundleInvalid,
    Busy,
    NothingBefore,
    NotStopped,
    UnknownPolicy,
    UnknownReward,
)
from policy_service.decisions.deciding.eligibility import BundleWithdrawn
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.ports.acts import Change
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.loader import Sources
from policy_service.settings import Settings
from policy_service.store import connect, migrate
from tests import bundles as bundles_of

RULES = Path(__file__).parents[3] / "cli" / "rules"
WEI = Act("wei", "numbers of April", "r-1")
SPRING, HOURS, TRAFFIC = "shop.spring", "shop.hours", "traffic"
FACTS = {
    "merchant": {"id": "m-1", "enrolled_on": "2023-03-01", "type": "enterprise", "frozen": False},
    "live": {"hours": 5, "orders": 120, "peers": 10},
}
Edited = Callable[[str, str, str], Bundle]


@dataclass
class Clock:
    moment: datetime = field(default=datetime(2023, 4, 2, 3, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.moment

    def later(self, **amount: float) -> datetime:
        self.moment += timedelta(**amount)
        return self.moment


@pytest.fixture(scope="module")
def shop() -> Bundle:
    return bundles_of.loaded(RULES)


@pytest.fixture(scope="module")
def edited(shop: Bundle) -> Edited:
    """The shop with a text replaced that stands once in a file."""

    return lambda path, old, new: bundles_of.edited(shop, path, (old, new))


@pytest.fixture(scope="module")
def other(edited: Edited) -> Bundle:
    """The shop with another number of hours."""
    return edited("shop/hours.yaml", "| 10                  |", "| 11                  |")


@pytest.fixture(scope="module")
def springless(shop: Bundle) -> Bundle:
    found, diagnostics = bundle({k: v for k, v in shop.sources.items() if k != "shop/spring.yaml"})
    assert found is not None, diagnostics
    return found


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = connect(f"sqlite:///{tmp_path / 'policy.sqlite3'}")
    migrate(found)
    yield found
    found.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host(database: Database, clock: Clock) -> Callable[[], Assembled]:
    """A process of its own on the database; it looks for the active bundle at every request."""
    settings = Settings(engine="reference", bundle_refresh_ms=0)
    return lambda: assemble_on(database, settings, now=clock)


@pytest.fixture
def served(host: Callable[[], Assembled], shop: Bundle) -> Assembled:
    found = host()
    found.publishing.adopt_folder(shop, actor="serve")
    return found


def suspended(served: Assembled) -> set[tuple[str, str | None]]:
    """What the bundle that answers suspends, beyond what bundle.yaml of the shop does."""
    active = served.service.evaluators.active()
    assert active is not None
    pairs = {(s.policy, s.reward) for s in active.bundle.rules.settings.suspended}
    return pairs - {("shop.stopped", None), (HOURS, "held")}


def actions(served: Assembled) -> list[tuple[str, str, str]]:
    return [(one.action, one.target, one.actor) for one in reversed(served.trail.trail())]


# ---- the folder


def test_the_folder_is_activated_once(served: Assembled, shop: Bundle, other: Bundle, clock: Clock) -> None:
    served.publishing.upload(other.sources, WEI)
    clock.later(seconds=1)
    served.publishing.activate(other.id, WEI)
    clock.later(seconds=1)
    assert served.publishing.adopt_folder(shop, actor="serve") == other.id
    assert [one.kind for one in served.publishing.bundles.activations()] == ["activate", "folder"]


def test_a_folder_that_has_changed_is_activated(served: Assembled, other: Bundle, clock: Clock) -> None:
    clock.later(seconds=1)
    assert served.publishing.adopt_folder(other, actor="serve") == other.id


def test_two_hosts_that_start_at_once_give_one_order(host: Callable[[], Assembled], shop: Bundle) -> None:
    hosts = [host(), host()]
    together([lambda one=one: one.publishing.adopt_folder(shop, actor="serve") for one in hosts])
    assert len(hosts[0].publishing.bundles.activations()) == 1


def test_a_folder_takes_the_stops_in_force(served: Assembled, other: Bundle, clock: Clock) -> None:
    served.publishing.stop(SPRING, None, WEI)
    clock.later(seconds=1)
    active = served.publishing.adopt_folder(other, actor="serve")
    assert active != other.id
    assert suspended(served) == {(SPRING, None)}
    before = len(served.publishing.bundles.activations())
    assert served.publishing.adopt_folder(other, actor="serve") == active
    assert len(served.publishing.bundles.activations()) == before


# ---- upload


def test_an_upload_stores_and_activates_nothing(served: Assembled, shop: Bundle, other: Bundle) -> None:
    done = served.publishing.upload(other.sources, WEI)
    assert (done.id, done.label, done.new) == (other.id, "shop", True)
    assert served.publishing.bundles.sources(other.id) == dict(other.sources)
    active = served.service.evaluators.refresh()
    assert active is not None
    assert active.bundle.id == shop.id
    assert actions(served)[-1] == ("bundle.upload", other.id, "wei")


def test_the_first_label_stays(served: Assembled, other: Bundle) -> None:
    assert served.publishing.upload(other.sources, WEI, label="april").label == "april"
    again = served.publishing.upload(other.sources, WEI, label="may")
    assert (again.label, again.new) == ("april", False)


def test_an_upload_with_errors_stores_nothing(served: Assembled, shop: Bundle) -> None:
    faulty = {**shop.sources, "shop/hours.yaml": "policy: [", "shop/spring.yaml": "x"}
    with pytest.raises(BundleInvalid) as refused:
        served.publishing.upload(faulty, WEI)
    assert {d.span.file for d in refused.value.diagnostics} >= {"rules/shop/hours.yaml", "rules/shop/spring.yaml"}
    assert len(served.publishing.bundles.bundles()) == 1


def test_a_case_that_names_what_is_not_there_is_refused(served: Assembled, shop: Bundle) -> None:
    cases = {**shop.sources, "shop/hours.test.yaml": shop.sources["shop/hours.test.yaml"] + "  - {nam: x}\n"}
    with pytest.raises(BundleInvalid):
        served.publishing.upload(cases, WEI)


def test_one_check_at_a_time(served: Assembled, other: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[Busy] = []

    def meanwhile(sources: Sources) -> CheckedBundle:
        with pytest.raises(Busy) as busy:
            served.publishing.upload(other.sources, WEI)
        refused.append(busy.value)
        return checked(sources)

    monkeypatch.setattr(served.publishing, "_check", meanwhile)
    assert served.publishing.upload(other.sources, WEI).new
    assert len(refused) == 1


# ---- activate


def test_activation_now(served: Assembled, shop: Bundle, other: Bundle, clock: Clock) -> None:
    served.publishing.upload(other.sources, WEI)
    clock.later(seconds=1)
    done = served.publishing.activate(other.id, WEI)
    assert (done.order.bundle, done.replaces, done.policies) == (other.id, shop.id, (HOURS,))
    active = served.service.evaluators.active()
    assert active is not None
    assert active.bundle.id == other.id
    entry = served.trail.trail()[0]
    assert (entry.action, entry.reason, entry.request_id) == ("bundle.activate", WEI.reason, "r-1")
    assert entry.detail["replaces"] == shop.id


def test_activation_at_an_instant(served: Assembled, other: Bundle, clock: Clock) -> None:
    served.publishing.upload(other.sources, WEI)
    at = clock() + timedelta(hours=1)
    served.publishing.activate(other.id, WEI, at=at)
    assert [one.bundle for one in served.publishing.activation_state().pending] == [other.id]
    active = served.service.evaluators.active()
    assert active is not None
    assert active.bundle.id != other.id
    clock.later(hours=1)
    active = served.service.evaluators.active()
    assert active is not None
    assert active.bundle.id == other.id


@pytest.mark.parametrize("ahead", [timedelta(milliseconds=-1), timedelta(days=367)])
def test_an_instant_that_cannot_be(served: Assembled, shop: Bundle, clock: Clock, ahead: timedelta) -> None:
    with pytest.raises(BadInstant):
        served.publishing.activate(shop.id, WEI, at=clock() + ahead)


def test_an_unknown_bundle_is_not_activated(served: Assembled) -> None:
    with pytest.raises(UnknownBundle):
        served.publishing.activate("sha256:" + "0" * 64, WEI)


def decide(served: Assembled, as_of: str, **more: str) -> str | None:
    return served.service.evaluate(EvaluateRequest(FACTS, as_of, **more)).decision_id


def test_decisions_of_days_that_change_are_counted(
    served: Assembled, shop: Bundle, edited: Edited, clock: Clock
) -> None:
    for day in ("2023-03-31", "2023-04-01", "2023-04-01"):
        decide(served, day)
    ended = edited("shop/hours.yaml", "to: 2024-01-01", "to: 2023-04-01")
    later = edited("shop/hours.yaml", "to: 2024-01-01", "to: 2023-04-02")
    for one in (ended, later):
        served.publishing.upload(one.sources, WEI)
    clock.later(seconds=1)
    assert served.publishing.activate(ended.id, WEI).decisions == 2
    assert served.trail.trail()[0].detail["decisions_touched"] == "2"
    clock.later(seconds=1)
    served.publishing.activate(shop.id, WEI)
    clock.later(seconds=1)
    assert served.publishing.activate(later.id, WEI).decisions == 0


def test_a_next_value_of_a_parameter_touches_only_later_days(served: Assembled, edited: Edited, clock: Clock) -> None:
    decide(served, "2023-04-01")
    value = "- {from: 2023-07-01, value: 4.5, basis: assumed}"
    later = edited("shop/hours.yaml", value, f"{value}\n      - {{from: 2023-09-01, value: 5}}")
    earlier = edited("shop/hours.yaml", "- {from: 2023-01-01, value: 4}", "- {from: 2023-01-01, value: 3}")
    for bundle_, touched in ((later, 0), (earlier, 1)):
        served.publishing.upload(bundle_.sources, WEI)
        clock.later(seconds=1)
        assert served.publishing.activate(bundle_.id, WEI).decisions == touched


def test_what_holds_for_all_policies_touches_every_decision(served: Assembled, edited: Edited, clock: Clock) -> None:
    decide(served, "2023-04-01")
    changed = edited("bundle.yaml", "cap: 12", "cap: 13")
    served.publishing.upload(changed.sources, WEI)
    clock.later(seconds=1)
    done = served.publishing.activate(changed.id, WEI)
    assert (done.policies, done.decisions) == (("bundle",), 1)


# ---- roll back


def test_a_rollback_and_another_one(served: Assembled, shop: Bundle, other: Bundle, clock: Clock) -> None:
    served.publishing.upload(other.sources, WEI)
    clock.later(seconds=1)
    served.publishing.activate(other.id, WEI)
    for published in (shop, other, shop):
        clock.later(seconds=1)
        assert served.publishing.rollback(WEI).order.published == published.id
    assert actions(served)[-1] == ("bundle.rollback", shop.id, "wei")


def test_a_stop_between_is_nothing_to_roll_back_to(
    served: Assembled, shop: Bundle, other: Bundle, clock: Clock
) -> None:
    served.publishing.upload(other.sources, WEI)
    clock.later(seconds=1)
    served.publishing.activate(other.id, WEI)
    clock.later(seconds=1)
    served.publishing.stop(SPRING, None, WEI)
    clock.later(seconds=1)
    assert served.publishing.rollback(WEI).order.published == shop.id
    assert suspended(served) == {(SPRING, None)}


def test_what_is_pending_was_not_before(served: Assembled, other: Bundle, clock: Clock) -> None:
    served.publishing.upload(other.sources, WEI)
    served.publishing.activate(other.id, WEI, at=clock() + timedelta(hours=1))
    with pytest.raises(NothingBefore):
        served.publishing.rollback(WEI)


def test_without_a_bundle_there_is_nothing_to_act_on(host: Callable[[], Assembled]) -> None:
    empty = host().publishing
    for act in (
        lambda: empty.rollback(WEI),
        lambda: empty.stop(SPRING, None, WEI),
        lambda: empty.resume("x", None, WEI),
    ):
        with pytest.raises(NoActiveBundle):
            act()


# ---- stop and resume


def test_a_stop_holds_until_it_is_resumed(served: Assembled, shop: Bundle, clock: Clock) -> None:
    done = served.publishing.stop(SPRING, None, WEI)
    assert done.new
    assert suspended(served) == {(SPRING, None)}
    clock.later(seconds=1)
    back = served.publishing.resume(SPRING, None, Act("li", "mended"))
    assert back.bundle == shop.id
    assert suspended(served) == set()
    assert actions(served)[-2:] == [("policy.stop", SPRING, "wei"), ("policy.resume", SPRING, "li")]
    assert [one.action for one in served.publishing.bundles.stop_events()] == ["stop", "resume"]


def test_a_stop_in_the_same_millisecond_as_the_activation_wins(served: Assembled) -> None:
    served.publishing.stop(SPRING, None, WEI)
    assert suspended(served) == {(SPRING, None)}


def test_to_stop_again_is_the_same_stop(served: Assembled, clock: Clock) -> None:
    first = served.publishing.stop(HOURS, TRAFFIC, WEI)
    clock.later(seconds=1)
    again = served.publishing.stop(HOURS, TRAFFIC, Act("li", "another reason"))
    assert (again.event, again.new, again.bundle) == (first.event, False, first.bundle)
    assert len(served.publishing.bundles.stop_events()) == 1


def test_a_policy_and_a_reward_of_it_are_stopped_apart(served: Assembled, clock: Clock) -> None:
    served.publishing.stop(HOURS, TRAFFIC, WEI)
    clock.later(seconds=1)
    served.publishing.stop(HOURS, None, WEI)
    clock.later(seconds=1)
    served.publishing.resume(HOURS, None, WEI)
    assert suspended(served) == {(HOURS, TRAFFIC)}


def test_what_is_not_there_cannot_be_stopped(served: Assembled) -> None:
    with pytest.raises(UnknownPolicy):
        served.publishing.stop("shop.gone", None, WEI)
    with pytest.raises(UnknownReward):
        served.publishing.stop(HOURS, "gone", WEI)
    with pytest.raises(UnknownPolicy):
        served.publishing.resume("shop.gone", None, WEI)
    with pytest.raises(NotStopped):
        served.publishing.resume(HOURS, None, WEI)
    assert served.publishing.bundles.stop_events() == []


def test_a_stop_of_what_the_file_suspends_outlasts_the_file(served: Assembled, edited: Edited, clock: Clock) -> None:
    done = served.publishing.stop("shop.stopped", None, WEI)
    assert (done.new, done.suspended_by_file) == (True, True)
    free = edited("bundle.yaml", "  - {policy: shop.stopped, reason: 金额有误 wrong amounts}\n", "")
    served.publishing.upload(free.sources, WEI)
    clock.later(seconds=1)
    served.publishing.activate(free.id, WEI)
    active = served.service.evaluators.active()
    assert active is not None
    assert ("shop.stopped", None) in {(s.policy, s.reward) for s in active.bundle.rules.settings.suspended}


def test_a_pending_bundle_takes_the_stop_and_gives_it_back(served: Assembled, other: Bundle, clock: Clock) -> None:
    served.publishing.upload(other.sources, WEI)
    at = clock() + timedelta(hours=1)
    served.publishing.activate(other.id, WEI, at=at)
    served.publishing.stop(SPRING, None, WEI)
    clock.later(hours=1)
    assert suspended(served) == {(SPRING, None)}
    state = served.publishing.activation_state()
    assert state.active is not None
    assert (state.active.published, state.active.effective_at) == (other.id, instants.text(at))
    clock.later(seconds=1)
    assert served.publishing.resume(SPRING, None, WEI).bundle == other.id


def test_a_resumed_stop_leaves_the_pending_bundle_too(served: Assembled, other: Bundle, clock: Clock) -> None:
    served.publishing.upload(other.sources, WEI)
    served.publishing.stop(SPRING, None, WEI)
    served.publishing.activate(other.id, WEI, at=clock() + timedelta(hours=1))
    clock.later(seconds=1)
    served.publishing.resume(SPRING, None, WEI)
    clock.later(hours=1)
    active = served.service.evaluators.active()
    assert active is not None
    assert active.bundle.id == other.id


def test_of_two_pending_orders_for_one_instant_the_later_is_stopped(
    served: Assembled, shop: Bundle, other: Bundle, clock: Clock
) -> None:
    served.publishing.upload(other.sources, WEI)
    at = clock() + timedelta(hours=1)
    served.publishing.activate(other.id, WEI, at=at)
    served.publishing.activate(shop.id, WEI, at=at)
    served.publishing.stop(SPRING, None, WEI)
    clock.later(hours=1)
    state = served.publishing.activation_state()
    assert state.active is not None
    assert state.active.published == shop.id
    assert suspended(served) == {(SPRING, None)}


def test_a_bundle_without_the_stopped_policy_is_itself(
    served: Assembled, shop: Bundle, springless: Bundle, clock: Clock
) -> None:
    served.publishing.stop(SPRING, None, WEI)
    served.publishing.upload(springless.sources, WEI)
    clock.later(seconds=1)
    assert served.publishing.activate(springless.id, WEI).order.bundle == springless.id
    decide(served, "2023-04-01", bundle=springless.id)  # the pin grants nothing of what is stopped
    clock.later(seconds=1)
    served.publishing.activate(shop.id, WEI)
    assert suspended(served) == {(SPRING, None)}


def test_a_pin_of_what_is_stopped_is_withdrawn_at_once_on_every_host(
    served: Assembled, host: Callable[[], Assembled], shop: Bundle
) -> None:
    elsewhere = host()
    decide(elsewhere, "2023-04-01", bundle=shop.id)
    served.publishing.stop(HOURS, TRAFFIC, WEI)
    with pytest.raises(BundleWithdrawn) as refused:
        decide(elsewhere, "2023-04-01", bundle=shop.id)
    assert [(s.policy, s.reward) for s in refused.value.stops] == [(HOURS, TRAFFIC)]
    assert decide(elsewhere, "2023-04-01", bundle=shop.id, purpose="preview") is None


# ---- at once


def together(acts: list[Callable[[], object]]) -> None:
    """Run all at the same time; each must end well."""
    start, failed = Barrier(len(acts)), list[BaseException]()

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
        except BaseException as error:  # noqa: BLE001  told below
            failed.append(error)

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


def test_no_stop_of_two_hosts_is_lost(served: Assembled, host: Callable[[], Assembled], other: Bundle) -> None:
    served.publishing.upload(other.sources, WEI)
    elsewhere = host()
    together(
        [
            lambda: served.publishing.stop(SPRING, None, WEI),
            lambda: elsewhere.publishing.stop(HOURS, TRAFFIC, WEI),
            lambda: elsewhere.publishing.stop(SPRING, None, WEI),
            lambda: served.publishing.activate(other.id, WEI),
        ]
    )
    for one in (served, elsewhere):
        assert suspended(one) == {(SPRING, None), (HOURS, TRAFFIC)}
    assert len(served.publishing.bundles.stop_events()) == 2


def test_who_is_always_outrun_is_told_to_come_again(
    served: Assembled, host: Callable[[], Assembled], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = host().publishing
    inner = served.orders.give
    turns = iter(range(100))

    def outrun(change: Change, version: int) -> None:
        if next(turns) % 2:
            elsewhere.resume(SPRING, None, WEI)
        else:
            elsewhere.stop(SPRING, None, WEI)
        inner(change, version)

    monkeypatch.setattr(served.orders, "give", outrun)
    with pytest.raises(Busy):
        served.publishing.stop(HOURS, TRAFFIC, WEI)
    assert not [one for one in elsewhere.activation_state().stops if one.policy == HOURS]


def test_an_order_that_comes_while_the_state_is_read_is_not_later_than_the_one_that_is_given(
    database: Database, clock: Clock, served: Assembled, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(engine="reference", bundle_refresh_ms=0)
    ahead = assemble_on(database, settings, now=lambda: clock.moment + timedelta(hours=1))
    ahead.publishing.stop(SPRING, None, WEI)
    reads, read = iter([False, True]), served.publishing.bundles.activation_state

    def interrupted(now: str) -> object:
        if next(reads, False):
            clock.later(minutes=1)
            ahead.publishing.stop(HOURS, None, WEI)
        return read(now)

    monkeypatch.setattr(served.publishing.bundles, "activation_state", interrupted)
    served.publishing.resume(SPRING, None, WEI)
    *_, last, given = served.publishing.bundles.stop_events()
    assert (last.policy, given.policy) == (HOURS, SPRING)
    assert given.at >= last.at

"""Stops merged into a bundle: nothing but `suspended` differs, and what is written stays as it is written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from policy_service.policies.bundle import (
    Bundle,
    bundle,
    document,
    is_known,
    is_suspended,
    load_folder,
    suspending,
)
from policy_service.policies.bundle.suspending import with_suspensions
from policy_service.policies.loader import read_folder
from policy_service.policies.model import Suspension

RULES = Path(__file__).parents[2] / "cli" / "rules"
SPRING = Suspension("shop.spring", None, "wrong amount")
_STACKING = "stacking:\n  day: {combine: sum, cap: 12, unit: hour}\n"
Loaded = Callable[[str], Bundle]


@pytest.fixture(scope="module")
def shop() -> Bundle:
    found, diagnostics, _ = load_folder(RULES)
    assert found is not None, diagnostics
    return found


@pytest.fixture
def with_settings() -> Loaded:
    """The shop with another bundle.yaml."""

    def load(text: str) -> Bundle:
        found, diagnostics = bundle({**read_folder(RULES), "bundle.yaml": text})
        assert found is not None, diagnostics
        return found

    return load


def test_only_suspended_differs(shop: Bundle) -> None:
    derived = suspending(shop, [SPRING])
    one, two = document(shop.rules), document(derived.rules)
    added = two["bundle"].pop("suspended")[len(one["bundle"].pop("suspended")) :]
    assert one == two
    assert added == [{"policy": "shop.spring", "reward": None, "reason": "wrong amount"}]
    assert derived.id != shop.id
    assert derived.label == shop.label


def test_the_files_but_bundle_yaml_are_the_same_texts(shop: Bundle) -> None:
    derived = suspending(shop, [SPRING])
    assert {**derived.sources, "bundle.yaml": ""} == {**shop.sources, "bundle.yaml": ""}


def test_the_derived_sources_give_the_derived_id(shop: Bundle) -> None:
    derived = suspending(shop, [SPRING])
    again, _ = bundle(derived.sources)
    assert again is not None
    assert again.id == derived.id


def test_the_same_stops_give_the_same_bundle(shop: Bundle) -> None:
    assert suspending(shop, [SPRING]).id == suspending(shop, [SPRING]).id


def test_another_reason_is_another_bundle(shop: Bundle) -> None:
    assert suspending(shop, [SPRING]).id != suspending(shop, [Suspension("shop.spring", None, "other")]).id


def test_no_stop_is_no_new_bundle(shop: Bundle) -> None:
    assert suspending(shop, []) is shop


def test_what_the_bundle_suspends_itself_is_not_listed_twice(shop: Bundle) -> None:
    assert suspending(shop, [Suspension("shop.stopped", None, "again"), Suspension("shop.hours", "held", "x")]) is shop


def test_a_policy_or_reward_that_is_not_there_is_left_out(shop: Bundle) -> None:
    assert suspending(shop, [Suspension("shop.gone", None, "x"), Suspension("shop.hours", "gone", "x")]) is shop


def test_a_reward_is_stopped_by_its_name(shop: Bundle) -> None:
    reward = next(r.id for p in shop.rules.policies if p.id == "shop.hours" for r in p.rewards if r.id != "held")
    derived = suspending(shop, [Suspension("shop.hours", reward, "x")])
    assert derived.rules.settings.suspended[-1] == Suspension("shop.hours", reward, "x")
    assert is_suspended(derived.rules, "shop.hours", reward)
    assert not is_suspended(derived.rules, "shop.hours", None)


@pytest.mark.parametrize(
    "reason", ["null", "~", "true", "- a: {b", "2023-01-01", "#", "'\"", "x" * 500, "金额 🙂　有误"]
)
def test_a_reason_is_kept_to_the_letter(shop: Bundle, reason: str) -> None:
    assert suspending(shop, [Suspension("shop.spring", None, reason)]).rules.settings.suspended[-1].reason == reason


@pytest.mark.parametrize("suspended", ["", "suspended: []\n"])
def test_a_bundle_that_suspends_nothing_takes_a_first_entry(with_settings: Loaded, suspended: str) -> None:
    published = with_settings(f"label: shop\ntime_zone: Asia/Shanghai\n{_STACKING}{suspended}")
    assert suspending(published, [SPRING]).rules.settings.suspended == (SPRING,)


def test_scalars_stay_as_they_are_written() -> None:
    text = "day_starts: \"04:00\"\nlabel: 2023-01-01\ncap: 5.00\nzone: 'no'\nlong: |\n  a\n  b\n"
    written = with_suspensions(text, [SPRING])
    for line in text.splitlines():
        assert line in written.splitlines()


def test_a_suspended_policy_suspends_its_rewards(shop: Bundle) -> None:
    assert is_suspended(shop.rules, "shop.stopped", "any")
    assert not is_suspended(shop.rules, "shop.spring", None)


def test_a_policy_is_known_by_any_of_its_files(shop: Bundle) -> None:
    assert is_known(shop.rules, "shop.hours", None)
    assert is_known(shop.rules, "shop.hours", "held")
    assert not is_known(shop.rules, "shop.hours", "gone")
    assert not is_known(shop.rules, "shop.gone", None)

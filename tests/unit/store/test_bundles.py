"""Bundles stay as first seen; the history of the active one only grows."""

import pytest

from policy_service.decisions.records import Activation, BundleEntry, StoreRefused
from policy_service.store import SqlBundleStore

A, B, C = ("sha256:" + letter * 64 for letter in "abc")
MORNING = "2023-04-01T08:00:00.000Z"
NOON = "2023-04-01T12:00:00.000Z"
SOURCES = {"facts.yaml": "facts: {}\n", "川流/hours.yaml": "policy: 川流\r\n# 说明 \t\n", "bundle.yaml": ""}


@pytest.fixture
def stored(bundles: SqlBundleStore) -> SqlBundleStore:
    for id in (A, B, C):
        bundles.save_bundle(id, None, {}, MORNING)
    return bundles


def test_a_bundle_is_read_back_with_its_sources(bundles: SqlBundleStore) -> None:
    assert bundles.save_bundle(A, "spring", SOURCES, MORNING)
    assert bundles.sources(A) == SOURCES
    assert bundles.bundles() == [BundleEntry(A, "spring", MORNING)]


def test_sources_come_sorted_by_path(bundles: SqlBundleStore) -> None:
    bundles.save_bundle(A, None, SOURCES, MORNING)
    assert list(bundles.sources(A) or {}) == sorted(SOURCES)


def test_an_unknown_bundle_has_no_sources(bundles: SqlBundleStore) -> None:
    assert bundles.sources(A) is None


def test_a_bundle_of_no_files_is_known(bundles: SqlBundleStore) -> None:
    bundles.save_bundle(A, None, {}, MORNING)
    assert bundles.sources(A) == {}


def test_what_was_first_stored_under_an_id_stays(bundles: SqlBundleStore) -> None:
    bundles.save_bundle(A, "spring", SOURCES, MORNING)
    assert not bundles.save_bundle(A, "summer", {"bundle.yaml": "# a comment more\n"}, NOON)
    assert bundles.sources(A) == SOURCES
    assert bundles.bundles() == [BundleEntry(A, "spring", MORNING)]


def test_bundles_are_listed_as_first_seen(bundles: SqlBundleStore) -> None:
    bundles.save_bundle(A, None, {}, NOON)
    bundles.save_bundle(B, None, {}, MORNING)
    assert [entry.id for entry in bundles.bundles()] == [B, A]


def test_before_the_first_activation_none_is_active(stored: SqlBundleStore) -> None:
    assert stored.active() is None
    assert stored.last_from_folder() is None
    assert stored.activations() == []
    assert not stored.was_active(A)


def test_the_bundle_activated_last_is_active_whatever_its_instant(stored: SqlBundleStore) -> None:
    stored.activate(A, NOON, "wei", "release")
    stored.activate(B, MORNING, "wei", "clock set back")
    assert stored.active() == B


def test_a_bundle_that_was_replaced_was_active(stored: SqlBundleStore) -> None:
    stored.activate(A, MORNING, "wei", "release")
    stored.activate(B, NOON, "wei", "release")
    assert stored.was_active(A)
    assert stored.was_active(B)
    assert not stored.was_active(C)


def test_a_bundle_may_be_activated_again(stored: SqlBundleStore) -> None:
    for id in (A, B, A):
        stored.activate(id, MORNING, "wei", "back and forth")
    assert stored.active() == A
    assert [activation.bundle for activation in stored.activations()] == [A, B, A]


def test_what_the_folder_gave_is_told_apart_from_what_people_activated(stored: SqlBundleStore) -> None:
    stored.activate(A, MORNING, "serve", "start", folder=True)
    stored.activate(B, NOON, "wei", "correction")
    assert stored.last_from_folder() == A
    assert stored.active() == B


def test_the_history_is_complete_and_in_order(stored: SqlBundleStore) -> None:
    stored.activate(A, MORNING, "serve", "start", folder=True)
    stored.activate(B, NOON, "wei", "修正")
    assert stored.activations() == [
        Activation(1, A, MORNING, "serve", "start", True),
        Activation(2, B, NOON, "wei", "修正", False),
    ]


def test_an_unknown_bundle_cannot_be_activated(stored: SqlBundleStore) -> None:
    with pytest.raises(StoreRefused):
        stored.activate("sha256:" + "0" * 64, NOON, "wei", "typing error")
    assert stored.activations() == []

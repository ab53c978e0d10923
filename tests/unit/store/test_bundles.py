"""Bundles stay as first seen."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from policy_service.decisions.ports.activations import BundleEntry
from policy_service.store import SqlBundleContents
from policy_service.store.bundles import save
from policy_service.store.database import writing
from tests.signed import MORNING, NOON, A, B

SOURCES = {"facts.yaml": "facts: {}\n", "川流/hours.yaml": "policy: 川流\r\n# 说明 \t\n", "bundle.yaml": ""}


def saved(
    engine: Engine,
    id: str,
    sources: Mapping[str, str] = SOURCES,
    *,
    label: str | None = "spring",
    seen_at: str = MORNING,
) -> bool:
    """Whether it was new."""
    with writing(engine) as connection:
        return save(connection, id, label, sources, seen_at)


def test_a_bundle_is_read_back_with_its_sources(engine: Engine, bundles: SqlBundleContents) -> None:
    assert saved(engine, A)
    assert bundles.sources(A) == SOURCES
    assert bundles.bundles() == [BundleEntry(A, "spring", MORNING)]


def test_sources_come_sorted_by_path(engine: Engine, bundles: SqlBundleContents) -> None:
    saved(engine, A)
    assert list(bundles.sources(A) or {}) == sorted(SOURCES)


def test_an_unknown_bundle_has_no_sources(bundles: SqlBundleContents) -> None:
    assert bundles.sources(A) is None


def test_a_bundle_is_found_without_its_sources(engine: Engine, bundles: SqlBundleContents) -> None:
    saved(engine, A)
    assert bundles.bundle(A) == BundleEntry(A, "spring", MORNING)
    assert bundles.bundle(B) is None


def test_of_threads_that_save_a_bundle_at_once_one_is_told_that_it_is_new(
    engine: Engine, bundles: SqlBundleContents
) -> None:
    with ThreadPoolExecutor(8) as threads:
        new = list(threads.map(lambda _: saved(engine, A), range(8)))
    assert sorted(new) == [False] * 7 + [True]
    assert bundles.sources(A) == SOURCES


def test_a_bundle_of_no_files_is_known(engine: Engine, bundles: SqlBundleContents) -> None:
    saved(engine, A, {})
    assert bundles.sources(A) == {}


def test_what_was_first_stored_under_an_id_stays(engine: Engine, bundles: SqlBundleContents) -> None:
    saved(engine, A)
    assert not saved(engine, A, {"bundle.yaml": "# a comment more\n"}, label="summer", seen_at=NOON)
    assert bundles.sources(A) == SOURCES
    assert bundles.bundles() == [BundleEntry(A, "spring", MORNING)]


def test_bundles_are_listed_as_first_seen(engine: Engine, bundles: SqlBundleContents) -> None:
    saved(engine, A, seen_at=NOON)
    saved(engine, B)
    assert [entry.id for entry in bundles.bundles()] == [B, A]

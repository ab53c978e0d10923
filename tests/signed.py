"""Orders and notes signed with a key that a test makes: on a store, and by themselves."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from policy_service.access.trail import TrailEntry
from policy_service.decisions.deciding.ids import decision_id
from policy_service.decisions.ports.activations import BundleSources, NewActivation
from policy_service.decisions.ports.acts import Beginning, Change, StoredAct
from policy_service.decisions.sealed import acts
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs import keys

ORIGIN = "log.example/policy"
A, B, C = ("sha256:" + letter * 64 for letter in "abc")
MORNING, NOON, EVENING = (f"2023-04-01T{hour}:00:00.000Z" for hour in ("08", "12", "18"))
_numbers = itertools.count(1)


def new_id() -> str:
    """Another with each call, and greater."""
    return decision_id(next(_numbers), bytes(10))


def new_keys(folder: Path, *names: str) -> LogKeys:
    """Keys of one log, made in a folder."""
    return LogKeys(ORIGIN, tuple(keys.make(folder / f"{name}.pem", ORIGIN) for name in names or ("log",)))


def entry(at: str = MORNING, action: str = "test.done", target: str = "t", **words: Any) -> TrailEntry:
    return TrailEntry(at, "wei", action, target, **words)


def beginning(log: LogKeys, *, at: str = MORNING, legacy: int = 0) -> Change:
    return Change(entry(at, "log.begin"), begin=Beginning(log.origin, tuple(one.text for one in log.verifiers), legacy))


def storing(*bundles: str, at: str = MORNING) -> Change:
    """An order that stores bundles of no files."""
    return Change(entry(at, "bundle.upload"), bundles=[BundleSources(one, None, {}) for one in bundles])


def activation(bundle: str, at: str = MORNING, effective_at: str = "", **given: Any) -> NewActivation:
    found = {"published": bundle, "kind": "activate", "actor": "wei", "reason": "修正"} | given
    return NewActivation(bundle=bundle, at=at, effective_at=effective_at or at, **found)


def order(change: Change, version: int, previous: str, log: LogKeys, *, id_: str = "") -> StoredAct:
    """A signed order."""
    said = acts.order_of(change, version, previous)
    return acts.made(id_ or new_id(), change.entry, log, order=said)


def note(log: LogKeys, at: str = MORNING) -> StoredAct:
    return acts.made(new_id(), entry(at, "decision.reveal"), log)


def chain(log: LogKeys, *changes: Change) -> list[StoredAct]:
    """Orders that continue each other, from the first."""
    made: list[StoredAct] = []
    for version, change in enumerate(changes, start=1):
        made.append(order(change, version, made[-1].leaf if made else "", log))
    return made


def ticking(start: datetime = datetime(2023, 4, 1, 8, tzinfo=UTC)) -> Callable[[], datetime]:
    """A clock that moves a second with each reading."""
    seconds = itertools.count(1)
    return lambda: start + timedelta(seconds=next(seconds))

"""Acts as bodies: canonical JSON that is hashed, receipted, sealed and read back.

Source: docs/design/0011-nobody-forges.md.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import orjson

from policy_service import __version__, canonical
from policy_service.access.keys import Key
from policy_service.access.principals import Role
from policy_service.access.trail import TrailEntry
from policy_service.decisions.ports.activations import BundleSources, NewActivation, StopEvent
from policy_service.decisions.ports.acts import (
    Adopted,
    Beginning,
    BundleFiles,
    Change,
    ErasedRecords,
    KeyEnd,
    LogState,
    StoredAct,
)
from policy_service.decisions.ports.observations import NewOrder
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs.receipts import issue
from policy_service.proofs.tree import leaf_hash


class ActMalformed(ValueError):
    """A body is no act; the message says where it is not."""


@dataclass(frozen=True, slots=True)
class Act:
    """An act as its body says it.

    version, previous: of an order; the leaf hash of the order before, as receipts write it, empty for the first.
    """

    id: str
    entry: TrailEntry
    version: int | None = None
    previous: str = ""
    change: Change | None = None
    stored: tuple[BundleFiles, ...] = ()
    erased: ErasedRecords | None = None


def made(
    id_: str,
    entry: TrailEntry,
    keys: LogKeys,
    *,
    order: dict[str, Any] | None = None,
    erased: ErasedRecords | None = None,
) -> StoredAct:
    """The act, with its receipt.

    Args:
        order: as `order_of` gives it.
    """
    said: dict[str, Any] = {"act_id": id_, "service_version": __version__, **_words(entry)}
    if order is not None:
        said["order"] = order
    if erased is not None:
        said["erasure"] = {"subject": {"type": erased.subject}, "records": list(erased.records)}
    body = canonical.dumps(said)
    leaf = leaf_hash(body)
    receipt = canonical.dumps(issue(keys.signers[0], keys.origin, id_, entry.at, leaf).json).decode()
    version = None if order is None else order["version"]
    return StoredAct(id_, entry.at, entry.action, version, body, leaf.hex(), receipt)


def _words(entry: TrailEntry) -> dict[str, Any]:
    found = asdict(entry) | {"detail": dict(entry.detail)}
    return found if entry.request_id is not None else {key: found[key] for key in found if key != "request_id"}


# ---- orders to JSON


def order_of(change: Change, version: int, previous: str) -> dict[str, Any]:
    """The member `order` of a body.

    Args:
        previous: leaf hash of the order before, hexadecimal; empty for the first.
    """
    found: dict[str, Any] = {
        "bundles": [_files_of(bundle) for bundle in change.bundles],
        "activations": [asdict(one) for one in change.activations],
        "stops": [asdict(one) for one in change.stops],
        "keys": [_key_json(key) for key in change.keys],
        "key_ends": [asdict(end) for end in change.key_ends],
        "shadows": [asdict(one) for one in change.shadows],
    }
    found = {name: value for name, value in found.items() if value}
    signing = {"add": list(change.signing_added), "retire": list(change.signing_retired)}
    if any(signing.values()):
        found["signing_keys"] = {name: value for name, value in signing.items() if value}
    if change.begin is not None:
        found["begin"] = asdict(change.begin) | {"keys": list(change.begin.keys)}
    if change.adopted is not None:
        found["adopted"] = {**asdict(change.adopted.at), "lost": asdict(change.adopted.lost)}
    return {"version": version, "previous": f"sha256:{previous}" if previous else "", **found}


def _files_of(bundle: BundleSources) -> dict[str, Any]:
    files = {path: canonical.digest(text.encode()) for path, text in sorted(bundle.sources.items())}
    return {"id": bundle.id, "label": bundle.label, "files": files}


def _key_json(key: Key) -> dict[str, Any]:
    found = asdict(key) | {"roles": list(key.roles)}
    del found["number"]  # the order of the keys gives it
    return found


# ---- and back


def parse(body: bytes) -> Act:
    """The act of a body. Raises ActMalformed."""
    try:
        found = orjson.loads(body)
        entry = TrailEntry(
            _text(found["at"]),
            _text(found["actor"]),
            _text(found["action"]),
            _text(found["target"]),
            _text(found["reason"]),
            {_text(name): _text(value) for name, value in found["detail"].items()},
            found.get("request_id"),
        )
        order, erasure = found.get("order"), found.get("erasure")
        erased = None if erasure is None else _erased(erasure)
        if order is None:
            return Act(_text(found["act_id"]), entry, erased=erased)
        return Act(_text(found["act_id"]), entry, *_order(order, entry), erased)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ActMalformed(f"it is no act: {type(error).__name__} at {error}") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is due")
    return value


def _erased(found: Mapping[str, Any]) -> ErasedRecords:
    return ErasedRecords(_text(found["subject"]["type"]), tuple(map(_text, found["records"])))


def _order(found: Mapping[str, Any], entry: TrailEntry) -> tuple[int, str, Change, tuple[BundleFiles, ...]]:
    version, previous = found["version"], _text(found["previous"])
    if type(version) is not int or version < 1:
        raise ValueError("a version is a number from 1")
    stored = tuple(BundleFiles(one["id"], one["label"], one["files"]) for one in found.get("bundles", ()))
    signing = found.get("signing_keys", {})
    change = Change(
        entry,
        activations=[NewActivation(**one) for one in found.get("activations", ())],
        stops=[StopEvent(**one) for one in found.get("stops", ())],
        keys=[_key(one) for one in found.get("keys", ())],
        key_ends=[KeyEnd(**one) for one in found.get("key_ends", ())],
        shadows=[NewOrder(**one) for one in found.get("shadows", ())],
        signing_added=tuple(map(_text, signing.get("add", ()))),
        signing_retired=tuple(map(_text, signing.get("retire", ()))),
        begin=_begin(found["begin"]) if "begin" in found else None,
        adopted=_adopted(found["adopted"]) if "adopted" in found else None,
    )
    return version, previous, change, stored


def _key(found: Mapping[str, Any]) -> Key:
    roles = cast(tuple[Role, ...], tuple(map(_text, found["roles"])))
    return Key(**{**found, "roles": roles})


def _begin(found: Mapping[str, Any]) -> Beginning:
    return Beginning(_text(found["origin"]), tuple(map(_text, found["keys"])), int(found["legacy"]))


def _adopted(found: Mapping[str, Any]) -> Adopted:
    at = {name: value for name, value in found.items() if name != "lost"}
    return Adopted(LogState(**at), LogState(**found["lost"]))

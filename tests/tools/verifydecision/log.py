"""A log made up in memory: records from before its first act, two keys of which one is retired, and one decision."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policy_service import canonical
from policy_service.access.trail import TrailEntry
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.decisions.deciding.recording import Making, parsed, record_of
from policy_service.decisions.deciding.resolving import EvaluateRequest, Resolved
from policy_service.decisions.ports.activations import BundleSources
from policy_service.decisions.ports.acts import Beginning, Change
from policy_service.decisions.sealed import acts
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.engines.registry import engine
from policy_service.policies.bundle import Bundle, model_of
from policy_service.proofs import notes, receipts, tree
from policy_service.proofs.commitments import Private
from policy_service.proofs.export import Export, Inclusion, ProvedAct, ProvedBundle
from policy_service.proofs.keys import FileSigner
from policy_service.proofs.notes import Head
from policy_service.proofs.receipts import Receipt
from policy_service.proofs.tiles import Tile, TileNodes, extend

ORIGIN, ID, AT = "log.example/decisions", "01890a5d-ac96-774b-bcce-b302099a8057", "2023-04-01T08:00:00.000Z"
ORDERED_AT, SEALED_AT = "2023-04-01T07:00:00.000Z", "2023-04-01T09:00:00.000Z"
OLD, NEW, STRANGER = (
    FileSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(seed * 32)) for seed in (b"1", b"2", b"3")
)
PINNED = ("--key", NEW.verifier.text)
SIZE, LEGACY = 700, 2
BEGUN, ADDED, STORED, RETIRED = 2, 10, 20, 400
"""Places of acts: the first, that which adds the key NEW, that which stores the bundle, that which retires OLD."""
INDEX = 300
"""Place of the decision; INDEX + 1 is another."""
FACTS: dict[str, Any] = {
    "merchant": {"id": "m-1", "hours": 12},
    "member": {"id": "u-1", "points": 25, "joined_on": "2022-02-03"},
    "products": [{"id": "p-1", "price": 20}],
}


class Kept(dict[tuple[int, int], bytes]):
    """Tiles in memory."""

    def __init__(self, tiles: Sequence[Tile] = ()) -> None:
        super().__init__({(tile.level, tile.number): tile.hashes for tile in tiles})

    def get(self, level: int, number: int) -> bytes | None:
        return super().get((level, number))


@dataclass(frozen=True)
class Decided:
    """A record as the service writes it, sensitive values as commitments; and these values."""

    body: bytes
    privates: tuple[Private, ...]

    def with_(self, **changed: Any) -> "Decided":
        """With other values in the record: signed and sealed so by the log itself."""
        return replace(self, body=canonical.dumps({**parsed(self.body), **changed}))


def decided(rules: Bundle, **options: Any) -> Decided:
    evaluator, day = Evaluator(rules, engine("reference")), date(2023, 4, 1)
    request = EvaluateRequest(FACTS, day.isoformat(), **options)
    resolved = Resolved(evaluator, evaluator.reader.read(FACTS, day), Question(day, "decide", "fired", None, False))
    answer = evaluator.evaluate(resolved.state, resolved.question)
    found = record_of(request, resolved, answer, Making(ID, AT, "local", 3))
    return Decided(found.body, found.privates)


def act(number: int, at: str, signer: FileSigner, change: Callable[[TrailEntry], Change]) -> tuple[bytes, Receipt]:
    """Body and receipt of an order."""
    id_, entry = f"01890a5d-0000-7000-8000-{number:012}", TrailEntry(at, "op", "test", "log", "because")
    order = acts.order_of(change(entry), number, "" if number == 1 else "00" * 32)
    made = acts.made(id_, entry, LogKeys(ORIGIN, (signer,)), order=order)
    assert made.receipt is not None
    return made.body, Receipt.parse(json.loads(made.receipt))


def ordered(rules: Bundle) -> Mapping[int, tuple[bytes, Receipt]]:
    """The acts of the log by their places."""
    stored = BundleSources(rules.id, "club", rules.sources)
    old, new = OLD.verifier.text, NEW.verifier.text
    return {
        BEGUN: act(1, ORDERED_AT, OLD, lambda by: Change(by, begin=Beginning(ORIGIN, (old,), LEGACY))),
        ADDED: act(2, ORDERED_AT, OLD, lambda by: Change(by, signing_added=[new])),
        STORED: act(3, ORDERED_AT, OLD, lambda by: Change(by, bundles=[stored])),
        RETIRED: act(4, SEALED_AT, NEW, lambda by: Change(by, signing_retired=[old])),
    }


def exported(
    decision: Decided,
    rules: Bundle,
    *,
    index: int = INDEX,
    signer: FileSigner = NEW,
    heads: Sequence[FileSigner] = (NEW,),
    changed: Mapping[int, tuple[bytes, Receipt]] | None = None,
    extensions: tuple[str, ...] = (f"time {SEALED_AT}", "after 650"),
) -> Export:
    """The file of the decision, from a log that has it at an index.

    Args:
        signer: of its receipt.
        heads: who sign the head.
        changed: other acts by their places.
    """
    placed = {**ordered(rules), **(changed or {})}
    leaf = tree.leaf_hash(decision.body)
    leaves = [tree.leaf_hash(placed[n][0] if n in placed else b"%d" % n) for n in range(SIZE)]
    leaves[index] = leaf
    tiles, root = extend(Kept(), 0, leaves)
    nodes = TileNodes(Kept(tiles))

    def included(place: int) -> Inclusion:
        return Inclusion(place, SIZE, tree.inclusion_proof(nodes, place, SIZE))

    def proved(place: int) -> ProvedAct:
        return ProvedAct(*placed[place], included(place))

    return Export(
        decision.body,
        leaf,
        ProvedBundle(rules.id, model_of(rules), dict(rules.sources), proved(STORED)),
        included(index),
        notes.sign_head(Head(ORIGIN, SIZE, root, extensions), heads),
        receipts.issue(signer, ORIGIN, ID, AT, leaf),
        tuple(proved(place) for place in sorted(placed) if place != STORED),
        (OLD.verifier.text, NEW.verifier.text),
        decision.privates,
    )


def all_but(whole: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in whole.items() if key != name}


def lines(text: str) -> Iterator[tuple[str, str]]:
    """Name, and outcome with what was found, of each line that the program wrote."""
    for line in text.splitlines():
        outcome, name, found = line.split(None, 2)
        yield name, f"{outcome} {found}"


def failing(found: Mapping[str, str]) -> set[str]:
    return {name for name, outcome in found.items() if outcome.startswith("FAIL")}


def short() -> str:
    """Too few bytes, in base64."""
    return b64encode(b"x").decode()

"""A head shown to one place outside the store, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from policy_service.decisions.ports.log import LogStore, SignedHead
from policy_service.decisions.ports.witnesses import Unreachable, Witness, WitnessAnswer
from policy_service.decisions.sealed.sealing import StoredTiles
from policy_service.proofs import tree
from policy_service.proofs.cosignatures import CosignatureRefused, joined, verified
from policy_service.proofs.notes import NoteRefused
from policy_service.proofs.tiles import TileNodes, TreeDamaged

Outcome = Literal[
    "cosigned", "kept", "nothing", "late", "unreachable", "refused", "invalid", "damaged", "behind", "forked"
]
ALARMS: tuple[Outcome, ...] = ("behind", "forked", "damaged")
"""What says that the store is not what it was: it was set back, it has another history, or its tree lacks hashes."""
FINE: tuple[Outcome, ...] = ("cosigned", "kept", "nothing", "late")
"""`late`: other processes were quicker; `nothing`: there is no head yet."""
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of it.

    message: for people; empty where all is fine.
    size, line: of the head that a witness cosigned, and its cosignature.
    """

    outcome: Outcome
    message: str = ""
    size: int = 0
    line: str = ""

    @property
    def json(self) -> dict[str, str | int]:
        return {"outcome": self.outcome, "size": self.size, "message": self.message}


def behind(size: int, head: SignedHead) -> Asked:
    return Asked("behind", f"it has seen a log of {size} records, the store has {head.size}: the store was set back")


def ask(log: LogStore, witness: Witness, old: int) -> Asked:
    """Show the last head to a witness.

    Args:
        old: size of the head that the witness is thought to have cosigned last; if it says another, it is asked again.
    Raises:
        StoreUnavailable.
    """
    try:
        for _ in range(_TRIES):
            head = log.head()  # read after the witness answered: another process may have shown it a newer one
            if head is None:
                return Asked("nothing")
            if old > head.size:
                return behind(old, head)
            answer = witness.add_checkpoint(old, _proof(log, old, head), head.note)
            if answer.said != "other_size":
                return _judged(witness, head, answer)
            old = answer.size
    except Unreachable as error:
        return Asked("unreachable", str(error))
    except TreeDamaged as error:
        return Asked("damaged", f"no proof can be made: {error}")
    return Asked("late")


def _proof(log: LogStore, old: int, head: SignedHead) -> Sequence[bytes]:
    return tree.consistency_proof(TileNodes(StoredTiles(log)), old, head.size)


def _judged(witness: Witness, head: SignedHead, answer: WitnessAnswer) -> Asked:
    if answer.said == "inconsistent":
        return Asked("forked", f"the head of {head.size} records does not continue the one that it cosigned last")
    if answer.said == "refused":
        return Asked("refused", answer.reason)
    try:
        found = verified(joined(head.note, answer.lines), [witness.key])
    except (CosignatureRefused, NoteRefused) as error:
        return Asked("invalid", str(error))
    if not found:
        return Asked("invalid", "it gives no cosignature of its key")
    return Asked("cosigned", size=head.size, line=found[0].line)

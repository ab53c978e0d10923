"""What keeps heads outside the store, and the ports through which it is asked: witnesses, and a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from policy_service.proofs.cosignatures import WitnessKey


class Unreachable(Exception):
    """A witness or the folder cannot be used now; the message says why."""


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What a witness says to a head, by C2SP tlog-witness.

    said: `cosigned`; `other_size`, where the size it cosigned last is another one; `inconsistent`, where the head does
        not continue that one; `refused` for any other reason.
    lines: signature lines, of `cosigned` alone.
    size: what it cosigned last, of `other_size` alone.
    reason: of `refused`.
    """

    said: Literal["cosigned", "other_size", "inconsistent", "refused"]
    lines: tuple[str, ...] = ()
    size: int = 0
    reason: str = ""


class Witness(Protocol):
    """A witness that can be asked."""

    key: WitnessKey

    def add_checkpoint(self, old: int, proof: Sequence[bytes], note: str) -> WitnessAnswer:
        """Show it a head, and the proof from the size it cosigned last. Raises Unreachable."""


class HeadsFolder(Protocol):
    """A folder in which a file is never changed. Every operation may raise Unreachable."""

    def largest(self) -> tuple[int, str] | None:
        """The largest size of which there is a file, and its text."""

    def put(self, size: int, note: str) -> str | None:
        """Write the file of a size; null if it was written, else the text that is there and stays."""

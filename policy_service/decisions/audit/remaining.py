"""What of erased values is not yet gone, in plain sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.ports.remains import RemainsStore

Place = Literal["rows", "readers", "pages", "unknown"]
_SENTENCES: dict[Place, str] = {
    "rows": "{count} rows about these decisions are in the database again: erase once more",
    "readers": "somebody still reads the database as it was before: look again when they have ended",
    "pages": "unused parts of the database's files may hold old copies until the tables are written anew: "
    "policyctl audit erased {id} --vacuum",
    "unknown": "the database cannot be looked at now: policyctl audit erased {id}",
}


@dataclass(frozen=True, slots=True)
class Remain:
    """Something that is not yet gone, where the service can see it."""

    place: Place
    message: str


def remains_of(store: RemainsStore, id_: str, records: Sequence[str], *, renew: bool = False) -> tuple[Remain, ...]:
    """What is not yet gone of the values of some records.

    Args:
        id_: of their erasure.
        renew: whether the tables are written anew, which takes as long as copying them.
    """
    try:
        return tuple(_remains(store, id_, records, renew=renew))
    except StoreUnavailable:
        return (_remain("unknown", id_),)


def _remains(store: RemainsStore, id_: str, records: Sequence[str], *, renew: bool) -> list[Remain]:
    found = list[Remain]()
    if kept := store.kept(records):
        found.append(_remain("rows", id_, kept))
    held = store.held()
    renewed = renew and not held and store.renew()
    if store.held() or held:  # who came while the tables were written anew keeps the old ones too
        found.append(_remain("readers", id_))
    if not renewed:
        found.append(_remain("pages", id_))
    return found


def _remain(place: Place, id_: str, count: int = 0) -> Remain:
    return Remain(place, _SENTENCES[place].format(id=id_, count=count))

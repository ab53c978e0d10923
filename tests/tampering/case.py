"""One row of the table of manipulations: who does what, what `verify` must say of it, and what the service must do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from tests.tampering import forging
from tests.tampering.forging import Key
from tests.tampering.victim import Hand, Story

Group = Literal[
    "record", "receipt", "private", "log", "tile", "head", "term", "key", "bundle", "queue", "order", "database"
]
Place = str | int | None
"""A record by its name in the story, an index, or no record at all."""
Finds = Mapping[str, Place | tuple[Place, ...]]
"""Kinds of findings, each with the places of all that must be told; no other kind may be told."""


@dataclass(frozen=True)
class Case:
    """A manipulation without a key that signs the log.

    finds: see Finds.
    holds: a service that is started then decides nothing; else it decides.
    seals: where it decides, whether what it decides is sealed too.
    forgets: the idempotency key under which a retry is a new request.
    only: the one kind of database that lets it be done.
    which: the store that it is done to; `backup` is of that noon.
    resumes: it is verified by who goes on from an earlier verification.
    """

    name: str
    group: Group
    do: Callable[["Tampering"], None]
    finds: Finds
    holds: bool = False
    seals: bool = True
    forgets: str | None = None
    only: str | None = None
    which: str = "whole"
    resumes: bool = False


@dataclass
class Tampering:
    """What somebody has who may write the database and cannot sign: a hand in it, and a key of his own."""

    hand: Hand
    story: Story
    key: Key
    made: int = 0

    def id(self, name: str) -> str:
        """The id of a record by its name; `new` is the last one that the attacker made."""
        return _made(self.made) if name == "new" else self.story.ids[name]

    def new_id(self) -> str:
        self.made += 1
        return _made(self.made)

    # ---- records

    def table(self, name: str) -> str:
        return "decisions" if self.story.records[self.story.index(name)][0] == "decision" else "acts"

    def edit(self, name: str, old: bytes, new: bytes, *, leaf: bool = False) -> bytes:
        """The body with a part replaced, written in its place; with its leaf hash beside it."""
        body = self.story.body(name)
        assert old in body, old
        return self.put(name, body.replace(old, new), leaf=leaf)

    def put(self, name: str, body: bytes, *, leaf: bool = False) -> bytes:
        self.change(self.table(name), name, body=body)
        if leaf:
            self.change(self.table(name), name, leaf=forging.leaf(body).hex())
            self.hand.run(
                "UPDATE log_entries SET leaf = :leaf WHERE id = :id", leaf=forging.leaf(body).hex(), id=self.id(name)
            )
        return body

    def change(self, table: str, name: str, **values: Any) -> None:
        """Columns of the row of a record set to other values."""
        sets = ", ".join(f'"{column}" = :{column}' for column in values)
        self.hand.change(f"UPDATE {table} SET {sets} WHERE id = :of", **values, of=self.id(name))

    def copied(self, name: str, *changes: tuple[bytes, bytes], receipt: bool = False) -> str:
        """A decision under another id with parts of its body replaced, stored and queued; its id."""
        row = self.hand.row(self.table(name), self.id(name))
        id_ = self.new_id()
        body = self.story.body(name).replace(self.id(name).encode(), id_.encode())
        for old, new in changes:
            assert old in body, old
            body = body.replace(old, new)
        row |= {"id": id_, "body": body, "leaf": forging.leaf(body).hex()}
        if receipt:
            row["receipt"] = self.key.receipt(id_, row["decided_at"], body)
        self.hand.insert("decisions", row)
        self.queue("decision", id_)
        return id_

    def queue(self, kind: str, id_: str) -> None:
        self.hand.insert("unsealed", {"kind": kind, "id": id_})

    def delete(self, name: str) -> None:
        self.hand.change(f"DELETE FROM {self.table(name)} WHERE id = :id", id=self.id(name))

    # ---- acts

    def act(self, said: Mapping[str, Any], *, receipt: str | None = None, version: int | None = None) -> str:
        """An act as the service writes them, with the attacker's own receipt, stored and queued; its id."""
        id_ = self.new_id()
        body = forging.canonical({"act_id": id_, "service_version": "0.1.0", "reason": "", "detail": {}, **said})
        row = {"id": id_, "at": said["at"], "action": said["action"], "version": version, "body": body}
        given = self.key.receipt(id_, said["at"], body) if receipt is None else receipt
        self.hand.insert("acts", row | {"leaf": forging.leaf(body).hex(), "receipt": given})
        self.queue("act", id_)
        return id_

    def order(self, action: str, **order: Any) -> str:
        """An order behind the last one, as good as can be made without the key."""
        last = self.hand.rows("SELECT leaf FROM acts WHERE version = :version", version=self.story.version)[0]
        version, before = self.story.version + 1, last["leaf"]
        said = {"at": LATE, "actor": "op", "action": action, "target": "-"}
        return self.act(
            said | {"order": {"version": version, "previous": f"sha256:{before}", **order}}, version=version
        )

    # ---- all of it

    def cut(self, size: int) -> None:
        """Nothing in the store is younger than its head of a size, but bundles."""
        gone = [id_ for _, id_, _ in self.story.records[size:]]
        for id_ in gone:
            for table, column in OWNED:
                self.hand.run(f"DELETE FROM {table} WHERE {column} = :id", id=id_)
        self.unseal(size)
        self.hand.run("DELETE FROM unsealed")

    def unseal(self, size: int) -> None:
        """The log is as it was at a size."""
        self.hand.run('DELETE FROM log_entries WHERE "index" >= :size', size=size)
        self.hand.run('DELETE FROM terms WHERE "index" >= :size', size=size)
        self.hand.run("DELETE FROM log_heads WHERE size > :size", size=size)
        self.set_tile(self.tile()[: size * 32])
        self.hand.run("DELETE FROM log_tiles WHERE length(hashes) = 0")

    # ---- the tree

    def tile(self) -> bytes:
        return bytes(self.hand.rows("SELECT hashes FROM log_tiles WHERE level = 0 AND number = 0")[0]["hashes"])

    def set_tile(self, hashes: bytes) -> None:
        self.hand.change("UPDATE log_tiles SET hashes = :hashes WHERE level = 0 AND number = 0", hashes=hashes)

    def set_hash(self, index: int, found: bytes) -> None:
        tile = self.tile()
        self.set_tile(tile[: index * 32] + found + tile[(index + 1) * 32 :])


def _made(number: int) -> str:
    return str(UUID(int=(0x01A22E4300007000 << 64 | 1 << 63) + number))


OWNED = (("private_values", "record"), ("idempotency", "decision"), ("decisions", "id"), ("acts", "id"))
"""What belongs to one record, and the column that says so."""
TABLES = (
    "acts", "decisions", "idempotency", "private_values", "unsealed", "refused", "log_entries", "log_tiles",
    "log_heads", "terms", "bundle_sources", "bundles",
)  # fmt: skip
LATE = "2023-04-02T05:00:00.000Z"
"""After all that happened."""

CASES: list[Case] = []


def case(
    group: Group, finds: Finds, **more: Any
) -> Callable[[Callable[[Tampering], None]], Callable[[Tampering], None]]:
    """Puts a manipulation into the table, under the name of its function."""

    def add(do: Callable[[Tampering], None]) -> Callable[[Tampering], None]:
        CASES.append(Case(do.__name__.replace("_", " "), group, do, finds, **more))
        return do

    return add


def each(of: Mapping[str, Any], pattern: Case, do: Callable[[Tampering, Any], None]) -> None:
    """Puts one manipulation for each of some columns or values into the table; `{}` in the name is the key."""
    for name, value in of.items():
        CASES.append(replace(pattern, name=pattern.name.format(name), do=lambda t, value=value: do(t, value)))

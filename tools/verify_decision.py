"""Verifies the proof of one decision, offline: `python verify_decision.py FILE --key NAME+HASH+BASE64`.

FILE is what `policyctl audit export DECISION --proof FILE` wrote. This program is one file and needs nothing but Python
and the package `cryptography`, so that an auditor can read all of it and need not trust the service's own code. It
verifies that

- the head (C2SP tlog-checkpoint), with the time in it, is signed by a key that was given with `--key`, and that the log
  had not retired by then. The keys in the file prove nothing about who signed: with them alone the exit status is 1,
  unless `--untrusted` is given. With `--witness`, so many of these witnesses have cosigned the head as `--quorum` says;
- the record has the leaf hash that the file says (RFC 9162, section 2.1.1), and is in the log under the root of the
  head (section 2.1.3.2); so are the acts in the file;
- the record has a receipt of a key that was in force at its place. The acts in the file say which keys that were; only
  the records from before the first act, as many as this says, may be without receipt. An act that retires a key may
  have been left out of the file: then a receipt of that key passes, for a record that is in the log all the same.
  `verify_log.py`, which reads the whole log, tells;
- the record names the bundle that the model in the file gives (SHA-256), and the texts of the rules are those whose
  digests stand in the act that stored the bundle: none is other, none is missing and none was added;
- each private value in the file is the one that the record is committed to (HMAC-SHA-256).

That the texts mean what the model says it cannot tell. With `--evaluate` and policy_service installed it builds the
model from the texts, evaluates the recorded request again and compares the answer. Where values are not in the file,
the policies that need none of them are compared, and the others are listed.

Exit status: 0 all fits; 1 something does not, or nobody's key was given; 2 wrong usage.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = 2
KEYS = {
    "format", "record", "leaf", "bundle", "inclusion", "head", "receipt", "order", "signing", "keys", "private",
}  # fmt: skip


class Refused(Exception):
    """Something in the file does not fit; the message says what."""


# ---- the tree: RFC 9162, section 2.1


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def root_from(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to (section 2.1.3.2)."""
    if not 0 <= index < size:
        raise Refused(f"entry {index} cannot be in a log of {size}")
    node, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise Refused("the proof has too many hashes")
        if node & 1 or node == last:
            found = hashlib.sha256(b"\x01" + step + found).digest()
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + step).digest()
        node, last = node >> 1, last >> 1
    if last != 0:
        raise Refused("the proof has too few hashes")
    return found


# ---- keys and signed notes: https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint


ED25519, COSIGNATURE = 1, 4
"""Kinds of keys: of a log, and of a witness (https://c2sp.org/tlog-cosignature)."""


@dataclass(frozen=True)
class Key:
    """A verifier key."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def label(self) -> str:
        return f"{self.name}+{self.id.hex()}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def key_of(text: str, kind: int = ED25519) -> Key:
    """The key of a text `name+hash+base64`: that of a log, or (kind 4) of a witness."""
    name, hashed, data = [*text.split("+", 2), "", ""][:3]
    public = unbase64(data)
    if not is_name(name) or len(public) != 33 or public[0] != kind:
        raise Refused(f"{shown(text)} is no Ed25519 verifier key `name+hash+base64` of type {kind}")
    found = Key(name, public[1:], kind)
    if found.id.hex() != hashed:
        raise Refused(f"the hash of the key {shown(text)} is not that of its name and key")
    return found


def is_name(text: str) -> bool:
    return bool(text) and not any(c.isspace() or c == "+" or c < " " for c in text)


@dataclass(frozen=True)
class Head:
    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...]
    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]
    """Name, key id and signature of each."""

    @property
    def time(self) -> str:
        """When it was sealed: an extension line says so, which is signed as all of the text is."""
        found = [line[5:] for line in self.extensions if line.startswith("time ")]
        if len(found) != 1 or not _INSTANT.fullmatch(found[0]):
            raise Refused("the head does not tell its time, or no instant in UTC")
        return found[0]

    def signatures_of(self, key: Key) -> list[bytes]:
        """What says to be this key's."""
        return [value for name, key_id, value in self.signatures if (name, key_id) == (key.name, key.id)]


_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")


def head_of(note: str) -> Head:
    """The head in a signed note; its signatures are not verified."""
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n") or any(c < " " and c != "\n" for c in note):
        raise Refused("the head is no signed note")
    signatures = []
    for line in lines[:-1].split("\n"):
        dash, name, data = [*line.split(" "), "", ""][:3]
        value = unbase64(data)
        if line.count(" ") != 2 or dash != "—" or not is_name(name) or len(value) < 5:
            raise Refused("a signature line of the head is not `— <name> <base64>`")
        signatures.append((name, value[:4], value[4:]))
    origin, size, root, *more = [*text.split("\n"), "", ""]
    if not origin or not re.fullmatch("0|[1-9][0-9]{0,18}", size) or len(unbase64(root)) != 32 or not all(more[:-2]):
        raise Refused("the head is not origin, size and root")
    return Head(origin, int(size), unbase64(root), tuple(more[:-2]), text + "\n", tuple(signatures))


def signed_by(head: Head, keys: Sequence[Key]) -> list[Key]:
    """Those of the keys that signed a head; a signature of one of them that is wrong refuses the head."""
    found = []
    for key in keys:
        for signature in head.signatures_of(key):
            if not key.verifies(head.text.encode(), signature):
                raise Refused(f"the signature of {shown(key.label)} does not fit the head")
            found.append(key)
    if not found:
        raise Refused("the head is not signed by a key that was given")
    return found


def cosigned_at(head: Head, witness: Key) -> str | None:
    """When a witness cosigned a head, by its own clock; none where it did not. One that is wrong refuses the head."""
    latest = 0
    for value in head.signatures_of(witness):
        seconds, signature = int.from_bytes(value[:8], "big"), value[8:]
        message = f"cosignature/v1\ntime {seconds}\n{head.text}".encode()
        if len(value) != 72 or not 0 < seconds < _YEAR_10000 or not witness.verifies(message, signature):
            raise Refused(f"the cosignature of {shown(witness.label)} does not fit the head")
        latest = max(latest, seconds)
    return datetime.fromtimestamp(latest, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if latest else None


_YEAR_10000 = 253_402_300_800


# ---- the file


@dataclass(frozen=True)
class Inclusion:
    """Where an entry stands in the log of a size, and the hashes that show it."""

    index: int
    size: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True)
class Signed:
    """A record or an act with what proves it, their types checked and nothing else."""

    what: str
    text: str
    body: dict[str, Any]
    receipt: dict[str, str] | None
    inclusion: Inclusion
    id: str
    at: str

    @property
    def leaf(self) -> bytes:
        return leaf_hash(self.text.encode())

    @property
    def order(self) -> dict[str, Any]:
        found: dict[str, Any] = typed(self.body.get("order"), dict, f"the order of {self.what}")
        return found


@dataclass(frozen=True)
class File:
    """The parts of a file, their types checked and nothing else."""

    record: Signed
    leaf: str
    bundle: str
    model: str
    sources: dict[str, str]
    head: str
    order: Signed
    signing: tuple[Signed, ...]
    keys: tuple[str, ...]
    private: tuple[tuple[str, bytes, str], ...]
    """Pointer, salt and canonical value of each."""


def file_of(text: str) -> File:
    whole = typed(parsed(text), dict, "the file")
    if whole.get("format") != FORMAT or type(whole["format"]) is not int:
        raise Refused(f"the file is not of format {FORMAT}")
    whole = exactly(whole, KEYS, "the file")
    bundle = exactly(whole["bundle"], {"id", "model", "sources"}, "bundle")
    record = {"body": whole["record"], "receipt": whole["receipt"], "inclusion": whole["inclusion"]}
    sources = typed(bundle["sources"], dict, "bundle.sources")
    return File(
        record=signed_of(record, "the record", "decision_id", "decided_at"),
        leaf=typed(whole["leaf"], str, "leaf"),
        bundle=typed(bundle["id"], str, "bundle.id"),
        model=typed(bundle["model"], str, "bundle.model"),
        sources={typed(path, str, "a path"): typed(text, str, "a rule text") for path, text in sources.items()},
        head=typed(whole["head"], str, "head"),
        order=act_of(whole["order"], "the order"),
        signing=tuple(act_of(one, "an act on keys") for one in typed(whole["signing"], list, "signing")),
        keys=tuple(typed(key, str, "keys") for key in typed(whole["keys"], list, "keys")),
        private=tuple(private_of(one) for one in typed(whole["private"], list, "private")),
    )


def act_of(value: Any, what: str) -> Signed:
    found = signed_of(exactly(value, {"body", "receipt", "inclusion"}, what), what, "act_id", "at")
    if found.receipt is None:
        raise Refused(f"{what} has no receipt")
    return found


def signed_of(value: dict[str, Any], what: str, id_name: str, at_name: str) -> Signed:
    text, inclusion = typed(value["body"], str, what), exactly(value["inclusion"], {"index", "size", "hashes"}, what)
    body = typed(parsed(text), dict, what)
    hashes = typed(inclusion["hashes"], list, f"the hashes of {what}")
    return Signed(
        what,
        text,
        body,
        None if value["receipt"] is None else receipt_of(value["receipt"]),
        Inclusion(
            typed(inclusion["index"], int, f"the index of {what}"),
            typed(inclusion["size"], int, f"the size of {what}"),
            tuple(sized(step, 32, f"a hash of {what}") for step in hashes),
        ),
        typed(body.get(id_name), str, f"{id_name} of {what}"),
        typed(body.get(at_name), str, f"{at_name} of {what}"),
    )


def receipt_of(value: Any) -> dict[str, str]:
    receipt = exactly(value, {"digest", "decided_at", "key", "signature"}, "the receipt")
    return {name: typed(part, str, "receipt") for name, part in receipt.items()}


def private_of(value: Any) -> tuple[str, bytes, str]:
    one = typed(value, dict, "private")
    pointer, text = typed(one.get("pointer"), str, "private.pointer"), typed(one.get("value"), str, "private.value")
    return pointer, sized(one.get("salt"), 32, "private.salt"), text


def parsed(text: str) -> Any:
    """A JSON text; an object with a key twice, which readers read differently, is refused, and so is NaN."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise Refused("an object has a key twice")
        return dict(pairs)

    def no(text: str) -> None:
        raise Refused(f"{text} is no JSON")

    try:
        text.encode()
        return json.loads(text, object_pairs_hook=once, parse_constant=no, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        raise Refused("the file or the record in it is not JSON in UTF-8") from None


def typed(value: Any, kind: type, what: str) -> Any:
    if type(value) is not kind or (isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value)):
        raise Refused(f"{what} is not what it must be")
    return value


def exactly(value: Any, keys: set[str], what: str) -> dict[str, Any]:
    found: dict[str, Any] = typed(value, dict, what)
    if found.keys() != keys:
        raise Refused(f"{what} does not have exactly {', '.join(sorted(keys))}")
    return found


def sized(value: Any, size: int, what: str) -> bytes:
    found = unbase64(typed(value, str, what))
    if len(found) != size:
        raise Refused(f"{what} is not of {size} bytes in base64")
    return found


def unbase64(text: str) -> bytes:
    """The bytes of a base64 text in its one right form; none for another text."""
    try:
        found = base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""
    return found if base64.b64encode(found).decode() == text else b""


def shown(text: str) -> str:
    """A text of the file that cannot steer a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:200])


# ---- which keys the log itself says are in force


def keys_after(acts: Sequence[Signed]) -> list[Key]:
    """The keys that sign the log after the first of its acts on keys, which begins it, and those that follow."""
    found: list[Key] = []
    for number, act in enumerate(acts):
        order = act.order
        if ("begin" in order) != (number == 0) or ("signing_keys" in order) != (number > 0):
            raise Refused("the acts on keys are not the one that began the log, and those that changed its keys")
        change = {"add": beginning(act)["keys"]} if number == 0 else typed(order["signing_keys"], dict, "signing_keys")
        if not change or not change.keys() <= {"add", "retire"}:
            raise Refused("an act on keys neither adds nor retires one")
        found += [known for known in keys_in(change.get("add", [])) if known not in found]
        retired = keys_in(change.get("retire", []))
        found = [known for known in found if known not in retired]
    return found


def keys_in(value: Any) -> list[Key]:
    return [key_of(typed(text, str, "a key")) for text in typed(value, list, "the keys of an act")]


def beginning(act: Signed) -> dict[str, Any]:
    """What the act says that began the log."""
    return exactly(act.order.get("begin"), {"origin", "keys", "legacy"}, "the beginning of the log")


def legacy(file: File) -> int:
    """How many records are from before the first act, and may be without receipt."""
    act = first(file)
    found: int = typed(beginning(act)["legacy"], int, "`legacy`")
    if not 0 <= found <= act.inclusion.index:
        raise Refused(f"the act that began the log cannot have {found} records before it")
    return found


def first(file: File) -> Signed:
    if not file.signing:
        raise Refused("the file does not have the act that began the log")
    return file.signing[0]


def keys_at(file: File, place: int) -> list[Key]:
    """The keys in force at a place of the log, as far as the acts in the file say."""
    return keys_after([act for act in file.signing if act.inclusion.index < place])


# ---- the checks: each gives what it found, or raises Refused


def check_record(file: File) -> str:
    record = file.record
    digest = "sha256:" + record.leaf.hex()
    if digest != file.leaf:
        raise Refused(f"the record's leaf hash is {digest}, the file says {shown(file.leaf)}")
    return f"decision {shown(record.id)} of {shown(record.at)}, leaf {digest}"


def check_bundle(file: File) -> str:
    digest = "sha256:" + hashlib.sha256(file.model.encode()).hexdigest()
    if digest != file.bundle:
        raise Refused(f"the model gives {digest}, the file says {shown(file.bundle)}")
    if file.record.body.get("bundle") != digest:
        raise Refused("the record names another bundle than the file")
    return f"the record names {digest}, which the model gives"


def check_texts(file: File) -> str:
    digests = ordered(file)["files"]
    if differing := file.sources.keys() ^ digests.keys():
        path = min(differing)
        where = "is missing" if path in digests else "is not one of those that were stored"
        raise Refused(f"the text {shown(path)} {where}")
    for path, text in file.sources.items():
        if digests[path] != "sha256:" + hashlib.sha256(text.encode()).hexdigest():
            raise Refused(f"the text {shown(path)} is not the one that was stored")
    return f"all {len(digests)} are those that were stored, and no other"


def ordered(file: File) -> dict[str, Any]:
    """What the act in the file says of the bundle that it stored."""
    stored = typed(file.order.order.get("bundles"), list, "the bundles of the order")
    found = [one for one in stored if isinstance(one, dict) and one.get("id") == file.bundle]
    if len(found) != 1:
        raise Refused("the act in the file did not store this bundle")
    one = exactly(found[0], {"id", "label", "files"}, "the bundle of the order")
    for digest in typed(one["files"], dict, "the files of the order").values():
        typed(digest, str, "a digest of the order")
    return one


def check_order(file: File) -> str:
    order, one = file.order, ordered(file)
    version = typed(order.order.get("version"), int, "the version of the order")
    known = file.record.body.get("orders")
    if file.record.inclusion.index >= legacy(file) and (type(known) is not int or known < version):
        raise Refused(f"the bundle was stored by order {version}, which the record does not know")
    included(order, head_of(file.head))
    signer = receipted(order, head_of(file.head).origin, keys_at(file, order.inclusion.index))
    label = "" if one["label"] is None else f", label {shown(typed(one['label'], str, 'the label'))}"
    return f"order {version} of {shown(order.at)} stored it{label}: entry {order.inclusion.index}, {signer}"


def check_inclusion(file: File) -> str:
    head = head_of(file.head)
    included(file.record, head)
    return f"entry {file.record.inclusion.index} of the {head.size} in {shown(head.origin)}"


def included(one: Signed, head: Head) -> None:
    inclusion = one.inclusion
    if head.size != inclusion.size:
        raise Refused(f"the proof of {one.what} is for a log of {inclusion.size}, the head for one of {head.size}")
    if root_from(one.leaf, inclusion.index, inclusion.size, inclusion.hashes) != head.root:
        raise Refused(f"the proof does not lead from {one.what} to the root of the head")


def check_head(file: File, keys: Sequence[Key]) -> str:
    head = head_of(file.head)
    signers = signed_by(head, keys)
    in_force = [key for key in signers if key in keys_at(file, head.size)]
    if not in_force:
        raise Refused(f"it is signed by {shown(signers[0].label)}, which was not in force when it was sealed")
    return f"signed by {shown(in_force[0].label)} at {head.time}"


def check_signing(file: File) -> str:
    head, before = head_of(file.head), -1
    if beginning(first(file))["origin"] != head.origin:
        raise Refused("the act that began the log is of another log")
    for number, act in enumerate(file.signing):
        included(act, head)
        if act.inclusion.index <= before:
            raise Refused("the acts on keys are not in the order of the log")
        before = act.inclusion.index
        receipted(act, head.origin, keys_after(file.signing[: number or 1]))
    known = keys_at(file, file.record.inclusion.index)
    said = ", ".join(shown(key.label) for key in known) or "none"
    return f"in force at entry {file.record.inclusion.index}: {said}, by {len(file.signing)} of the acts"


def check_receipt(file: File, keys: Sequence[Key]) -> str:
    record, before = file.record, legacy(file)
    if record.inclusion.index >= before:
        return receipted(record, head_of(file.head).origin, keys_at(file, record.inclusion.index))
    said = f"it is one of the first {before} entries, from before the first act"
    if record.receipt is None:
        return f"none: {said}"
    return f"{receipted(record, head_of(file.head).origin, [*keys_after(file.signing[:1]), *keys])}; {said}"


def receipted(one: Signed, origin: str, keys: Sequence[Key]) -> str:
    """Who signed the receipt of a record or an act."""
    receipt = one.receipt
    if receipt is None:
        raise Refused(f"{one.what} has no receipt")
    if receipt["digest"] != "sha256:" + one.leaf.hex():
        raise Refused(f"the receipt is not for {one.what}")
    if receipt["decided_at"] != one.at:
        raise Refused(f"the receipt names another time than {one.what}")
    parts = (origin, one.id, receipt["decided_at"], receipt["digest"])
    if any("\n" in part for part in parts):
        raise Refused("a part of the receipt holds a newline")
    message = "\n".join(("policy-service/receipt/v1", *parts, "")).encode()
    known = [key for key in keys if key.label == receipt["key"]]
    if not known:
        raise Refused(f"the receipt of {one.what} is by {shown(receipt['key'])}, which was not in force at its place")
    if not any(key.verifies(message, unbase64(receipt["signature"])) for key in known):
        raise Refused(f"the signature of {shown(receipt['key'])} does not fit the receipt")
    return f"signed by {shown(receipt['key'])}"


def check_witnesses(file: File, witnesses: Sequence[Key], quorum: int) -> str:
    head = head_of(file.head)
    found = [(witness.name, at) for witness in witnesses if (at := cosigned_at(head, witness)) is not None]
    said = f"{len(found)} of the {len(witnesses)} witnesses cosigned the head"
    if len(found) < quorum:
        raise Refused(f"{said}, {quorum} must have")
    return f"{said}: " + ", ".join(f"{shown(name)} at {at}" for name, at in found)


def cosigners(file: File, keys: Sequence[Key]) -> str:
    """Who says to have signed the head besides the keys that are known."""
    known = {(key.name, key.id) for key in keys}
    return ", ".join(shown(name) for name, key_id, _ in head_of(file.head).signatures if (name, key_id) not in known)


def check_values(file: File) -> str:
    revealed(file)
    hidden = sum(1 for _ in commitments(file.record.body)) - len(file.private)
    return f"{len(file.private)} fit what the record is committed to, {hidden} are not in the file"


def revealed(file: File) -> dict[str, Any]:
    """The record with the private values of the file in their places, each of which is checked."""
    record: dict[str, dict[str, Any]] = {"": parsed(file.record.text)}
    seen = set()
    for pointer, salt, text in file.private:
        holder, key = place(record, pointer)
        value = holder[key]
        made = hmac.new(salt, f"{pointer}\n{text}".encode(), "sha256").hexdigest()
        if pointer in seen or not is_commitment(value) or value["commitment"] != f"hmac-sha256:{made}":
            raise Refused(f"the value for {shown(pointer)} is not the one that the record is committed to")
        seen.add(pointer)
        holder[key] = parsed(text)
    return record[""]


def place(record: dict[str, Any], pointer: str) -> tuple[Any, Any]:
    """The object or list that holds what a JSON pointer (RFC 6901) names, and the key or index there."""
    holder: Any = None
    value: Any = record
    key: Any = None
    for step in pointer.split("/"):
        holder, key = value, step.replace("~1", "/").replace("~0", "~")
        if isinstance(holder, list) and re.fullmatch("0|[1-9][0-9]{0,8}", step):
            key = int(step)
        try:
            value = holder[key]
        except (LookupError, TypeError):
            raise Refused(f"the record has no place {shown(pointer)}") from None
    return holder, key


def commitments(value: Any) -> Iterator[str]:
    """Every commitment in a record."""
    if is_commitment(value):
        yield value["commitment"]
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from commitments(item)


def is_commitment(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"commitment"} and isinstance(value["commitment"], str)


def check_evaluation(file: File) -> str:
    """With policy_service: the bundle from its texts, and the recorded request evaluated again by the reference."""
    record = revealed(file)
    try:
        from policy_service.decisions.answers.evaluate import FORMAT as ANSWERS
        from policy_service.policies.bundle import stored
        from policy_service.policies.model import LANGUAGE_VERSION
    except ImportError as error:
        raise Refused(f"policy_service is not installed: {shown(str(error))}") from None
    if (record.get("language"), record.get("format")) != (LANGUAGE_VERSION, ANSWERS):
        raise Refused("the record is of another language version or answer format than this policy_service")
    found = stored(file.sources, file.bundle)
    if found is None:
        raise Refused("the rule texts do not give this bundle")
    differing, left = replayed(found, record)
    if differing:
        raise Refused("evaluated again, the answer differs at " + ", ".join(map(shown, differing[:5])))
    said = "the rule texts give this bundle, and the request gives this answer again"
    return (
        f"{said}, but for what was not compared without hidden values: {', '.join(map(shown, left))}" if left else said
    )


def replayed(found: Any, record: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Where the answer differs when the recorded request is evaluated again, as JSON pointers; and the policies that
    were not compared, since they need values that are not there.
    """
    from datetime import date

    from policy_service import canonical
    from policy_service.decisions.answers.differences import differences
    from policy_service.decisions.answers.evaluate import Evaluator, Question
    from policy_service.decisions.answers.redacting import Redaction
    from policy_service.decisions.deciding.recording import parsed as read_back
    from policy_service.decisions.deciding.recording import request_of
    from policy_service.decisions.deciding.resolving import matching
    from policy_service.diagnostics import InvalidInput
    from policy_service.engines.registry import engine

    evaluator, whole = Evaluator(found, engine("reference")), cast(Any, record)
    try:
        request = request_of(whole, found.id, None)
        recorded, facts, merchant = record["answer"], request.facts, request.merchant_id
        hidden = None
        if any(commitments([recorded, facts, merchant])):
            hidden = Redaction([facts], [evaluator.sensitivity])
            facts, merchant = hidden.facts(facts), None
        day, report = date.fromisoformat(request.as_of or ""), request.unknown_facts == "report"
        state = evaluator.reader.read(facts, day, merchant_id=merchant, report_unknown=report)
        chosen = matching(request.policies, found.rules)
        answer = evaluator.evaluate(state, Question(day, "decide", request.trace, chosen, report))
        if report:
            answer["ignored_facts"] = recorded["ignored_facts"]  # undeclared facts were not recorded
        left: set[str] = set()
        if hidden is not None:
            recorded, answer, left = comparable(hidden.of(recorded), hidden.of(answer), hidden.policies)
        if canonical.dumps(recorded) == canonical.dumps(answer):
            return [], sorted(left)
        again = read_back(canonical.dumps(answer))
        return [one.pointer or "/" for one in differences(recorded, again)] or ["/"], sorted(left)
    except (InvalidInput, LookupError, AttributeError, TypeError, ValueError) as error:
        raise Refused(f"the recorded request cannot be evaluated: {shown(str(error))}") from None


def comparable(recorded: Any, answer: Any, hidden: Iterable[str]) -> tuple[Any, Any, set[str]]:
    """Two answers without the policies that are hidden, or of which a value is; and these policies."""
    from policy_service.engines.answer import PARTS

    entries = [one for part in PARTS for one in recorded[part]]
    left = {one["policy"] for one in entries if any(commitments(one))}

    def without(whole: Any) -> Any:
        return {**whole, **{part: [one for one in whole[part] if one["policy"] not in left] for part in PARTS}}

    return without(recorded), without(answer), left | set(hidden)


# ---- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="verify_decision", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE", help="what `policyctl audit export` wrote")
    parser.add_argument("--key", action="append", default=[], metavar="NAME+HASH+BASE64", help="a key to trust")
    parser.add_argument("--witness", action="append", default=[], metavar="VKEY", help="a witness of the head")
    parser.add_argument("--quorum", type=int, metavar="N", help="how many witnesses must have signed (default: all)")
    parser.add_argument("--untrusted", action="store_true", help="exit with 0 though nobody's key was given")
    parser.add_argument("--evaluate", action="store_true", help="evaluate again, with policy_service installed")
    asked = parser.parse_args(arguments)
    try:
        pinned = [key_of(text) for text in asked.key]
        witnesses, quorum = witnesses_of(asked.witness, asked.quorum)
        text = asked.file.read_text("utf-8")
    except (Refused, OSError) as error:
        parser.error(str(error))
    except UnicodeDecodeError:
        line("FAIL", "file", "it is not UTF-8")
        return 1
    try:
        file = file_of(text)
        keys = pinned or [key_of(key) for key in file.keys]
    except Refused as refusal:
        line("FAIL", "file", str(refusal))
        return 1
    failed = [
        told("record", lambda: check_record(file)),
        told("bundle", lambda: check_bundle(file)),
        told("texts", lambda: check_texts(file)),
        told("order", lambda: check_order(file)),
        told("inclusion", lambda: check_inclusion(file)),
        told("head", lambda: check_head(file, keys)),
        told("keys", lambda: check_signing(file)),
        told("receipt", lambda: check_receipt(file, keys)),
        told("values", lambda: check_values(file)),
    ]
    if witnesses:
        failed.append(told("witnesses", lambda: check_witnesses(file, witnesses, quorum)))
    elif not any(failed) and (names := cosigners(file, [*keys, *keys_at(file, head_of(file.head).size)])):
        line("note", "witnesses", f"not verified: {names}; --witness does")
    if asked.evaluate and any(failed):
        line("note", "evaluate", "not done, since the file does not fit")
    elif asked.evaluate:
        failed.append(told("evaluate", lambda: check_evaluation(file)))
    else:
        line("note", "rules", "whether the rule texts mean what the model says was not checked; --evaluate does")
    if not pinned:
        line("warn", "trust", "signatures valid under the key in the file prove nothing about who signed: use --key")
    return 1 if any(failed) or not (pinned or asked.untrusted) else 0


def witnesses_of(texts: Sequence[str], quorum: int | None) -> tuple[list[Key], int]:
    """The witnesses that were given, and how many of them must have signed."""
    found = [key_of(text, COSIGNATURE) for text in texts]
    distinct = len({witness.public for witness in found})
    if distinct < len(found) or (quorum is not None and not 1 <= quorum <= distinct):
        raise Refused("a quorum is from 1 to the number of witnesses, whose keys differ")
    return found, distinct if quorum is None else quorum


def told(name: str, check: Callable[[], str]) -> int:
    """Write what a check found, on a line; 1 if it refused."""
    try:
        line("ok", name, check())
    except Refused as refusal:
        line("FAIL", name, str(refusal))
        return 1
    except RecursionError:
        line("FAIL", name, "it is nested too deeply")
        return 1
    return 0


def line(outcome: str, name: str, text: str) -> None:
    print(f"{outcome:5} {name:10} {text}")


if __name__ == "__main__":
    sys.exit(main())

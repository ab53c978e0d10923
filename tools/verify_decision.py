"""Verifies the proof of one decision, offline: `python verify_decision.py FILE --key NAME+HASH+BASE64`.

FILE is what `policyctl audit export DECISION --proof FILE` wrote. This program is one file and needs nothing but Python
and the package `cryptography`, so that an auditor can read all of it and need not trust the service's own code. It
verifies that

- the record has the leaf hash that the file says (RFC 9162, section 2.1.1), and names the bundle of the file;
- the leaf is in the log under the root of the signed head (RFC 9162, section 2.1.3.2);
- the head (C2SP tlog-checkpoint) and the receipt are signed by a key given with `--key`, once for each key. The keys in
  the file prove nothing about who signed: with them alone the exit status is 1, unless `--untrusted` is given;
- each private value in the file is the one that the record is committed to (HMAC-SHA-256).

It cannot tell that the rule texts in the file give the bundle of that id, since the id is the digest of what the rules
mean. With `--evaluate` and policy_service installed it builds the bundle from the texts, compares its id, evaluates the
recorded request again and compares the answer.

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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = 1
KEYS = {"format", "record", "leaf", "bundle", "inclusion", "head", "receipt", "keys", "private"}


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


@dataclass(frozen=True)
class Key:
    """A verifier key."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n\x01" + self.public).digest()[:4]

    @property
    def label(self) -> str:
        return f"{self.name}+{self.id.hex()}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def key_of(text: str) -> Key:
    """The key of a text `name+hash+base64`."""
    name, hashed, data = [*text.split("+", 2), "", ""][:3]
    public = unbase64(data)
    if not is_name(name) or len(public) != 33 or public[0] != 1:
        raise Refused(f"{shown(text)} is no Ed25519 verifier key `name+hash+base64`")
    found = Key(name, public[1:])
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
    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]
    """Name, key id and signature of each."""


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
    return Head(origin, int(size), unbase64(root), text + "\n", tuple(signatures))


def signed_by(head: Head, keys: Sequence[Key]) -> Key:
    """The first of the keys that signed a head; a signature of one of them that is wrong refuses the head."""
    found = []
    for name, key_id, signature in head.signatures:
        for key in keys:
            if (key.name, key.id) == (name, key_id):
                if not key.verifies(head.text.encode(), signature):
                    raise Refused(f"the signature of {shown(key.label)} does not fit the head")
                found.append(key)
    if not found:
        raise Refused("the head is not signed by a key that was given")
    return found[0]


# ---- the file


@dataclass(frozen=True)
class File:
    """The parts of a file, their types checked and nothing else."""

    record_text: str
    record: dict[str, Any]
    leaf: str
    bundle: str
    sources: dict[str, str]
    index: int
    size: int
    hashes: tuple[bytes, ...]
    head: str
    receipt: dict[str, str] | None
    keys: tuple[str, ...]
    private: tuple[tuple[str, bytes, str], ...]
    """Pointer, salt and canonical value of each."""
    decision: str = field(init=False)
    decided_at: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decision", typed(self.record.get("decision_id"), str, "the record's decision_id"))
        object.__setattr__(self, "decided_at", typed(self.record.get("decided_at"), str, "the record's decided_at"))


def file_of(text: str) -> File:
    whole = typed(parsed(text), dict, "the file")
    if whole.get("format") != FORMAT or type(whole["format"]) is not int:
        raise Refused(f"the file is not of format {FORMAT}")
    if whole.keys() != KEYS:
        raise Refused(f"the file does not have exactly {', '.join(sorted(KEYS))}")
    bundle, inclusion = typed(whole["bundle"], dict, "bundle"), typed(whole["inclusion"], dict, "inclusion")
    sources = typed(bundle.get("sources"), dict, "bundle.sources")
    record_text = typed(whole["record"], str, "record")
    return File(
        record_text=record_text,
        record=typed(parsed(record_text), dict, "the record"),
        leaf=typed(whole["leaf"], str, "leaf"),
        bundle=typed(bundle.get("id"), str, "bundle.id"),
        sources={path: typed(text, str, "bundle.sources") for path, text in sources.items()},
        index=typed(inclusion.get("index"), int, "inclusion.index"),
        size=typed(inclusion.get("size"), int, "inclusion.size"),
        hashes=tuple(sized(step, 32, "inclusion.hashes") for step in typed(inclusion.get("hashes"), list, "hashes")),
        head=typed(whole["head"], str, "head"),
        receipt=None if whole["receipt"] is None else receipt_of(whole["receipt"]),
        keys=tuple(typed(key, str, "keys") for key in typed(whole["keys"], list, "keys")),
        private=tuple(private_of(one) for one in typed(whole["private"], list, "private")),
    )


def receipt_of(value: Any) -> dict[str, str]:
    receipt = typed(value, dict, "receipt")
    if receipt.keys() != {"digest", "decided_at", "key", "signature"}:
        raise Refused("the receipt does not have exactly digest, decided_at, key and signature")
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


# ---- the checks: each gives what it found, or raises Refused


def check_record(file: File) -> str:
    digest = "sha256:" + leaf_hash(file.record_text.encode()).hex()
    if digest != file.leaf:
        raise Refused(f"the record's leaf hash is {digest}, the file says {shown(file.leaf)}")
    return f"decision {shown(file.decision)} of {shown(file.decided_at)}, leaf {digest}"


def check_bundle(file: File) -> str:
    if file.record.get("bundle") != file.bundle:
        raise Refused("the record names another bundle than the file")
    return f"the record names {shown(file.bundle)}"


def check_inclusion(file: File) -> str:
    head = head_of(file.head)
    if head.size != file.size:
        raise Refused(f"the proof is for a log of {file.size}, the head for one of {head.size}")
    if root_from(leaf_hash(file.record_text.encode()), file.index, file.size, file.hashes) != head.root:
        raise Refused("the proof does not lead from the record to the root of the head")
    return f"entry {file.index} of the {file.size} in {shown(head.origin)}"


def check_head(file: File, keys: Sequence[Key]) -> str:
    head = head_of(file.head)
    return f"signed by {shown(signed_by(head, keys).label)}"


def check_receipt(file: File, keys: Sequence[Key]) -> str:
    receipt = file.receipt
    if receipt is None:
        return "none in the file"
    if receipt["digest"] != "sha256:" + leaf_hash(file.record_text.encode()).hex():
        raise Refused("the receipt is for another record")
    if receipt["decided_at"] != file.decided_at:
        raise Refused("the receipt names another time than the record")
    parts = (head_of(file.head).origin, file.decision, receipt["decided_at"], receipt["digest"])
    if any("\n" in part for part in parts):
        raise Refused("a part of the receipt holds a newline")
    message = "\n".join(("policy-service/receipt/v1", *parts, "")).encode()
    known = [key for key in keys if key.label == receipt["key"]]
    if not known:
        raise Refused("the receipt is not signed by a key that was given")
    if not any(key.verifies(message, unbase64(receipt["signature"])) for key in known):
        raise Refused(f"the signature of {shown(receipt['key'])} does not fit the receipt")
    return f"signed by {shown(receipt['key'])}"


def check_values(file: File) -> str:
    revealed(file)
    hidden = sum(1 for _ in commitments(file.record)) - len(file.private)
    return f"{len(file.private)} fit what the record is committed to, {hidden} are not in the file"


def revealed(file: File) -> dict[str, Any]:
    """The record with the private values of the file in their places, each of which is checked."""
    record: dict[str, dict[str, Any]] = {"": parsed(file.record_text)}
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
    if any(commitments(record)):
        raise Refused("values are not in the file, erased or not exported: it cannot be evaluated")
    try:
        from policy_service.decisions.answers.evaluate import FORMAT as ANSWERS
        from policy_service.policies.bundle import bundle
        from policy_service.policies.model import LANGUAGE_VERSION
    except ImportError as error:
        raise Refused(f"policy_service is not installed: {shown(str(error))}") from None
    if (record.get("language"), record.get("format")) != (LANGUAGE_VERSION, ANSWERS):
        raise Refused("the record is of another language version or answer format than this policy_service")
    found, _ = bundle(file.sources)
    if found is None or found.id != file.bundle:
        raise Refused(f"the rule texts do not give this bundle but {found.id if found else 'errors'}")
    differing = replayed(found, record)
    if differing:
        raise Refused("evaluated again, the answer differs at " + ", ".join(map(shown, differing[:5])))
    return "the rule texts give this bundle, and the request gives this answer again"


def replayed(found: Any, record: dict[str, Any]) -> list[str]:
    """Where the answer differs when the recorded request is evaluated again, as JSON pointers."""
    from datetime import date

    from policy_service import canonical
    from policy_service.decisions.answers.differences import differences
    from policy_service.decisions.answers.evaluate import Evaluator, Question
    from policy_service.decisions.deciding.recording import parsed as read_back
    from policy_service.decisions.deciding.recording import request_of
    from policy_service.decisions.deciding.resolving import matching
    from policy_service.diagnostics import InvalidInput
    from policy_service.engines.registry import engine

    evaluator = Evaluator(found, engine("reference"))
    try:
        request = request_of(dict(record), found.id, None)
        day, report = date.fromisoformat(request.as_of or ""), request.unknown_facts == "report"
        state = evaluator.reader.read(request.facts, day, merchant_id=request.merchant_id, report_unknown=report)
        chosen = matching(request.policies, found.rules)
        answer = evaluator.evaluate(state, Question(day, "decide", request.trace, chosen, report))
        recorded = record["answer"]
        if report:
            answer["ignored_facts"] = recorded["ignored_facts"]  # undeclared facts were not recorded
        if canonical.dumps(recorded) == canonical.dumps(answer):
            return []
        return [one.pointer or "/" for one in differences(recorded, read_back(canonical.dumps(answer)))] or ["/"]
    except (InvalidInput, LookupError, AttributeError, TypeError, ValueError) as error:
        raise Refused(f"the recorded request cannot be evaluated: {shown(str(error))}") from None


# ---- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="verify_decision", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE", help="what `policyctl audit export` wrote")
    parser.add_argument("--key", action="append", default=[], metavar="NAME+HASH+BASE64", help="a key to trust")
    parser.add_argument("--untrusted", action="store_true", help="exit with 0 though nobody's key was given")
    parser.add_argument("--evaluate", action="store_true", help="evaluate again, with policy_service installed")
    asked = parser.parse_args(arguments)
    try:
        pinned = [key_of(text) for text in asked.key]
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
        told("inclusion", lambda: check_inclusion(file)),
        told("head", lambda: check_head(file, keys)),
        told("receipt", lambda: check_receipt(file, keys)),
        told("values", lambda: check_values(file)),
    ]
    if asked.evaluate and any(failed):
        line("note", "evaluate", "not done, since the file does not fit")
    elif asked.evaluate:
        failed.append(told("evaluate", lambda: check_evaluation(file)))
    else:
        line("note", "rules", "whether the rule texts in the file give this bundle was not checked; --evaluate does")
    if not pinned:
        line("warn", "trust", "signatures valid under the key in the file prove nothing about who signed: use --key")
    return 1 if any(failed) or not (pinned or asked.untrusted) else 0


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

"""A witness of logs: it cosigns a head only if that continues the head it cosigned before.

    python witness.py new FOLDER --name witness.example/w1      makes the witness and prints its verifier key
    python witness.py serve FOLDER --log NAME+HASH+BASE64       serves POST /add-checkpoint

Run it where nobody who can write the log's store, or use its key, can write. It speaks C2SP tlog-witness, so that any
log of that kind can ask it, and this service any witness of that kind. It is one file, needs Python and the package
`cryptography` alone, and shares no code with the service, so that what it checks cannot mislead it.

FOLDER is the whole witness: `key.pem`, `name`, in `heads` the last head it cosigned of each log, one file each, and in
`refused` requests with a log's valid signature that did not fit. Two heads of one size, both signed, with different
roots prove that the log showed two histories. Whoever puts back an older copy of FOLDER, or empties `heads`, takes the
memory from the witness: make another witness then, with another key.

Each `--log` trusts a key for the log that is named like it; several keys of one log while it changes its key. Nothing
is encrypted: for other machines than this one let a proxy end TLS before it, or take a tunnel.

Source: https://c2sp.org/tlog-witness; https://c2sp.org/tlog-cosignature; https://c2sp.org/tlog-checkpoint;
https://c2sp.org/signed-note; RFC 6962, section 2.1.2 (that is RFC 9162, section 2.1.4).
"""

import argparse
import base64
import binascii
import fcntl
import hashlib
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

SIGNS, COSIGNS = b"\x01", b"\x04"
EMPTY = hashlib.sha256(b"").digest()
MOST_HASHES = 63
MOST_BYTES = 65_536
MOST_CONNECTIONS = 64
MOST_REFUSED = 100
"""Requests that are kept; a log that signs what does not fit could else fill the disk."""
SILENT_SECONDS, CONNECTION_SECONDS = 10, 60
NUMBER = "(0|[1-9][0-9]{0,18})"


class Refused(Exception):
    """The request is refused with an HTTP status; `size` is that of the head cosigned last."""

    def __init__(self, status: int, message: str, size: int | None = None) -> None:
        super().__init__(message)
        self.status, self.size = status, size


class Damaged(Exception):
    """What the witness keeps cannot be read, so that nothing may be cosigned."""


# ---- the tree


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def consistent(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the tree of `old` leaves is the beginning of that of `new` leaves, 0 < old <= new."""
    rest = list(proof)
    try:
        roots = _roots(old, new, rest, old_root)
    except IndexError:
        return False
    return not rest and roots == (old_root, new_root)


def _roots(old: int, new: int, proof: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """The roots over the first `old` and over all `new` leaves of a part of the tree, as SUBPROOF of RFC 6962 took it
    apart; the hashes that it added last are taken from the end of the proof.

    known: the root over the old leaves, which the proof leaves out, if the part begins where the tree does.
    """
    if old == new:
        found = proof.pop() if known is None else known
        return found, found
    middle = 1 << ((new - 1).bit_length() - 1)
    side = proof.pop()
    if old <= middle:
        before, after = _roots(old, middle, proof, known)
        return before, node(after, side)
    before, after = _roots(old - middle, new - middle, proof, None)
    return node(side, before), node(side, after)


# ---- keys and notes


@dataclass(frozen=True)
class Key:
    """A public key with its name and kind: it signs a log's heads, or cosigns them."""

    name: str
    public: bytes
    kind: bytes = SIGNS

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    @property
    def text(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self.kind + self.public).decode()}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def key_of(text: str) -> Key:
    """The key of a log. Raises ValueError for any other text."""
    name, _, rest = text.partition("+")
    data = unbase64(rest.partition("+")[2])
    if not is_name(name) or len(data) != 33 or data[:1] != SIGNS or Key(name, data[1:]).text != text:
        raise ValueError(f"{shown(text)} is no Ed25519 verifier key `name+hash+base64` of a log")
    return Key(name, data[1:])


def is_name(text: str) -> bool:
    return bool(text) and not any(c.isspace() or c == "+" or c < " " for c in text)


def unbase64(text: str) -> bytes:
    """The bytes of a base64 text in its one right form; none for another text."""
    try:
        found = base64.b64decode(text.encode(), validate=True)
    except binascii.Error:
        return b""
    return found if base64.b64encode(found).decode() == text else b""


def shown(text: str) -> str:
    """A text of others that cannot steer a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:200])


@dataclass(frozen=True)
class Head:
    """A head, and the signatures under it: name, key id and value of each. Nothing is verified."""

    origin: str
    size: int
    root: bytes
    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]


def head_of(note: str) -> Head:
    """The head in a signed note. Raises Refused where it has not exactly the form of one."""
    text, blank, lines = note.rpartition("\n\n")
    origin, size, root, *more = [*text.split("\n"), "", "", ""]
    fits = bool(blank) and lines.endswith("\n") and not any(c < " " and c != "\n" for c in note)
    if not fits or not origin or not re.fullmatch(NUMBER, size) or len(unbase64(root)) != 32 or not all(more[:-3]):
        raise Refused(400, "the checkpoint is no signed head of origin, size and root")
    return Head(origin, int(size), unbase64(root), text + "\n", tuple(map(signature_of, lines[:-1].split("\n"))))


def signature_of(line: str) -> tuple[str, bytes, bytes]:
    dash, name, data = [*line.split(" "), "", ""][:3]
    value = unbase64(data)
    if line.count(" ") != 2 or dash != "—" or not is_name(name) or len(value) < 5:
        raise Refused(400, "a signature line is `— <name> <base64>`")
    return name, value[:4], value[4:]


def signed(head: Head, keys: Sequence[Key]) -> None:
    """Raises Refused where none of the keys signed a head, or a signature of one of them is wrong."""
    ours = [(key, value) for key in keys for name, id, value in head.signatures if (name, id) == (key.name, key.id)]
    if not ours or not all(key.verifies(head.text.encode(), value) for key, value in ours):
        raise Refused(403, "the checkpoint is not signed by a key that is trusted for its log")


@dataclass(frozen=True)
class Request:
    old: int
    proof: tuple[bytes, ...]
    head: Head


def request_of(body: bytes) -> Request:
    """The old size, the consistency proof and the head that are posted. Raises Refused."""
    try:
        first, blank, note = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise Refused(400, "the request is not UTF-8") from None
    size, *lines = first.split("\n")
    old, proof = re.fullmatch(f"old {NUMBER}", size), tuple(map(unbase64, lines))
    if not blank or old is None or len(proof) > MOST_HASHES or any(len(one) != 32 for one in proof):
        raise Refused(400, "a request is `old <size>`, hashes in base64, an empty line and the checkpoint")
    return Request(int(old[1]), proof, head_of(note))


# ---- what is kept


@dataclass(frozen=True)
class Known:
    """The head of a log that was cosigned last."""

    size: int = 0
    root: bytes = EMPTY


class Memory:
    """The folder of a witness. Used by one thread at a time, and by one process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = (folder / "lock").open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise Damaged(f"{folder} is in use by another process") from None
        for name in ("heads", "refused"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)

    def close(self) -> None:
        self._lock.close()

    def known(self, origin: str) -> Known:
        """Raises Damaged where there is a file that cannot be read: it must not pass for a log never seen."""
        path = self._path(origin)
        try:
            found = json.loads(path.read_text("utf-8"))
            root = unbase64(found["root"])
            if (found["origin"], type(found["size"]), len(root)) != (origin, int, 32):
                raise ValueError("it is of another form")
        except FileNotFoundError:
            return Known()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Damaged(f"{path} cannot be read: {error}") from error
        return Known(found["size"], root)

    def keep(self, head: Head) -> None:
        """Make a head the last one, durably, so that the file is the old or the new one whenever this ends."""
        root = base64.b64encode(head.root).decode()
        text = json.dumps({"origin": head.origin, "size": head.size, "root": root, "text": head.text})
        write(self._path(head.origin), text.encode())

    def keep_refused(self, head: Head, body: bytes) -> None:
        folder = self._folder / "refused"
        if sum(1 for _ in folder.iterdir()) < MOST_REFUSED:
            write(folder / f"{hashlib.sha256(head.text.encode()).hexdigest()}.txt", body)

    def _path(self, origin: str) -> Path:
        return self._folder / "heads" / f"{hashlib.sha256(origin.encode()).hexdigest()}.json"


def write(path: Path, data: bytes) -> None:
    """Replace a file, and wait until that is on the disk."""
    written = path.with_suffix(".new")
    with written.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# ---- the witness


class Witness:
    """Cosigns heads of some logs.

    Args:
        logs: the keys that are trusted, by origin.
        now: seconds since 1970.
    """

    def __init__(
        self,
        name: str,
        private: Ed25519PrivateKey,
        memory: Memory,
        logs: Mapping[str, Sequence[Key]],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.key = Key(name, private.public_key().public_bytes_raw(), COSIGNS)
        self._private, self._memory, self._logs, self._now = private, memory, logs, now
        self._lock = threading.Lock()

    def add_checkpoint(self, body: bytes) -> tuple[Head, str]:
        """The head, and the line that cosigns it, once the head is on the disk.

        Raises:
            Refused; Damaged or OSError where what was cosigned cannot be read or kept.
        """
        asked = request_of(body)
        head = asked.head
        if head.origin not in self._logs:
            raise Refused(404, "the log is unknown")
        signed(head, self._logs[head.origin])
        if asked.old > head.size:
            raise Refused(400, "the old size is greater than that of the checkpoint")
        with self._lock:  # from what was cosigned last to what is cosigned next
            known = self._memory.known(head.origin)
            if asked.old != known.size:
                raise Refused(409, "another size was cosigned last", known.size)
            if not continues(head, known, asked.proof):
                self._memory.keep_refused(head, body)
                raise Refused(422, "the checkpoint does not continue the one that was cosigned last")
            self._memory.keep(head)
        return head, self._line(head)

    def _line(self, head: Head) -> str:
        at = max(1, int(self._now()))
        signature = self._private.sign(f"cosignature/v1\ntime {at}\n{head.text}".encode())
        value = base64.b64encode(self.key.id + at.to_bytes(8, "big") + signature).decode()
        return f"— {self.key.name} {value}\n"


def continues(head: Head, known: Known, proof: Sequence[bytes]) -> bool:
    """Whether a head fits the one of the old size, by a proof that is empty where there is nothing to prove."""
    if head.size == 0 and head.root != EMPTY:
        return False
    if known.size == 0:
        return not proof
    return consistent(known.size, head.size, proof, known.root, head.root)


class Server(ThreadingHTTPServer):
    """A bounded number of connections, each of a bounded time."""

    daemon_threads = True

    def __init__(self, host: str, port: int, witness: Witness) -> None:
        self.witness = witness
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke. A fault of ours is told with its traceback."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """POST /add-checkpoint, and nothing else."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "witness", ""
    timeout: ClassVar[int] = SILENT_SECONDS
    server: Server

    def setup(self) -> None:
        super().setup()
        self._end = threading.Timer(CONNECTION_SECONDS, self._cut)
        self._end.daemon = True
        self._end.start()

    def finish(self) -> None:
        self._end.cancel()
        super().finish()

    def _cut(self) -> None:
        with suppress(OSError):  # it has ended by itself
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_POST(self) -> None:
        try:
            body = self._body()
            head, line = self._cosigned(body)
        except Refused as refused:
            told(f"{refused.status}: {refused}")
            if refused.size is None:
                self._answer(refused.status, f"{refused}\n")
            else:
                self._answer(refused.status, f"{refused.size}\n", "text/x.tlog.size")
        else:
            told(f"cosigned {head.size} of {head.origin}")
            self._answer(200, line)

    def _cosigned(self, body: bytes) -> tuple[Head, str]:
        try:
            return self.server.witness.add_checkpoint(body)
        except (Damaged, OSError) as error:
            told(f"nothing is cosigned: {error}")
            raise Refused(500, "the witness cannot read or keep what it cosigned") from error

    def _body(self) -> bytes:
        """The whole body. A refusal before it was read ends the connection."""
        self.close_connection = True
        length = self.headers.get("Content-Length", "")
        if self.path != "/add-checkpoint":
            raise Refused(404, "the path is /add-checkpoint")
        if "Transfer-Encoding" in self.headers or not re.fullmatch("[0-9]{1,9}", length):
            raise Refused(411, "the length of the body is needed")
        if int(length) > MOST_BYTES:
            raise Refused(413, f"a request has at most {MOST_BYTES} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refused(400, "the request ended before its body did")
        self.close_connection = False
        return body

    def _answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """What is told is told by `told`: a line of a request could hold anything."""


def told(text: str) -> None:
    print(shown(text), file=sys.stderr, flush=True)


# ---- the command


def new(folder: Path, name: str) -> Key:
    """A new witness in a new folder.

    Raises:
        ValueError: the name is none.
        OSError: the folder cannot be made, or is there.
    """
    if not is_name(name):
        raise ValueError("a name must not be empty nor hold a space, a plus or a control character")
    private = Ed25519PrivateKey.generate()
    folder.mkdir(mode=0o700)
    text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(folder / "key.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    write(folder / "name", name.encode())
    return Key(name, private.public_key().public_bytes_raw(), COSIGNS)


def loaded(folder: Path, logs: Sequence[str], now: Callable[[], float] = time.time) -> tuple[Witness, Memory]:
    """The witness in a folder, which it holds until its memory is closed.

    Raises:
        ValueError: a key of a log is none; the folder holds no key that its owner alone can use.
        OSError, Damaged: the folder cannot be read, or is in use.
    """
    trusted: dict[str, list[Key]] = {}
    for text in logs:
        trusted.setdefault(key_of(text).name, []).append(key_of(text))
    path = folder / "key.pem"
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path} may be used by others than its owner: make its mode 600")
    private = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError(f"{path} holds no Ed25519 key")
    name = (folder / "name").read_text("utf-8")
    memory = Memory(folder)
    return Witness(name, private, memory, trusted, now), memory


def serve(folder: Path, logs: Sequence[str], host: str, port: int) -> None:
    """Serve until Ctrl-C. What was cosigned is on the disk, so it may end at any moment."""
    witness, memory = loaded(folder, logs)
    with Server(host, port, witness) as server, suppress(KeyboardInterrupt):
        shown_host = f"[{host}]" if ":" in host else host
        print(f"{witness.key.text}\nlistening on http://{shown_host}:{server.server_address[1]}", flush=True)
        server.serve_forever()
    memory.close()


def address(text: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[host]:port`. Raises ValueError."""
    host, _, port = text.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 with a reason where something does not work, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="witness", description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("new", help="make a witness in a new folder and print its verifier key")
    serving = commands.add_parser("serve", help="serve POST /add-checkpoint")
    for one in (making, serving):
        one.add_argument("folder", type=Path, metavar="FOLDER", help="key and memory of the witness")
    making.add_argument("--name", required=True, help="a URL without scheme that is the witness's own")
    serving.add_argument(
        "--log", action="append", required=True, metavar="KEY", help="verifier key of a log; repeatable"
    )
    serving.add_argument(
        "--bind", type=address, default=("127.0.0.1", 8200), metavar="HOST:PORT",
        help="where to listen, by default on 127.0.0.1:8200, for this machine alone; port 0 takes a free one",
    )  # fmt: skip
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "new":
            print(new(asked.folder, asked.name).text)
        else:
            serve(asked.folder, asked.log, *asked.bind)
    except (ValueError, OSError, OverflowError, Damaged) as error:
        print(f"witness: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

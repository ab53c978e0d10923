"""Signs for the service on a Unix socket, so that the service need not hold its key: `python signer.py SOCKET KEY...`.

KEY is a file with an Ed25519 key in PEM (PKCS#8, no password), as `policyctl audit new-key` makes it. For each key one
line is printed, `ssh-ed25519 <base64> <file>`: put it into a file FILE.pub, and give the service

    POLICY_SIGNING_KEY=FILE.pub POLICY_SIGNING_AGENT=SOCKET

The protocol is that of ssh-agent (draft-ietf-sshm-ssh-agent), of which two messages are answered: which keys there
are, and a signature. So any other agent will do as well. To sign with a key in an HSM or a cloud's key service, replace
the class `Key`: `public`, 32 bytes, and `sign`, 64 bytes for a message, are all that the rest asks of it. `sign` is
called by several threads at once.

Run it as a user of its own: then nobody who runs as the service's user can read the key. Whoever may connect may have
it sign, so the socket is made with mode 0660: let the service's user be in the signer's group, and nobody else. The
program ends with SIGTERM or Ctrl-C, and takes its socket away. It needs Python and the package `cryptography` alone.
"""

import argparse
import base64
import os
import signal
import socket
import socketserver
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

FAILURE, ASK_KEYS, KEYS, ASK_SIGNATURE, SIGNATURE = 5, 11, 12, 13, 14
KIND = b"ssh-ed25519"
LARGEST = 262_144
"""Bytes of a request."""
WAITING = 128
"""Connections that may wait to be accepted; socketserver's own number is 5."""


class Key:
    """A key in a file; replace this class for one that is elsewhere."""

    def __init__(self, file: Path) -> None:
        found = load_pem_private_key(file.read_bytes(), password=None)
        if not isinstance(found, Ed25519PrivateKey):
            raise ValueError("it is not an Ed25519 key")
        self._private = found
        self.public = found.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


# ---- the protocol


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def blob(public: bytes) -> bytes:
    """A public key as the protocol and `.pub` files have it (RFC 8709, section 4)."""
    return string(KIND) + string(public)


def taken(data: bytes) -> tuple[bytes, bytes]:
    """The string at the start, and what follows it. Raises ValueError where there is none."""
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 + size:
        raise ValueError("the request is cut off")
    return data[4 : 4 + size], data[4 + size :]


def answer(request: bytes, keys: Mapping[bytes, Key]) -> bytes:
    """The answer to a request; FAILURE, with no reason, as the protocol wants it, to what is not understood."""
    try:
        if request[:1] == bytes([ASK_KEYS]):
            return bytes([KEYS]) + struct.pack(">I", len(keys)) + b"".join(string(one) + string(b"") for one in keys)
        if request[:1] == bytes([ASK_SIGNATURE]):
            name, rest = taken(request[1:])
            message, _flags = taken(rest)
            return bytes([SIGNATURE]) + string(string(KIND) + string(keys[name].sign(message)))
    except Exception as error:  # noqa: BLE001  whatever a key of another kind raises: the next request may do better
        print(f"not signed: {error!r}", file=sys.stderr, flush=True)
    return bytes([FAILURE])


# ---- the socket


class Conversation(socketserver.StreamRequestHandler):
    """The requests of one connection, until it ends."""

    timeout = 60.0

    def handle(self) -> None:
        with suppress(OSError):
            while len(head := self.rfile.read(4)) == 4 and (size := int.from_bytes(head, "big")) <= LARGEST:
                self.wfile.write(string(answer(self.rfile.read(size), self.server.keys)))  # type: ignore[attr-defined]


class Agent(socketserver.ThreadingUnixStreamServer):
    """The socket, with a thread for each connection."""

    daemon_threads = True
    request_queue_size = WAITING

    def __init__(self, path: Path, keys: Mapping[bytes, Key]) -> None:
        self.keys = keys
        before = os.umask(0o117)
        try:
            super().__init__(str(path), Conversation)
        finally:
            os.umask(before)


def _remove_left(path: Path) -> None:
    """Removes the socket of a signer that was killed. Anything else is left as it is, and the bind refuses it."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as tried:
        try:
            tried.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Signs for the policy service on a Unix socket.")
    parser.add_argument("socket", type=Path)
    parser.add_argument("keys", type=Path, nargs="+", metavar="key")
    asked = parser.parse_args(words)
    try:
        found = {file: Key(file) for file in asked.keys}
        _remove_left(asked.socket)
        agent = Agent(asked.socket, {blob(key.public): key for key in found.values()})
    except (OSError, ValueError, TypeError) as error:
        print(f"no signer: {error}", file=sys.stderr)
        return 1
    with suppress(KeyboardInterrupt), agent:
        signal.signal(signal.SIGTERM, _end)
        for file, key in found.items():
            print(KIND.decode(), base64.b64encode(blob(key.public)).decode(), file, flush=True)
        agent.serve_forever()
    asked.socket.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Keys that never enter this process: an agent signs with them, on a Unix socket, as ssh-agent does for ssh.

Source: draft-ietf-sshm-ssh-agent, "Signature Generation"; RFC 8709, sections 4 and 6, for Ed25519: what the agent
signs is the message as it is. docs/design/0012-signers.md says why this protocol. Of its messages one is used:

    request   uint32 length, byte 13, string key blob, string message, uint32 0
    answer    uint32 length, byte 14, string signature blob
    blobs     string "ssh-ed25519", string public key or signature

A string is its length, in four bytes, and its bytes. Any other answer is a refusal.
"""

import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.proofs.keys import SIGNATURE_SIZE, Verifier

_SIGN, _SIGNED, _NO_FLAGS = b"\x0d", b"\x0e", bytes(4)
_KIND = b"ssh-ed25519"
_LARGEST = 1024
"""Bytes of an answer; one with a signature has 88."""
_PROBE = b"policy-service/probe/v1\n"
"""What is signed to see whether an agent signs; no head and no receipt begins so."""


class SigningUnavailable(StoreUnavailable):
    """A key cannot sign now, so nothing can be recorded; the message names the agent and says why."""


class _Garbled(Exception):
    """The agent's answer is no signature."""


@dataclass(slots=True)
class AgentSigner:
    """A key that an agent holds.

    Every signature is asked for on a connection of its own: threads and forked workers share none, and an agent that
    was started anew is found again without a word.

    Args:
        agent: its socket.
        seconds: how long a signature may take in all.
    """

    verifier: Verifier
    agent: Path
    seconds: float = 5.0
    _signed_at: float = field(default=float("-inf"), init=False, compare=False)

    def sign(self, message: bytes) -> bytes:
        """64 bytes, verified before they are returned. Raises SigningUnavailable."""
        try:
            signature = _signature(self._answer(_request(self.verifier.public, message)))
        except (OSError, _Garbled) as error:
            raise SigningUnavailable(f"the agent at `{self.agent}` does not sign: {error}") from error
        if not self.verifier.verifies(message, signature):
            raise SigningUnavailable(f"the agent at `{self.agent}` signed something else, or with another key")
        self._signed_at = monotonic()
        return signature

    def try_now(self) -> None:
        """Ask for a signature of no meaning, unless one was given within a second. Raises SigningUnavailable."""
        if monotonic() - self._signed_at >= 1:
            self.sign(_PROBE)

    def _answer(self, request: bytes) -> bytes:
        """The agent's answer to a message. Raises OSError, also where it takes too long; _Garbled."""
        until = monotonic() + self.seconds
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self.seconds)
            connection.connect(str(self.agent))
            connection.sendall(_string(request))
            (size,) = struct.unpack(">I", _received(connection, 4, until))
            if size > _LARGEST:
                raise _Garbled(f"its answer has {size} bytes")
            return _received(connection, size, until)


def _received(connection: socket.socket, size: int, until: float) -> bytes:
    """That many bytes, however they are sliced, before an instant of the monotonic clock."""
    found = b""
    while len(found) < size:
        left = until - monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        connection.settimeout(left)
        some = connection.recv(size - len(found))
        if not some:
            raise _Garbled("it ended in the middle of its answer")
        found += some
    return found


def _request(public: bytes, message: bytes) -> bytes:
    return _SIGN + _string(_string(_KIND) + _string(public)) + _string(message) + _NO_FLAGS


def _signature(answer: bytes) -> bytes:
    """The signature in an answer; exactly one answer has it, so nothing is parsed."""
    signature = answer[-SIGNATURE_SIZE:]
    if answer[:1] != _SIGNED:
        raise _Garbled("it refuses, or has not this key")
    if answer != _SIGNED + _string(_string(_KIND) + _string(signature)):
        raise _Garbled("its answer is no Ed25519 signature")
    return signature


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data

"""An agent that does as none should: `hostile_agent.py SOCKET KEY HABIT`; it prints `ready` when it listens."""

import select
import socket
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def message_of(request: bytes) -> bytes:
    """The message of a request to sign: after its length, a byte, and the key."""
    (size,) = struct.unpack(">I", request[5:9])
    (length,) = struct.unpack(">I", request[9 + size : 13 + size])
    return request[13 + size : 13 + size + length]


def signed(signature: bytes, kind: bytes = b"ssh-ed25519") -> bytes:
    return b"\x0e" + string(string(kind) + string(signature))


def answer(habit: str, key: Ed25519PrivateKey, message: bytes) -> bytes:
    good = key.sign(message)
    return {
        "refuses": string(b"\x05"),
        "answers nothing": string(b""),
        "speaks HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "answers another question": string(b"\x0c" + bytes(4)),
        "signs too short": string(signed(good[:-1])),
        "signs too long": string(signed(good + b"\x00")),
        "adds to its answer": string(signed(good) + b"\x00"),
        "signs with RSA": string(signed(good, b"ssh-rsa")),
        "signs with another key": string(signed(Ed25519PrivateKey.generate().sign(message))),
        "signs something else": string(signed(key.sign(message + b"\n"))),
        "signs nothing": string(signed(bytes(64))),
        "dies before it answers": b"",
        "dies in its answer": string(signed(good))[:40],
        "promises too much": struct.pack(">I", 0xFFFFFFFF),
    }[habit]


def drip(connection: socket.socket) -> None:
    """A byte now and then, of an answer that is promised to have a thousand, until nobody listens."""
    connection.sendall(struct.pack(">I", 1000))
    while not select.select([connection], [], [], 0.05)[0]:
        connection.sendall(b"\x0e")


def serve(listening: socket.socket, key: Ed25519PrivateKey, habit: str) -> None:
    while True:
        connection, _ = listening.accept()
        with connection:
            request = connection.recv(65536)
            if habit == "hangs":
                connection.recv(1)
            elif habit == "drips":
                drip(connection)
            else:
                connection.sendall(answer(habit, key, message_of(request)))


def main() -> None:
    path, file, habit = sys.argv[1:]
    key = load_pem_private_key(Path(file).read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        print("ready", flush=True)
        serve(listening, key, habit)


if __name__ == "__main__":
    main()

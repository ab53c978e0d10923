"""Agents that sign, as processes of their own: the reference, OpenSSH's, and one that does as no agent should."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "tools" / "signer.py"
HOSTILE = ROOT / "tests" / "hostile_agent.py"
StartAgent = Callable[..., subprocess.Popen[str]]


def write_public(key: Path, file: Path) -> Path:
    """The public half of a key in PEM, in a file as ssh has it; the file."""
    private = load_pem_private_key(key.read_bytes(), None)
    file.write_bytes(private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    return file


@contextmanager
def starting_agents() -> Iterator[StartAgent]:
    """Starts agents, which end with it. Each listens when it is given back."""
    begun: list[subprocess.Popen[str]] = []

    def start(*words: str | Path, program: Path = REFERENCE) -> subprocess.Popen[str]:
        command = [sys.executable, str(program), *map(str, words)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline(), "it did not start"
        return process

    try:
        yield start
    finally:
        for process in begun:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

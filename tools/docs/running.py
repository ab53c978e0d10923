"""A page's blocks, run in their order as a reader would; and the page with the outputs that came.

What a fence says of its block:

    sh, python            run; `exit=1` where it is to fail
    sh dry                every line is a `make …`, of which only the plan is made
    sh serve              started, and stopped at the end of the page
    text output           what the block before it prints, exactly
    json output           likewise, as JSON by value; laid out for reading
    yaml title=PATH       a file, written before the next block runs; `json title=PATH` likewise

A page runs in a folder of its own that holds copies of `rules`, `examples`, `gunicorn.conf.py`, and of the programs
`tools/verify_decision.py`, `tools/verify_log.py` and `tools/witness.py`. If it asks 127.0.0.1:8000 and has no
`sh serve`, `policyctl serve` is
started for it. This port, and that of a witness at 127.0.0.1:8200, are replaced by free ones.

Ids of decisions and instants differ from run to run: the pages show the first id as `…4e11`, the next as `…4e12`, and
every instant as `2023-04-02T03:00:00.000Z`. So do keys, and all that is hashed or signed with ids, instants and salts
in it: digests of records, commitments, tree hashes, signatures. They are shown as `…`.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import IO

from tools.docs import blocks
from tools.docs.markdown import as_json, parsed

HERE, WITNESS = "127.0.0.1:8000", "127.0.0.1:8200"
INSTANT = "2023-04-02T03:00:00.000Z"
_FIRST_ID = "01873a5e-8400-7c3e-9f6b-2b1d6c0a4e"
_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_VARYING = (
    (re.compile(r'("(?:digest|leaf)": ?"sha256:)[0-9a-f]{64}'), r"\1…"),
    (re.compile(r"(leaf sha256:)[0-9a-f]{64}"), r"\1…"),
    (re.compile(r"(hmac-sha256:)[0-9a-f]{64}"), r"\1…"),
    (re.compile(r"psk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}"), "psk_…"),
    (re.compile(r"(?<![0-9a-f-])[0-9a-f]{16}(?![0-9a-f])"), "…"),
    (re.compile(r"((?:policy-service|witness\.example/w1)\+)[0-9a-f]{8}(?:\+[A-Za-z0-9+/]{44})?"), r"\1…"),
    (
        re.compile(
            r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{91}=)(?![A-Za-z0-9+/=])"
        ),
        "…",
    ),
)
"""What keys, their ids and hashes look like: 32 bytes, a signature, and one of a head with the id of its key."""
_TOOLS = ("tools/verify_decision.py", "tools/verify_log.py", "tools/witness.py")
_COPIED = ("rules", "examples", "gunicorn.conf.py", *_TOOLS)
_SECONDS = 900


class RunFault(Exception):
    """A block did not do what its page says; the message names the page and the line."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `words` is what its fence says, and it begins behind line `line`."""

    words: tuple[str, ...]
    body: str
    line: int
    start: int
    end: int

    @property
    def kind(self) -> str:
        return " ".join(word for word in self.words if "=" not in word)

    def option(self, name: str) -> str | None:
        return next((w.partition("=")[2] for w in self.words if w.startswith(f"{name}=")), None)


def fences(page: str) -> list[Block]:
    """The blocks written by hand; those that are generated are compared elsewhere."""
    generated = [range(*match.span()) for match in blocks.BLOCK.finditer(page)]
    return [
        Block(tuple(m[1].split()), m[2], page.count("\n", 0, m.start()) + 1, m.start(2), m.end(2))
        for m in _FENCE.finditer(page)
        if not any(m.start() in span for span in generated)
    ]


class Processes:
    """The processes of pages that are run, each in a group of its own with all that it starts.

    `end` may be called from any thread, while others run pages.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._ended = False

    def start(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
        """Raises RunFault once they are ended."""
        with self._lock:
            if self._ended:
                raise RunFault("the run was ended")
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, encoding="utf-8", start_new_session=True,
            )  # fmt: skip
            self._running.add(process)
            return process

    def finish(self, process: subprocess.Popen[str], signal_: int = signal.SIGKILL) -> None:
        """Signals the group of a process, also what is left of it, and waits for its end."""
        try:
            _signal(process, signal_)
            process.communicate(timeout=_SECONDS)
        finally:
            with process:  # its output is closed, and its end awaited
                _signal(process, signal.SIGKILL)
            with self._lock:
                self._running.discard(process)

    def end(self) -> None:
        """Kills all of them, and lets no more start."""
        with self._lock:
            self._ended = True
            for process in self._running:
                _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[str], signal_: int) -> None:
    with suppress(ProcessLookupError):  # the whole group has ended
        os.killpg(process.pid, signal_)


def rerun(page: str, root: Path, name: str = "the page", processes: Processes | None = None) -> str:
    """The page with the outputs that its blocks have now. Raises RunFault."""
    found = fences(page)
    with _session(root, page, found, name, processes or Processes()) as session:
        outputs = [(block, new) for block in found if (new := session.take(block)) is not None]
    for block, new in reversed(outputs):
        page = page[: block.start] + new + page[block.end :]
    return page


def steady(text: str) -> str:
    """A text without what keys and hashes make different from run to run."""
    for pattern, shown in _VARYING:
        text = pattern.sub(shown, text)
    return text


class Masks:
    """Replaces what differs from run to run, the same id always by the same."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def masked(self, text: str) -> str:
        return _INSTANT.sub(INSTANT, _ID.sub(self._id, steady(text)))

    def _id(self, match: re.Match[str]) -> str:
        return self._ids.setdefault(match[0], f"{_FIRST_ID}{0x11 + len(self._ids):02x}")


class _Session:
    """One page being run."""

    def __init__(self, root: Path, whole: Path, name: str, processes: Processes) -> None:
        self.root, self.name, self.processes = root, name, processes
        self.folder, self.commands = whole / "page", whole / "commands"
        self.address, self.witness = f"127.0.0.1:{_free_port()}", f"127.0.0.1:{_free_port()}"
        self.masks, self.printed = Masks(), ""
        self.servers: list[subprocess.Popen[str]] = []

    def prepare(self) -> None:
        """The folder of the page, and `policyctl`, which an installation that is not finished lacks."""
        self.folder.mkdir()
        for copied in _COPIED:
            source = self.root / copied
            if source.is_dir():
                shutil.copytree(source, self.folder / copied)
            else:
                (self.folder / copied).parent.mkdir(exist_ok=True)
                shutil.copy(source, self.folder / copied)
        self.commands.mkdir()
        command = self.commands / "policyctl"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m policy_service "$@"\n')
        command.chmod(0o755)

    def take(self, block: Block) -> str | None:
        """Do what a block says; the new body of one that shows an output."""
        match block.kind:
            case "sh":
                self._run(block, ["bash", "-euo", "pipefail", "-c", self._live(block.body)])
            case "sh dry":
                for line in block.body.splitlines():
                    self._run(block, ["make", "--dry-run", "-C", str(self.root), *line.split()[1:]])
            case "sh serve":
                self.serve(["bash", "-euc", f"exec {self._live(block.body)}"])
            case "python":
                self._run(block, [sys.executable, "-c", self._live(block.body)])
            case "yaml" | "json" if (path := block.option("title")) is not None:
                file = self.folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.body, "utf-8")
            case "text output":
                return self.printed.rstrip() + "\n"
            case "json output":
                return self._json(block)
            case kind:
                raise self._fault(block, f"nobody knows how to run a block `{kind}`")
        return None

    def _run(self, block: Block, command: list[str]) -> None:
        wanted = int(block.option("exit") or 0)
        process = self.processes.start(command, self.folder, self.environment())
        try:
            output, _ = process.communicate(timeout=_SECONDS)
        finally:
            self.processes.finish(process)
        if process.returncode != wanted:
            raise self._fault(block, f"ended with {process.returncode}, not {wanted}:\n{output}")
        self.printed = self.masks.masked(output.replace(self.address, HERE))

    def _json(self, block: Block) -> str:
        """The output laid out; as it stands on the page if it says the same."""
        try:
            got = parsed(self.printed)
        except ValueError:
            raise self._fault(block, f"the block before it prints no JSON:\n{self.printed}") from None
        try:
            if parsed(block.body) == got:
                return block.body
        except ValueError:
            pass
        return as_json(got) + "\n"

    def serve(self, command: list[str]) -> None:
        """Starts a server, and waits until it says that it listens."""
        server = self.processes.start(command, self.folder, self.environment())
        self.servers.append(server)
        for line in _lines(server.stdout):
            if "listening" in line.lower():
                return
        raise RunFault(f"{self.name}: the server ended with {server.wait()}")

    def environment(self) -> dict[str, str]:
        """A bare environment: the commands of this installation, UTF-8, a terminal of 100 columns.

        What `policyctl` remembers of rule files, by their digest, all pages share with whoever runs them.
        """
        caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        paths = [str(Path(sys.executable).parent), str(self.commands), os.environ.get("PATH", os.defpath)]
        return {
            "PATH": os.pathsep.join(paths), "PYTHONPATH": os.pathsep.join(map(str, self._packages())),
            "HOME": str(self.folder), "XDG_CACHE_HOME": caches, "LC_ALL": "C.UTF-8", "COLUMNS": "100",
        }  # fmt: skip

    def _packages(self) -> tuple[Path, Path]:
        """Where the service and its client are imported from."""
        return self.root, self.root / "clients" / "python"

    def close(self) -> None:
        for server in self.servers:
            self.processes.finish(server, signal.SIGTERM)

    def _live(self, text: str) -> str:
        return text.replace(HERE, self.address).replace(WITNESS, self.witness)

    def _fault(self, block: Block, what: str) -> RunFault:
        return RunFault(f"{self.name}:{block.line}: {what}")


@contextmanager
def _session(root: Path, page: str, found: list[Block], name: str, processes: Processes) -> Iterator[_Session]:
    with ExitStack() as stack:
        session = _Session(root, Path(stack.enter_context(TemporaryDirectory(prefix="docs-"))), name, processes)
        stack.callback(session.close)
        session.prepare()
        if HERE in page and not any(block.kind == "sh serve" for block in found):
            port = session.address.rpartition(":")[2]
            session.serve([sys.executable, "-m", "policy_service", "serve", "--port", port, "--workers", "1"])
        yield session


def _lines(stream: IO[str] | None) -> Iterator[str]:
    return iter(stream.readline, "") if stream is not None else iter(())


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port

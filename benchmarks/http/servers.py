"""Real servers under way: gunicorn in processes of its own, stopped at the end whatever happens."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep

from policy_service.decisions.sealed.signing import key_beside

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # for the PostgreSQL of the tests
_LISTENING = re.compile(r"listening (?:on|at):? http://127\.0\.0\.1:(\d+)", re.IGNORECASE)
_START_SECONDS, _STOP_SECONDS = 120.0, 40.0


def signing_key(folder: Path) -> str:
    """The key of the logs in a folder, made at its first use."""
    return str(key_beside(folder / "log"))


class Server:
    """A server that listens on a free port of 127.0.0.1; what it prints is in `log`.

    Args:
        root: the checkout of the service that is run.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path, root: Path = ROOT) -> None:
        known = {k: v for k, v in os.environ.items() if not k.startswith(("POLICY_", "GUNICORN"))}
        known["POLICY_SIGNING_KEY"] = signing_key(log.parent)
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=root,
                env=known | environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.address = ("127.0.0.1", self._port())

    def _port(self) -> int:
        end = monotonic() + _START_SECONDS
        while monotonic() < end:
            text = self.log.read_text(errors="replace")
            if found := _LISTENING.search(text):
                return int(found[1])
            if self.process.poll() is not None:
                raise SystemExit(f"a server did not start:\n{text[-3000:]}")
            sleep(0.05)
        self.stop()
        raise SystemExit(f"a server does not listen:\n{self.log.read_text(errors='replace')[-3000:]}")

    def workers(self) -> list[int]:
        """The processes that answer, oldest first."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return sorted(int(pid) for pid in tasks.split())

    def stop(self) -> int:
        """The exit status, after the requests under way were finished."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        return self.process.returncode


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for databases and logs, removed at the end; SIGTERM is an end too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    found = Path(tempfile.mkdtemp(prefix="policy-"))
    try:
        yield found
    finally:
        shutil.rmtree(found, ignore_errors=True)


@contextmanager
def databases(store: str, folder: Path) -> Iterator[Callable[[str], str]]:
    """URLs of fresh databases by name: files in one folder, or databases of one PostgreSQL."""
    if store == "sqlite":
        yield lambda name: f"sqlite:///{folder / name}.sqlite3"
        return
    from tests import postgres

    with postgres.running(folder / "postgresql", durable=True) as server, ExitStack() as stack:
        yield lambda _name: stack.enter_context(postgres.database(server))


@contextmanager
def running(server: Server) -> Iterator[Server]:
    try:
        yield server
    finally:
        server.stop()


def service(
    database: str, log: Path, *, workers: int = 2, rules: Path = ROOT / "rules", root: Path = ROOT, **settings: str
) -> Server:
    """`policyctl serve` on a database; `settings` are environment variables."""
    command = ["-m", "policy_service", "serve", "--port", "0", "--workers", str(workers), "--rules", str(rules)]
    return Server(command, {"POLICY_DATABASE_URL": database} | settings, log, root)


def beside(database: str, log: Path, row_bytes: int, workers: int = 2) -> Server:
    """The two trivial endpoints under the same gunicorn settings."""
    environment = {"POLICY_DATABASE_URL": database, "BESIDE_ROW_BYTES": str(row_bytes), "BESIDE_WORKERS": str(workers)}
    return Server([str(Path(__file__).with_name("beside.py"))], environment, log)

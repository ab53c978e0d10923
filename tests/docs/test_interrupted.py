"""`make docs` that is interrupted leaves no process behind: no server, no block of a page, nothing that these began."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.docs.running import Processes, RunFault, rerun

DEADLINE = 120.0
pytestmark = pytest.mark.slow
PROGRAM = """
import signal, sys
from pathlib import Path
from tools import build_docs
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background inherit that they are ignored
signal.signal(signal.SIGHUP, signal.SIG_DFL)
sys.exit(build_docs.interruptible(lambda: len(list(build_docs.renewed(Path(sys.argv[1]))))))
"""
PAGE = """
```sh serve
sleep 1000 3> {fifo} & echo listening; echo server > {fifo}; exec sleep 1000 3> {fifo}
```

```sh
sleep 1000 3> {fifo} & echo block > {fifo}; wait
```
"""


@pytest.fixture
def repository(tmp_path: Path, root: Path) -> Path:
    """A repository whose two pages each start a server and then a block that does not end."""
    made = tmp_path / "repository"
    for path in ("docs", "examples", "clients"):
        (made / path).mkdir(parents=True)
    for path in ("rules", "gunicorn.conf.py", "tools"):
        (made / path).symlink_to(root / path)
    for path in ("README.md", "docs/other.md"):
        (made / path).write_text(PAGE.format(fifo=tmp_path / "fifo"), "utf-8")
    os.mkfifo(tmp_path / "fifo")
    return made


def read_until(fifo: int, wanted: bytes) -> None:
    """Reads until a text was written; of nothing, until nobody has the fifo open for writing any more."""
    found = b""
    while True:
        ready, _, _ = select.select([fifo], [], [], DEADLINE)
        assert ready, found
        part = os.read(fifo, 4096)
        found += part
        if (wanted and wanted in found) or not part:
            assert wanted in found
            return


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_running(repository: Path, tmp_path: Path, root: Path, told: signal.Signals) -> None:
    """All that a page starts has the fifo open, as has the test until it tells the build to end."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-c", PROGRAM, str(repository)]
    environment = os.environ | {"PYTHONPATH": str(root), "TMPDIR": str(temporary)}
    fifo = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    own = os.open(tmp_path / "fifo", os.O_WRONLY)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as build:
        read_until(fifo, b"block")
        build.send_signal(told)
        os.close(own)
        read_until(fifo, b"")
        _, errors = build.communicate(timeout=DEADLINE)
    os.close(fifo)
    assert (build.returncode, errors) == (130, "interrupted\n")
    assert list(temporary.iterdir()) == []


def test_what_was_ended_starts_no_more(root: Path) -> None:
    processes = Processes()
    processes.end()
    with pytest.raises(RunFault, match="ended"):
        rerun("```sh\ntrue\n```\n", root, processes=processes)

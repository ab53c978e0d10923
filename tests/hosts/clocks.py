"""`make clocks`: two hosts an hour apart whose clocks jump, on one database; nothing is paid under what is stopped.

Each decides while both stop, resume and activate, at once and for later. What came of it is read from the log.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from policy_service.proofs import keys  # noqa: E402  as a script it must find the repository first; so the next four
from policy_service.settings import Settings  # noqa: E402
from policy_service.store import connect, migrate  # noqa: E402
from tests import postgres  # noqa: E402
from tests.hosts.read_log import Read, read_log  # noqa: E402

HOSTS = {"one": 0, "other": 1}
"""Names, and by how many hours the clock is ahead."""
DEADLINE = 1800.0
"""Seconds after which a host is taken to hang."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the hosts say that they did, by name, and what their log says."""

    hosts: dict[str, Any]
    read: Read

    def counted(self, what: str) -> Counter[str]:
        """Sums over the hosts."""
        return sum((Counter(host[what]) for host in self.hosts.values()), Counter[str]())

    @property
    def findings(self) -> list[str]:
        """All that should not have happened."""
        found = [fault for host in self.hosts.values() for fault in host["faults"]] + self.read.findings
        answered = sum(self.counted("decided").values())
        if answered != self.read.decisions:
            found.append(f"{answered} decisions were answered, {self.read.decisions} are in the log")
        for host in self.hosts.values():
            for policy, reward, new, before, behind in host["stops"]:
                if not new and not any((policy, reward) in one for one in self.read.stopped[before : behind + 1]):
                    found.append(f"{policy}/{reward} was said to be stopped, and was not between {before} and {behind}")
        return found

    def line(self, store: str) -> str:
        """The figure."""
        read, orders = self.read, self.counted("orders")
        given = ", ".join(f"{orders[name]} {name}" for name in ("stop", "resume", "activate", "schedule", "rollback"))
        repeated = sum(not new for host in self.hosts.values() for _, _, new, *_ in host["stops"])
        return (
            f"{store}: {read.decisions} decisions of two hosts an hour apart, {read.while_stopped} of them while"
            f" something was stopped; {read.orders} orders ({given}; {repeated} stops repeated);"
            f" {sum(host['jumps'] for host in self.hosts.values())} jumps of clocks; {len(self.findings)} findings"
        )


def run(url: str, folder: Path, decisions: int, seed: int = 1) -> Outcome:
    """Two hosts on an empty database until each has made half of the decisions."""
    engine = connect(url)
    migrate(engine)
    key = folder / "log.pem"
    keys.make(key, Settings().log_origin)
    made = str(decisions // len(HOSTS))
    hosts = {
        name: _started(url, str(key), str(folder / f"{name}.guard"), name, str(hours), made, str(seed))
        for name, hours in HOSTS.items()
    }
    try:
        for host in hosts.values():
            _line(host)
        for host in hosts.values():
            assert host.stdin is not None
            host.stdin.write("go\n")
            host.stdin.flush()
        said = {name: json.loads(host.communicate(timeout=DEADLINE)[0]) for name, host in hosts.items()}
        return Outcome(said, read_log(engine))
    finally:
        for host in hosts.values():
            host.kill()
            host.communicate()
        engine.dispose()


def _started(*words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(Path(__file__).with_name("clocked.py")), *words]
    environment = {"PYTHONPATH": str(ROOT), "POLICY_CACHE": "off"}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(host: "subprocess.Popen[str]") -> None:
    assert host.stdout is not None
    assert host.stdout.readline() == "ready\n"


def main(decisions: int = 10_000) -> int:
    wrong = 0
    for store in ("sqlite", "postgresql"):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="policy-")))
            url = f"sqlite:///{folder / 'clocks.db'}"
            if store == "postgresql":
                server = stack.enter_context(postgres.running(folder / "postgresql"))
                url = stack.enter_context(postgres.database(server))
            found = run(url, folder, decisions)
        print(found.line(store))
        print("".join(f"  {finding}\n" for finding in found.findings[:20]), end="")
        wrong += len(found.findings)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

"""A program that appends from a process of its own, and prints what it knows to be committed.

`appending.py URL ROUNDS`: prints `ready`, waits for a line, makes the database if need be, then in each round appends
one decision under the round's key, which all processes share, and one without a key. Each is printed when `append` has
returned: the round or `-`, the id that answers, and whether it was a replay.
"""

import itertools
import os
import sys

from policy_service.decisions.deciding.ids import new_decision_id
from policy_service.decisions.ports.records import DecisionRecord, IdempotencyClaim
from policy_service.store import SqlDecisionStore, connect, migrate
from policy_service.store.bundles import save
from policy_service.store.database import writing

BUNDLE = "sha256:" + "b" * 64
NOON = "2023-04-01T12:00:00.000Z"


def record() -> DecisionRecord:
    """A record whose body names it, and is of a usual size."""
    id = new_decision_id()
    return DecisionRecord(id, NOON, BUNDLE, "2023-04-01", "m-1", id.encode() * 100)


def main(url: str, rounds: str) -> None:
    say("ready")
    sys.stdin.readline()
    engine = connect(url)
    migrate(engine)
    with writing(engine) as connection:
        save(connection, BUNDLE, None, {"bundle.yaml": "label: spring\n"}, NOON)
    store = SqlDecisionStore(engine)
    for n in range(int(rounds)) if rounds != "endless" else itertools.count():
        for key, claim in ((str(n), IdempotencyClaim("payer", str(n), "d")), ("-", None)):
            appended = store.append(record(), claim)
            say(f"{key} {appended.record.id} {appended.replayed}")
    engine.dispose()


def say(line: str) -> None:
    """Writes the line at once and whole, so that a killed process has printed nothing by halves."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])

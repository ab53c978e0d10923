"""A program that writes orders, or decisions under the orders that it knows: `obeying.py URL KEY orders|decisions N`.

Prints `ready`, waits for a line, and writes that many, each again until it is written.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

from policy_service.decisions.deciding.ids import new_decision_id
from policy_service.decisions.ports.activations import StaleVersion
from policy_service.decisions.ports.records import DecisionRecord, StaleOrders
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs import keys
from policy_service.store import SqlActStore, SqlDecisionStore, connect
from tests.signed import NOON, ORIGIN, order, storing

BUNDLE = "sha256:" + "b" * 64


def main(url: str, key: str, what: str, most: str) -> None:
    engine = connect(url)
    acts, decisions = SqlActStore(engine), SqlDecisionStore(engine)
    log = LogKeys(ORIGIN, (keys.load(Path(key), ORIGIN),))
    say("ready")
    sys.stdin.readline()
    for _ in range(int(most)):
        known = acts.last_version()
        while True:
            try:
                if what == "orders":
                    acts.add(order(storing(), known + 1, "", log, id_=new_decision_id()))
                else:
                    decisions.append(decided_under(known), None)
                break
            except StaleVersion:
                known = acts.last_version()
            except StaleOrders as stale:
                known = stale.last
    engine.dispose()


def decided_under(version: int) -> DecisionRecord:
    """A decision whose body is the version of the last order that it was made under."""
    made = DecisionRecord(new_decision_id(), NOON, BUNDLE, "2023-04-01", None, str(version).encode())
    return replace(made, orders=version)


def say(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A program that forks while its parent has used, or is using, the store: `forking.py URL idle|forgotten|busy`.

`forgotten`: the parent has also used an engine that nobody has any more. The child appends one decision, waits until
the parent has closed the database, and appends another. Each side prints what happened to its appends.
"""

import gc
import os
import sys

from sqlalchemy import Engine

from policy_service.decisions.deciding.ids import new_decision_id
from policy_service.decisions.ports.records import DecisionRecord, StoreUnavailable
from policy_service.store import SqlDecisionStore, connect, migrate
from policy_service.store.bundles import save
from policy_service.store.database import reading, writing

BUNDLE = "sha256:" + "b" * 64
NOON = "2023-04-01T12:00:00.000Z"


def main(url: str, moment: str) -> None:
    engine = connect(url)
    migrate(engine)
    with writing(engine) as connection:
        save(connection, BUNDLE, None, {}, NOON)
    append(engine, "parent")
    if moment == "idle":
        fork(engine)
    elif moment == "forgotten":
        forget(url)
        fork(engine)
    else:
        with reading(engine):
            fork(engine)


def forget(url: str) -> None:
    """Use the store through an engine, and leave its connections to the garbage collector."""
    SqlDecisionStore(connect(url)).count()
    gc.collect()


def fork(engine: Engine) -> None:
    appended, closed = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        append(engine, "child")
        os.write(appended[1], b"x")
        os.read(closed[0], 1)
        append(engine, "child")
        os._exit(0)
    os.read(appended[0], 1)
    engine.dispose()
    os.write(closed[1], b"x")
    os.waitpid(child, 0)


def append(engine: Engine, who: str) -> None:
    record = DecisionRecord(new_decision_id(), NOON, BUNDLE, "2023-04-01", None, who.encode())
    try:
        SqlDecisionStore(engine).append(record, None)
        result = record.id
    except StoreUnavailable as fault:
        result = str(fault)
    os.write(sys.stdout.fileno(), f"{who} {result}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])

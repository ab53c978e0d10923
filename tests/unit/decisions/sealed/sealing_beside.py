"""A program that seals from a process of its own: `sealing_beside.py URL KEY GUARD`, and prints how many it sealed."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from policy_service.decisions.deciding.ids import new_decision_id
from policy_service.decisions.sealed.guard import Guard
from policy_service.decisions.sealed.ordering import SignedOrders
from policy_service.decisions.sealed.sealing import Sealer
from policy_service.decisions.sealed.signing import load_keys
from policy_service.settings import Settings
from policy_service.store import SqlActStore, SqlLogStore, connect


def now() -> datetime:
    return datetime.now(UTC)


def main(url: str, key: str, guard: str) -> None:
    engine = connect(url)
    origin = Settings().log_origin
    keys, beside = load_keys(origin, [Path(key)]), Guard(Path(guard), origin)
    orders = SignedOrders(SqlActStore(engine), keys, beside, now=now, new_id=new_decision_id)
    sealer = Sealer(SqlLogStore(engine), orders, now=now)
    print("ready", flush=True)
    sys.stdin.readline()
    sealed = 0
    while (some := sealer.seal(3)) != 0:
        sealed += some or 0
    print(sealed)
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])

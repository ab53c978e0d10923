"""A program that seals from a process of its own: `sealing_beside.py URL KEY`, and prints how many it sealed."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from policy_service.decisions.sealed.sealing import Sealer
from policy_service.decisions.sealed.signing import load_keys
from policy_service.settings import Settings
from policy_service.store import SqlLogStore, connect


def main(url: str, key: str) -> None:
    engine = connect(url)
    sealer = Sealer(SqlLogStore(engine), load_keys(Settings().log_origin, [Path(key)]), now=lambda: datetime.now(UTC))
    print("ready", flush=True)
    sys.stdin.readline()
    sealed = 0
    while (some := sealer.seal(3)) != 0:
        sealed += some or 0
    print(sealed)
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])

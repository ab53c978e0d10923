"""The inside of `log_before.py`: `log_inside.py URL RULES KEY GUARD`, in any checkout that PYTHONPATH names.

For each line, the name of a way and how many, it prints microseconds of the processor for one of them. It calls only
what the checkouts have in common.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parent / "http"))

import traffic

from policy_service.assembly import Assembled, assemble, load_folder
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.settings import Settings


class Inside:
    """A service in this process, asked for decisions one by one, and another on the same store, which only seals."""

    def __init__(self, assembled: Assembled, other: Assembled) -> None:
        self._service, self._sealers = assembled.service, {"seal": assembled.auditing, "others": other.auditing}
        self._requests = [
            EvaluateRequest(one["facts"], one["as_of"], policies=tuple(one["policies"])) for one in traffic.bodies()
        ]
        self._keys = 0

    def took(self, way: str, many: int) -> float:
        """Microseconds of the processor."""
        if way in self._sealers:
            self._seal("seal")
            self._decide(many)
            return _timed(lambda: self._seal(way), many)
        return _timed(lambda: self._decide(many, keyed=way == "keyed"), many)

    def _decide(self, many: int, *, keyed: bool = False) -> None:
        for request in self._requests[:many]:
            self._keys += 1
            self._service.evaluate(request, caller="bench", idempotency_key=f"k-{self._keys}" if keyed else None)

    def _seal(self, way: str) -> None:
        auditing = self._sealers[way]
        assert auditing is not None
        auditing.sealer.seal_all()


def _timed(call: Callable[[], None], many: int) -> float:
    start = process_time()
    call()
    return (process_time() - start) / many * 1e6


def main(url: str, rules: str, key: str, guard: str) -> None:
    own = {"guard": guard} if hasattr(Settings, "guard") else {}
    settings = Settings(rules=Path(rules), database_url=url, signing_key=key, **own)
    assembled = assemble(settings)
    found, _, _ = load_folder(Path(rules))
    assert found is not None
    assembled.publishing.adopt_folder(found, actor="bench")
    inside = Inside(assembled, assemble(settings))
    for line in sys.stdin:
        way, many = line.split()
        print(inside.took(way, int(many)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

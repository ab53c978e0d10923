"""Prints how many manipulations are found and missed: `make tampering`. Exit status 1 where the table is not met."""

import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from policy_service.policies.bundle import load_folder
from policy_service.proofs import keys
from tests import postgres
from tests.tampering import run, stolen
from tests.tampering.table import KINDS, STOLEN, faults, possible, stolen_faults, summary, victims
from tests.tampering.victim import Place
from tests.unit.decisions.conftest import CLUB, ORIGIN

Row = tuple[str, str, bool]


def main() -> int:
    logging.disable(logging.CRITICAL)
    rules, _, _ = load_folder(CLUB)
    assert rules is not None
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as made, postgres.running(Path(made) / "server") as server:
        folder = Path(made)
        keys.make(folder / "log.pem", ORIGIN)
        with victims(folder, folder / "log.pem", rules, server) as places:
            rows = [row for kind in KINDS for row in _rows(kind, places[kind], folder, wrong)]
    print(summary(sorted(rows, key=lambda row: "stolen" in row[0])))
    print(*wrong, sep="\n")
    return 1 if wrong else 0


def _rows(kind: str, place: Place, folder: Path, wrong: list[str]) -> Iterator[Row]:
    for one in possible(kind):
        outcome, tampering = run.attempt(place, one, folder)
        wrong += [f"{kind}: {one.name}: {fault}" for fault in faults(one, outcome, tampering)]
        yield f"without a key: {one.group}", kind, bool(outcome.findings)
    for thief in STOLEN:
        told = stolen.attempt(place, thief, folder)
        wrong += [f"{kind}: {thief.name}: {fault}" for fault in stolen_faults(thief, told)]
        for by in ("alone", "guard", "head", "witness", "receipt"):
            yield f"with a stolen key: {BY[by]}", kind, bool(getattr(told, by))


BY = {
    "alone": "nothing was kept",
    "guard": "this host's guard",
    "head": "one kept head",
    "witness": "one cosigned head",
    "receipt": "one kept receipt",
}

if __name__ == "__main__":
    sys.exit(main())

"""All manipulations, made on all kinds of databases; and what was found, by kind, as text."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from policy_service.decisions.audit.findings import Finding
from policy_service.decisions.audit.whole import beside as beside_the_log
from policy_service.decisions.audit.whole import orders as orders_of_the_log
from policy_service.decisions.bundles import evaluators
from policy_service.policies.bundle import Bundle
from tests.tampering import beside, case, orders, places, records, stolen
from tests.tampering.case import CASES, Case, Tampering
from tests.tampering.run import Outcome, quickly
from tests.tampering.stolen import STOLEN, Told
from tests.tampering.victim import Place, on_postgresql, on_sqlite

PARTS = (records, places, beside, orders)
"""The modules that have filled the table."""
KINDS = ("sqlite", "postgresql")


@contextmanager
def victims(folder: Path, key: Path, rules: Bundle, server: Path) -> Iterator[dict[str, Place]]:
    """The victim's store on each kind of database; and rules are compiled once."""
    kept = [(module, module.stored) for module in (beside_the_log, orders_of_the_log, evaluators)]
    with ExitStack() as stack:
        for module, stored in kept:
            module.stored = quickly
            stack.callback(setattr, module, "stored", stored)
        (folder / "sqlite").mkdir()
        (folder / "postgresql").mkdir()
        yield {
            "sqlite": stack.enter_context(on_sqlite(folder / "sqlite", key, rules)),
            "postgresql": stack.enter_context(on_postgresql(folder / "postgresql", key, rules, server)),
        }


def possible(kind: str) -> list[Case]:
    return [one for one in CASES if one.only in (None, kind)]


# ---- what is wrong with an outcome


def faults(one: Case, outcome: Outcome, tampering: Tampering) -> list[str]:
    """How an outcome differs from what the table says, in words."""
    found = [*outcome.wrong]
    told = {finding.kind for finding in outcome.findings}
    if told != set(one.finds):
        found.append(f"told of {sorted(told)}, due are {sorted(one.finds)}")
    for kind, where in one.finds.items():
        for at in where if isinstance(where, tuple) else (where,):
            if not any(finding.kind == kind and _is_at(finding, at, tampering) for finding in outcome.findings):
                found.append(f"no {kind} at {at}")
    if not outcome.sealed:
        found.append("nothing is found after the next seal")
    if outcome.answers == one.holds or (outcome.answers and outcome.seals != one.seals):
        found.append(f"answers: {outcome.answers}, seals: {outcome.seals} {outcome.why}")
    if outcome.answers and outcome.forgot != ({one.forgets} if one.forgets else set()):
        found.append(f"retries that are new requests: {outcome.forgot}")
    return found


def _is_at(finding: Finding, where: case.Place, tampering: Tampering) -> bool:
    if where is None or finding.index == where:
        return True
    if isinstance(where, int):
        return False
    return finding.id == tampering.id(where) or (where != "new" and finding.index == tampering.story.index(where))


def stolen_faults(one: stolen.Stolen, told: Told) -> list[str]:
    due = {"head": one.by_head, "witness": one.by_head, "receipt": one.by_receipt}
    found = [f"alone it tells of {told.alone}"] if told.alone else []
    found += [] if told.guard else ["the guard tells of nothing"]
    for name, kinds in due.items():
        if {finding.kind for finding in getattr(told, name)} != kinds:
            found.append(f"a kept {name} tells of {getattr(told, name)}")
    return found


# ---- the table as text


def summary(found: Sequence[tuple[str, str, bool]]) -> str:
    """How many were found and missed, by class, kind and database.

    Args:
        found: class with its kind, database, and whether it was found.
    """
    counts = Counter(found)
    classes = list(dict.fromkeys(name for name, _, _ in found))
    width = max(map(len, classes))
    lines = [f"{'':{width}}  " + "  ".join(f"{kind + ' found/missed':>24}" for kind in KINDS)]
    for name in classes:
        cells = (f"{counts[name, kind, True]}/{counts[name, kind, False]}" for kind in KINDS)
        lines.append(f"{name:{width}}  " + "  ".join(f"{cell:>24}" for cell in cells))
    return "\n".join(lines)


__all__ = ["CASES", "KINDS", "PARTS", "STOLEN", "faults", "possible", "stolen_faults", "summary", "victims"]

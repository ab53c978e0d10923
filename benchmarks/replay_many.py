"""`make bench-replay`: 100,000 decisions made, sealed and replayed; some persons erased; verified and replayed again.

The states are the varied ones of the 川流 family, none twice; of every fifty requests one is about a member, whose
facts are sensitive. Everything runs in this process on one SQLite file, through what the service and `policyctl
replay` and `audit` run through. 1 when a decision does not replay identically, when those that replay as erased are not
those of the erased members, or when the verification finds anything.
"""

import argparse
import random
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parent / "http"))

import servers
import states

from policy_service.assembly import Assembled, assemble_on, load_folder
from policy_service.decisions.audit.auditing import Auditing
from policy_service.decisions.audit.sealed_replay import SealedReplay, Tally
from policy_service.decisions.audit.searching import Query
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.deciding.service import Evaluated
from policy_service.settings import Settings
from policy_service.store import connect, migrate

_CHUNK, _ONE_IN = 200, 50
_MOST_SECONDS = 15 * 60.0
_FAMILY, _MEMBER = ("chuanliu.*",), ("membership.member_price",)


def main() -> int:
    """Run and print; 1 on a violation."""
    options = _options()
    start = perf_counter()
    with servers.folder() as folder:
        url = f"sqlite:///{folder / 'replay.sqlite3'}"
        engine = connect(url)
        migrate(engine)
        settings = Settings(rules=servers.ROOT / "rules", database_url=url, signing_key=servers.signing_key(folder))
        known = assemble_on(engine, settings)
        found, _, _ = load_folder(settings.rules)
        assert found is not None
        assert known.auditing is not None
        known.publishing.adopt_folder(found, actor="bench")
        faults = _run(known, known.auditing, options.count, options.erase, start + _MOST_SECONDS)
        size = sum(one.stat().st_size for one in folder.iterdir()) / 2**20
        engine.dispose()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"store {size:,.0f} MiB, at most {memory:,.0f} MiB of memory, {perf_counter() - start:.0f} s in all")
    for one in faults:
        print(f"FAIL {one}")
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Replay many decisions, and erase persons among them.")
    parser.add_argument("--count", type=int, default=100_000, help="decisions")
    parser.add_argument("--erase", type=int, default=100, help="members to erase")
    return parser.parse_args()


def _run(known: Assembled, auditing: Auditing, count: int, erase: int, until: float) -> list[str]:
    """What is wrong."""
    members: dict[str, set[str]] = {}
    made, start = 0, perf_counter()
    for chunk in _chunks(count):
        made += _decided(known, chunk, members)
        if perf_counter() > until - _MOST_SECONDS / 2:
            print(f"stopped after {made:,} of {count:,} decisions: the time was up")
            break
    _tell("decided", made, perf_counter() - start)
    start = perf_counter()
    sealed = auditing.sealer.seal_all()
    _tell("sealed", sealed, perf_counter() - start)
    faults = [] if sealed == made else [f"{sealed} of {made} decisions were sealed"]

    tally, _ = _replayed(known, auditing)
    if dict(tally.outcomes) != {"identical": made}:
        faults.append(f"of {made} decisions came out: {dict(tally.outcomes)}, {dict(tally.reasons)}")

    chosen = sorted(members)[:erase]
    start = perf_counter()
    erased = [auditing.erasing.erase("member", id_, ticket=f"T-{id_}", actor="bench") for id_ in chosen]
    values = sum(one.values for one in erased)
    took = perf_counter() - start
    records = sum(len(one.records) for one in erased)
    print(f"erased: {len(chosen)} members, {records} records, {values} values, {took:.1f} s", flush=True)
    wanted = {record for id_ in chosen for record in members[id_]}
    if len(chosen) < min(erase, made // _ONE_IN) or {record for one in erased for record in one.records} != wanted:
        faults.append("the erased records are not those of the members")

    start = perf_counter()
    verified = auditing.verify()
    _tell("verified", verified.records, perf_counter() - start)
    faults += [f"{one.kind}: {one.message}" for one in verified.findings]
    if verified.records != made + len(chosen):
        faults.append(f"{verified.records} records were verified, not {made + len(chosen)}")

    tally, named = _replayed(known, auditing)
    if dict(tally.outcomes) != {"identical": made - len(wanted), "erased": len(wanted)} or named != wanted:
        faults.append(f"after the erasures came out: {dict(tally.outcomes)}, {dict(tally.reasons)}")
    return faults


def _chunks(count: int) -> Iterator[list[tuple[EvaluateRequest, str | None]]]:
    """Requests, and the member that each is about."""
    draw, day = random.Random(count), states.AS_OF.isoformat()
    facts = states.states(count)
    for first in range(0, count, _CHUNK):
        chunk: list[tuple[EvaluateRequest, str | None]] = []
        for number in range(first, min(first + _CHUNK, count)):
            if number % _ONE_IN:
                chunk.append((EvaluateRequest(facts[number], day, policies=_FAMILY), None))
                continue
            member = f"u-{draw.randrange(max(1, count // _ONE_IN // 2))}"  # some come again
            posted = {
                "merchant": {"id": f"m-{number}"},
                "member": {"id": member, "level": draw.randint(0, 3)},
                "products": [{"id": f"p-{number}", "public_price": draw.randint(1, 900)}],
            }
            chunk.append((EvaluateRequest(posted, day, policies=_MEMBER), member))
        yield chunk


def _decided(known: Assembled, chunk: list[tuple[EvaluateRequest, str | None]], members: dict[str, set[str]]) -> int:
    requests = [(request, None) for request, _ in chunk]
    answers = known.service.evaluate_all(requests, caller="bench", active=known.service.unstopped())
    for (_, member), answer in zip(chunk, answers, strict=True):
        if not isinstance(answer, Evaluated) or answer.decision_id is None:
            raise SystemExit(f"a request was refused: {answer!r}")
        if member is not None:
            members.setdefault(member, set()).add(answer.decision_id)
    return len(answers)


def _replayed(known: Assembled, auditing: Auditing) -> tuple[Tally, set[str]]:
    """What became of all, and the ids of those that are erased."""
    tally, erased, start = Tally(), set[str](), perf_counter()
    for again in SealedReplay(known.service, auditing).all(Query()):
        tally.add(again)
        if again.outcome == "erased":
            erased.add(again.decision_id)
    outcomes = ", ".join(f"{times:,} {outcome}" for outcome, times in tally.outcomes.items())
    _tell(f"replayed: {outcomes}", tally.outcomes.total(), perf_counter() - start)
    return tally, erased


def _tell(what: str, count: int, seconds: float) -> None:
    print(f"{what}: {count:,} in {seconds:.1f} s, {count / seconds:,.0f} a second", flush=True)


if __name__ == "__main__":
    sys.exit(main())

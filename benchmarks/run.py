"""`make bench`: how long a decision takes, against what, and whether memory stays flat.

Everything runs in this process, in less than three minutes. All contenders decide the same fixed states, take turns
in one run, and their answers are compared first.
"""

import argparse
import cProfile
import json
import platform
import pstats
import sys
from time import perf_counter
from typing import Any

import contenders
import report
from measure import race
from soak import soak
from stages import shares
from states import AS_OF, Facts, states
from subject import Service, service

_RACE_SECONDS, _ALL_SECONDS = 40.0, 172.0


def main() -> int:
    """Run and print; 1 when an answer differs, an evaluation fails or memory grows."""
    options = _options()
    start = perf_counter()
    rounds, passes, evaluations = (10, 4, 20_000) if options.quick else (60, 20, 200_000)
    subject, facts = service(), states()
    if options.profile:
        _profile(subject, facts)
        return 0
    say = _nothing if options.json else print
    say(f"川流: {len(subject.family)} policies, {len(facts)} states, as_of {AS_OF}, Python {platform.python_version()}")
    found: dict[str, Any] = {"python": platform.python_version(), "states": len(facts), "as_of": AS_OF.isoformat()}
    ours = contenders.ours(subject, facts)
    if options.stages:
        found["stages"] = report.stages(shares(facts, passes), race([ours], rounds, start + _RACE_SECONDS)[0], say)
    else:
        everyone, wrong = contenders.compared(subject, facts)
        found["compared"] = report.compared(wrong, len(facts), say)
        timings = race(everyone, rounds, start + _RACE_SECONDS)
        found["timings"] = report.timings(timings, say)
        found["stages"] = report.stages(shares(facts, passes), timings[0], say)
        found["aims"] = report.aims(timings, say)
        found["cells"] = report.cells(subject.counts(), say)
        found["memory"] = report.memory(soak(ours, evaluations, start + _ALL_SECONDS), say)
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    return 0 if report.is_good(found) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure decisions of the 川流 family.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and 20,000 evaluations for the memory")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--stages", action="store_true", help="only the split by stage")
    parser.add_argument("--profile", action="store_true", help="only a profile of the functions of a decision")
    return parser.parse_args()


def _nothing(_line: str) -> None:
    pass


def _profile(subject: Service, facts: list[Facts]) -> None:
    decide = contenders.ours(subject, facts).call
    with cProfile.Profile() as profile:
        for _ in range(10):
            for one in facts:
                decide(one)
    shown = pstats.Stats(profile, stream=sys.stdout).strip_dirs()
    shown.sort_stats("tottime").print_stats(35)
    shown.sort_stats("cumulative").print_stats(25)


if __name__ == "__main__":
    sys.exit(main())

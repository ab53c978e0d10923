"""`make bench`: how long a decision takes, against what, and whether memory stays flat.

Everything runs in this process, in less than three minutes. All contenders decide the same fixed states, take turns
in one run, and their answers are compared first.
"""

import argparse
import cProfile
import gc
import json
import platform
import pstats
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import bare_rete
import plain
import zen_call
from measure import Contender, Timing, race, resident
from outcome import Outcome, differences, of_answer, rows_of_answer
from stages import STAGES, shares
from states import AS_OF, states
from subject import Service, service

_DAY = AS_OF.isoformat()
_AIM_MICROSECONDS, _AIM_RATIO = 120, 2.5
_RELATIONS = ("requirements", "tasks")
_CELLS = {
    "fact": ("Rete", "facts as posted, compared with constants by durable-rules"),
    "number": ("Rete", "a number computed before (a difference, a sum), compared by durable-rules"),
    "flag": ("Python", "decided before the match; durable-rules only passes it on"),
    "closure": ("Python", "reads another decision or column, so it is decided after the match"),
}

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is run."""

    rounds: int
    stage_passes: int
    soak: int
    soak_seconds: float


_FULL, _QUICK = Effort(60, 20, 200_000, 120.0), Effort(10, 4, 20_000, 15.0)


def main() -> int:
    """Run, print; 1 when an answer differs, an evaluation fails or memory grows."""
    options = _options()
    effort = _QUICK if options.quick else _FULL
    subject = service()
    facts = states()
    if options.profile:
        _profile(subject, facts)
        return 0
    report: Report = {"python": platform.python_version(), "states": len(facts), "as_of": _DAY,
                      "policies": sorted(subject.family)}
    say = _nothing if options.json else print
    say(f"川流: {len(subject.family)} policies, {len(facts)} states, as_of {_DAY}, Python {report['python']}, in process")
    if options.stages:
        ours = race([_ours(subject, facts)], effort.rounds)[0]
        report["stages"] = _stages(subject, facts, ours, effort, say)
    else:
        contenders, report["compared"] = _compare(subject, facts, say)
        timings = race(contenders, effort.rounds)
        report["timings"] = _timings(timings, say)
        report["stages"] = _stages(subject, facts, timings[0], effort, say)
        report["aims"] = _aims(timings, say)
        report["cells"] = _cells(subject, say)
        report["soak"] = _soak(subject, facts, effort, say)
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    return 0 if _is_good(report) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure decisions of the 川流 family.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and 20,000 evaluations for the memory")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--stages", action="store_true", help="only the split by stage")
    parser.add_argument("--profile", action="store_true", help="only a profile of the functions of a decision")
    return parser.parse_args()


def _nothing(*_lines: str) -> None:
    pass


# ---- the contenders


def _ours(subject: Service, facts: list[Any]) -> Contender:
    question = subject.question("fired")
    return Contender("ours, trace fired", lambda one: subject.decide(one, question), facts)


def _compare(subject: Service, facts: list[Any], say: Callable[[str], None]) -> tuple[list[Contender], Report]:
    """All contenders, and how many of their answers differ from ours."""
    fired, untraced = subject.question("fired"), subject.question("none")
    bare, zen = bare_rete.BareRete(), zen_call.Zen()
    flat = [bare_rete.texts(one) for one in facts]
    texts = [zen_call.as_text(one, _DAY) for one in facts]
    dicts = [zen_call.as_dict(one, _DAY) for one in facts]
    answers = [subject.decide(one, fired) for one in facts]
    expected = [of_answer(answer) for answer in answers]
    wrong = {
        "plain": _wrong(expected, [_plain(one) for one in facts]),
        "bare": [f"{a ^ b}" for a, b in zip(map(rows_of_answer, answers), map(bare.rows, flat), strict=True) if a != b],
        "zen": _wrong(expected, [_zen(zen.tables(one), own) for one, own in zip(texts, expected, strict=True)])
        + _wrong(expected, [_zen(zen.tables(one), own) for one, own in zip(dicts, expected, strict=True)]),
        "zen, one node": _wrong(expected, [_zen(zen.one_node(one), own) for one, own in zip(texts, expected, strict=True)]),
    }
    say("answers compared with ours: " + ", ".join(
        f"{name} {len(found)} differ" if found else f"{name} equal" for name, found in wrong.items()))
    for name, found in wrong.items():
        for line in found[:3]:
            say(f"  {name}: {line}")
    contenders = [
        _ours(subject, facts),
        Contender("ours, trace none", lambda one: subject.decide(one, untraced), facts),
        Contender("plain Python", lambda one: plain.decide(one, _DAY), facts),
        Contender("durable-rules bare", bare.match, flat),
        Contender("zen, JSON text", zen.tables, texts),
        Contender("zen, dict", zen.tables, dicts),
        Contender("zen, JSON text, trace", zen.traced, texts),
        Contender("zen, no tables", zen.one_node, texts),
    ]
    return contenders, {name: {"states": len(facts), "differ": len(found)} for name, found in wrong.items()}


def _wrong(expected: list[Outcome], found: list[Outcome]) -> list[str]:
    return [line for one, other in zip(expected, found, strict=True) for line in differences(one, other)[:1]]


def _plain(facts: Any) -> Outcome:
    found = plain.decide(facts, _DAY)
    return Outcome(found["statuses"], found["decisions"], *(sorted(found[k]) for k in (
        "rewards", "not_granted", "recommendations")))


def _zen(answer: dict[str, Any], own: Outcome) -> Outcome:
    relations = {policy: {name: value for name, value in values.items() if name in _RELATIONS}
                 for policy, values in own.decisions.items()}
    return zen_call.outcome(answer, relations)


# ---- what is printed


_REMARKS = {
    "ours, trace fired": "facts checked; statuses, rewards with claims, reasons, zh and en texts, trace",
    "ours, trace none": "the same without the trace",
    "plain Python": "by hand: ids, amounts, reasons, decisions; nothing checked, no texts, no trace",
    "durable-rules bare": "the match alone, facts ready as text, no answer",
    "zen, JSON text": "its fastest call: graph of tables, preloaded key; ids, amounts, reasons",
    "zen, dict": "the same from a parsed dict",
    "zen, JSON text, trace": "the same with zen's trace",
    "zen, no tables": "for comparison: one node of expressions instead of tables",
}


def _timings(timings: list[Timing], say: Callable[[str], None]) -> Report:
    ours = timings[0]
    say("\nmicroseconds per decision (the machine is shared: absolute numbers move, trust the ratios)")
    say(f"  {'':22} {'median':>8} {'best':>8} {'ours is':>9}")
    for timing in timings:
        ratio = "" if timing is ours else f"{ours.ratio(timing):8.2f}x"
        say(f"  {timing.name:22} {timing.median:8.1f} {timing.best:8.1f} {ratio:>9}  {_REMARKS[timing.name]}")
    return {t.name: {"median": round(t.median, 2), "best": round(t.best, 2), "ours_is": round(ours.ratio(t), 3)}
            for t in timings}


def _stages(subject: Service, facts: list[Any], ours: Timing, effort: Effort, say: Callable[[str], None]) -> Report:
    found = shares(_ours(subject, facts).call, facts, effort.stage_passes)
    say(f"\nby stage: {ours.median:.1f} us, trace fired (shares from a pass with clocks around the stages, scaled to the")
    say("median of the passes without)")
    for stage, share in found.items():
        say(f"  {stage:13} {share * ours.median:7.1f} us {share:6.1%}  {STAGES[stage]}")
    return {stage: {"microseconds": round(share * ours.median, 2), "share": round(share, 4)}
            for stage, share in found.items()}


def _aims(timings: list[Timing], say: Callable[[str], None]) -> Report:
    """The aims, with zen in whichever form of its input is faster."""
    ours = timings[0]
    zen = min((t for t in timings if t.name in ("zen, JSON text", "zen, dict")), key=lambda t: t.median)
    ratio = ours.ratio(zen)
    say(f"\naims: at most {_AIM_MICROSECONDS} us: {ours.median:.1f} ({_verdict(ours.median <= _AIM_MICROSECONDS)}); "
        f"at most {_AIM_RATIO} times zen's fastest call: {ratio:.2f} ({_verdict(ratio <= _AIM_RATIO)})")
    return {"microseconds": {"aim": _AIM_MICROSECONDS, "found": round(ours.median, 2)},
            "times_zen": {"aim": _AIM_RATIO, "found": round(ratio, 3)}}


def _verdict(reached: bool) -> str:
    return "reached" if reached else "missed"


def _cells(subject: Service, say: Callable[[str], None]) -> Report:
    counts = subject.counts()
    total = sum(counts.values())
    by_rete = sum(counts[kind] for kind, (who, _) in _CELLS.items() if who == "Rete")
    say(f"\ncells and conditions of the shipped bundle on the day: {total}, of them decided by the Rete {by_rete} "
        f"({by_rete / total:.0%})")
    for kind, (who, meaning) in _CELLS.items():
        say(f"  {kind:8} {counts[kind]:4}  {who:7} {meaning}")
    say("  counted: cells of tables other than `-`, boolean cells of relations, `applies`, every `when`, exceptions, and")
    say("  the bundle's exclusions once for each reward; not constants, nor a bare reference to a decision or column")
    return dict(counts) | {"total": total, "rete": by_rete, "share": round(by_rete / total, 4)}


# ---- memory


def _soak(subject: Service, facts: list[Any], effort: Effort, say: Callable[[str], None]) -> Report:
    """Many evaluations in a row: errors, memory after a tenth and at the end, and the same answers at the end."""
    decide = _ours(subject, facts).call
    first = [decide(one) for one in facts]
    gc.collect()
    done = errors = 0
    early: float | None = None
    start = perf_counter()
    while done < effort.soak and perf_counter() - start < effort.soak_seconds:
        for one in facts:
            try:
                decide(one)
            except Exception as error:  # noqa: BLE001  counted and shown, whatever it is
                errors += 1
                say(f"  error: {error!r}")
        done += len(facts)
        if early is None and done >= effort.soak // 10:
            early = resident()
    late = resident()
    seconds = perf_counter() - start
    same = [decide(one) for one in facts] == first
    say(f"\nmemory: {done:,} evaluations in a row, {seconds:.0f} s, {errors} errors; "
        f"the last answers {'equal' if same else 'DIFFER FROM'} the first")
    if done < effort.soak:
        say(f"  stopped before {effort.soak:,}: the time was up")
    if early is not None and late is not None:
        say(f"  resident after 10 %: {early:.2f} MiB, after 100 %: {late:.2f} MiB, difference {late - early:+.2f} MiB")
    return {"evaluations": done, "wanted": effort.soak, "errors": errors, "same_answers": same,
            "rss_10_percent_mib": early, "rss_100_percent_mib": late, "seconds": round(seconds, 1)}


_FLAT_MIB = 2.0


def _is_good(report: Report) -> bool:
    if any(found["differ"] for found in report.get("compared", {}).values()):
        return False
    soak = report.get("soak")
    if soak is None:
        return True
    early, late = soak["rss_10_percent_mib"], soak["rss_100_percent_mib"]
    grew = early is not None and late is not None and late - early > _FLAT_MIB
    return not soak["errors"] and soak["same_answers"] and not grew


# ---- profile


def _profile(subject: Service, facts: list[Any]) -> None:
    decide = _ours(subject, facts).call
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(10):
        for one in facts:
            decide(one)
    profile.disable()
    statistics = pstats.Stats(profile, stream=sys.stdout).strip_dirs()
    statistics.sort_stats("tottime").print_stats(35)
    statistics.sort_stats("cumulative").print_stats(25)


if __name__ == "__main__":
    sys.exit(main())

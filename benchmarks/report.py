"""What is printed, and the same as values for `--json`."""

from collections.abc import Callable
from typing import Any

from contenders import BARE, OURS, OURS_UNTRACED, PLAIN, ZEN_DICT, ZEN_ONE, ZEN_TEXT, ZEN_TRACED
from measure import Timing
from soak import Soaked
from stages import STAGES

Say = Callable[[str], None]
_AIM_MICROSECONDS, _AIM_RATIO = 120, 2.5
_FLAT_MIB = 2.0
_REMARKS = {
    OURS: "facts checked; statuses, rewards with claims, reasons, zh and en texts, trace",
    OURS_UNTRACED: "the same without the trace",
    PLAIN: "by hand: ids, amounts, reasons, decisions; nothing checked, no texts, no trace",
    BARE: "the match alone, facts ready as text, no answer",
    ZEN_TEXT: "its fastest call, a graph of tables by preloaded key: ids, amounts, reasons",
    ZEN_DICT: "the same from a parsed dict",
    ZEN_TRACED: "the same with zen's trace",
    ZEN_ONE: "for comparison: one node of expressions instead of tables",
}
_CELLS = {
    "fact": ("Rete", "a posted fact, or in a table a decided value, compared with constants by durable-rules"),
    "number": ("Rete", "a number computed before (a difference, a sum), compared by durable-rules"),
    "flag": ("Python", "decided before the match; durable-rules only passes it on"),
    "closure": ("Python", "reads another decision or column, so it is decided after the match"),
}


def compared(wrong: dict[str, list[str]], states: int, say: Say) -> dict[str, Any]:
    """How many states each contender answers otherwise than we do, and the first of them."""
    same = [name for name, found in wrong.items() if not found]
    say(f"answers equal to ours on all {states} states: {'; '.join(same) or 'none'}")
    for name, found in wrong.items():
        if found:
            say(f"{name} DIFFERS on {len(found)} states, first in {found[0]}")
    return {name: {"states": states, "differ": len(found)} for name, found in wrong.items()}


def timings(found: list[Timing], say: Say) -> dict[str, Any]:
    """A line for each contender."""
    ours = found[0]
    say("\nprocessor microseconds per decision, contenders taking turns (a shared machine moves them; ratios hold)")
    say(f"  {'':22} {'median':>8} {'best':>8} {'ours takes':>11}")
    for timing in found:
        ratio = "" if timing is ours else f"{ours.ratio(timing):.2f}x"
        say(f"  {timing.name:22} {timing.median:8.1f} {timing.best:8.1f} {ratio:>11}  {_REMARKS[timing.name]}")
    return {
        t.name: {"median": round(t.median, 2), "best": round(t.best, 2), "ours_takes": round(ours.ratio(t), 3)}
        for t in found
    }


def stages(shares: dict[str, float], ours: Timing, say: Say) -> dict[str, Any]:
    """Where our time goes."""
    say(f"\nours by stage, trace fired, {ours.median:.1f} us (shares of a pass with clocks, scaled to a run without)")
    for stage, share in shares.items():
        say(f"  {stage:13} {share * ours.median:7.1f} us {share:6.1%}  {STAGES[stage]}")
    return {
        stage: {"microseconds": round(share * ours.median, 2), "share": round(share, 4)}
        for stage, share in shares.items()
    }


def aims(found: list[Timing], say: Say) -> dict[str, Any]:
    """Aim and result, with zen in whichever form of its input is faster."""
    ours = found[0]
    zen = min((t for t in found if t.name in (ZEN_TEXT, ZEN_DICT)), key=lambda t: t.median)
    ratio = ours.ratio(zen)
    say("")
    for name, value, aim in (("us per decision", ours.median, _AIM_MICROSECONDS), (f"x {zen.name}", ratio, _AIM_RATIO)):
        say(f"aim: at most {aim} {name}: {value:.2f}, {'reached' if value <= aim else 'missed'}")
    return {
        "microseconds": {"aim": _AIM_MICROSECONDS, "found": round(ours.median, 2)},
        "times_zen": {"aim": _AIM_RATIO, "found": round(ratio, 3)},
    }


def cells(counts: dict[str, int], say: Say) -> dict[str, Any]:
    """How much of the bundle the Rete decides."""
    total = sum(counts.values())
    rete = sum(counts[kind] for kind, (who, _) in _CELLS.items() if who == "Rete")
    say(f"\ncells and conditions of the shipped bundle on the day: {total}, by the Rete {rete} ({rete / total:.0%})")
    for kind, (who, meaning) in _CELLS.items():
        say(f"  {kind:8} {counts[kind]:4}  {who:7} {meaning}")
    say("  counted: cells of tables other than `-`, boolean cells of relations, `applies`, every `when`, boolean")
    say("  decisions, exceptions, and the bundle's exclusions once for each reward; not constants, nor a bare name of")
    say("  a decision or column")
    return dict(counts) | {"total": total, "rete": rete, "share": round(rete / total, 4)}


def memory(soaked: Soaked, say: Say) -> dict[str, Any]:
    """Errors and memory of the long run."""
    say(
        f"\n{soaked.done:,} evaluations in a row in {soaked.seconds:.0f} s: {len(soaked.errors)} errors, "
        f"the answers at the end {'are those' if soaked.same_answers else 'ARE NOT THOSE'} of the start"
    )
    if soaked.done < soaked.wanted:
        say(f"  stopped before {soaked.wanted:,}: the time was up")
    for error in soaked.errors[:3]:
        say(f"  error: {error}")
    if soaked.early is not None and soaked.late is not None:
        grown = soaked.late - soaked.early
        say(f"  resident memory at 10 %: {soaked.early:.2f} MiB, at 100 %: {soaked.late:.2f} MiB ({grown:+.2f})")
    return {
        "evaluations": soaked.done,
        "wanted": soaked.wanted,
        "errors": len(soaked.errors),
        "same_answers": soaked.same_answers,
        "seconds": round(soaked.seconds, 1),
        "rss_mib_at_10_percent": soaked.early,
        "rss_mib_at_100_percent": soaked.late,
    }


def is_good(found: dict[str, Any]) -> bool:
    """No answer differs, no evaluation failed, memory is flat. Whether the aims are reached is for the reader."""
    if any(one["differ"] for one in found.get("compared", {}).values()):
        return False
    after = found.get("memory")
    if after is None:
        return True
    early, late = after["rss_mib_at_10_percent"], after["rss_mib_at_100_percent"]
    grew = early is not None and late is not None and late - early > _FLAT_MIB
    return not after["errors"] and after["same_answers"] and not grew

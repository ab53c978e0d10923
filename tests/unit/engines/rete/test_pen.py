"""What the pen answers, and that nothing which happens between two facts changes it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn, get_args

import durable_rules_engine as dre
import pytest

from policy_service.engines.rete.pen import (
    All,
    Condition,
    Either,
    Op,
    Pen,
    PenFault,
    PenRefusal,
    PenRule,
    Present,
    Test,
    Value,
    field_names,
    order_conditions,
    rulesets,
    split,
)

Meaning = Callable[[Sequence[PenRule], Mapping[str, Value]], list[str]]
Survives = Callable[[str], None]

needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")

RESIDENT = """
import resource

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()
"""


def one(condition: Condition) -> Pen:
    return Pen([PenRule("r", condition)])


# --- the meaning ---------------------------------------------------------------------------------------------------

BIG = (2**53, 2**53 + 1, 2**62 + 1, 2**63 - 1, -(2**63), -(2**53) - 1)
VALUES: tuple[tuple[Value, ...], ...] = (
    tuple(range(6)),
    tuple(range(6)),
    (-1, 0, 1, *BIG),
    (True, False),
    ("", "a", "ab", "企业", 'q"q', "b\\b", "n\nn", "tab\t", "\u2028", "😀", "true", "5"),
    ("", "A", "AB", "ABC", "B", "企", "企业"),  # has an order: no space, quote or backslash
)
FIELDS = dict(zip(field_names(len(VALUES)), VALUES, strict=True))
UNORDERED = list(FIELDS)[3:5]


def random_condition(rng: random.Random, depth: int) -> Condition:
    if depth and rng.random() < 0.55:
        items = tuple(random_condition(rng, depth - 1) for _ in range(rng.randint(1, 3)))
        return All(items) if rng.random() < 0.6 else Either(items)
    field = rng.choice(list(FIELDS))
    op: Op = rng.choice(("eq", "ne") if field in UNORDERED else get_args(Op))
    return Present(field) if rng.random() < 0.1 else Test(field, op, rng.choice(FIELDS[field]))


def random_rules(rng: random.Random) -> Iterator[PenRule]:
    while True:
        rule = PenRule(f"r{rng.random()}", random_condition(rng, rng.randint(0, 3)))
        try:
            split([rule])
        except PenRefusal:
            continue  # too many groups or paths for a single rule
        yield rule


def random_fact(rng: random.Random) -> dict[str, Value]:
    return {field: rng.choice(values) for field, values in FIELDS.items() if rng.random() < 0.85}


@pytest.mark.parametrize("seed", range(10))
def test_fifty_thousand_random_evaluations_mean_what_plain_python_means(seed: int, meaning: Meaning) -> None:
    rng = random.Random(seed)
    source = random_rules(rng)
    for round_ in range(100):
        rules = [next(source) for _ in range(rng.choice((1, 3, 10, 40)))]
        pens = [Pen(run, fresh_state=round_ % 10 == 0) for run in split(rules)]
        order = {rule.name: number for number, rule in enumerate(rules)}
        for _ in range(50):
            fact = random_fact(rng)
            fired = [name for pen in pens for name in pen.match(fact)]
            assert sorted(fired, key=order.__getitem__) == meaning(rules, fact), (rules, fact)
        for pen in pens:
            pen.close()


def test_ordering_conditions_keeps_their_meaning_and_settles_at_once(meaning: Meaning) -> None:
    rng = random.Random(0)
    source = random_rules(rng)
    for _ in range(1_000):
        rule = next(source)
        ordered = order_conditions(rule.condition)
        assert order_conditions(ordered) == ordered
        fact = random_fact(rng)
        assert meaning([PenRule(rule.name, ordered)], fact) == meaning([PenRule(rule.name, rule.condition)], fact)


EDGES: list[Value] = [
    *(0, -0, 2**53 + 1, 2**62 + 1, 2**63 - 1, -(2**63)),
    *(True, False),
    *("", '"', "\\", '\\"', "'", "\n", "\r\n", "\x00", "\x7f", "/", "</", "\\u4f01", "企业", "é", "😀", "\u2028"),
    *("x" * 65_535, "\n" * 32_767, "企" * 21_845),  # 65,535 bytes, or just below, as the engine counts them
]


@pytest.mark.parametrize("value", EDGES, ids=lambda value: repr(value)[:20])
def test_each_value_equals_itself_and_not_its_neighbour(value: Value) -> None:
    # The first half of a text, and the number that a double cannot tell apart, are the neighbours that went wrong.
    others: dict[type, Value] = {
        bool: not value,
        int: int(value) ^ 1 if isinstance(value, int) else 0,
        str: value[:-1] if isinstance(value, str) and value else "x",
    }
    other = others[type(value)]
    pen = Pen([PenRule("same", Test("a", "eq", value)), PenRule("differs", Test("a", "ne", value))])
    assert pen.match({"a": value}) == ["same"]
    assert pen.match({"a": other}) == ["differs"]
    assert pen.match({}) == []
    pen.close()


def test_large_integers_are_ordered_to_the_last_digit() -> None:
    points = sorted({p + d for p in (2**52, 2**53, 2**54, 2**60, 2**62) for d in (-1, 0, 1)} | {2**63 - 1, -(2**63)})
    pen = Pen([PenRule(str(point), Test("a", "ge", point)) for point in points])
    for point in points:
        assert pen.match({"a": point}) == [str(other) for other in points if point >= other]
    pen.close()


def test_an_absent_field_makes_every_comparison_false() -> None:
    pen = Pen([PenRule(op, Test("a", op, 1)) for op in get_args(Op)] + [PenRule("present", Present("a"))])
    assert pen.match({}) == pen.match({"b": 1}) == []
    pen.close()


def test_a_pen_without_rules_matches_nothing() -> None:
    pen = Pen([])
    assert pen.match({}) == pen.match({"a": 1}) == []
    pen.close()


def test_a_pen_tells_the_fields_that_its_rules_read() -> None:
    pen = Pen([PenRule("r", All((Test("b", "ge", 1), Present("a")))), PenRule("s", Test("b", "lt", 1))])
    assert pen.fields == ("b", "a")
    pen.close()


def test_a_field_may_have_dots_in_its_name() -> None:
    pen = Pen([PenRule("today", Test("live.hours_today", "ge", 400)), PenRule("live", Present("live"))])
    assert pen.match({"live.hours_today": 400}) == ["today"]
    assert pen.match({"live.hours_today": 399, "live": 1}) == ["live"]
    pen.close()


def test_a_fact_may_be_any_mapping() -> None:
    pen = one(Test("a", "eq", 1))
    assert pen.match(MappingProxyType({"a": 1})) == ["r"]
    assert pen.match(MappingProxyType({})) == []
    pen.close()


def test_the_name_of_a_rule_may_be_any_text() -> None:
    names = ["企业", 'a"b', "a b", "~w", "$and", "x" * 1_000]
    pen = Pen([PenRule(name, Present("a")) for name in names])
    assert pen.match({"a": 1}) == names
    pen.close()


# --- once, and in order --------------------------------------------------------------------------------------------


def marks(*fields: str) -> tuple[Test, ...]:
    return tuple(Test(field, "ge", 1) for field in fields)


@pytest.mark.parametrize("fresh_state", [False, True])
def test_a_rule_is_reported_once_however_many_branches_hold(fresh_state: bool) -> None:
    both = All((Either(marks("a", "b")), Either(marks("c", "d"))))
    nested = Either((Test("a", "ge", 1), All((Test("b", "ge", 1), Either(marks("c", "d"))))))
    rules = [PenRule("or", Either(marks("a", "b", "c", "d"))), PenRule("both", both), PenRule("nested", nested)]
    pen = Pen(rules, fresh_state=fresh_state)
    for _ in range(3):
        assert pen.match(dict.fromkeys("abcd", 1)) == ["or", "both", "nested"]
    pen.close()


def test_names_come_in_the_order_of_definition() -> None:
    rng = random.Random(0)
    for _ in range(50):
        names = [str(n) for n in rng.sample(range(1000), 60)]
        pen = Pen([PenRule(name, Test("a", "eq", 1)) for name in names])
        assert pen.match({"a": 1}) == names
        pen.close()


# --- after a fault -------------------------------------------------------------------------------------------------


def fail(error: BaseException) -> Callable[..., NoReturn]:
    def raise_it(*_: object) -> NoReturn:
        raise error

    return raise_it


LADDER = [PenRule(str(n), Test("a", "ge", n)) for n in range(20)]


def assert_sound(pen: Pen) -> None:
    for turn in range(100):
        assert pen.match({"a": turn % 25 - 2}) == [str(n) for n in range(20) if turn % 25 - 2 >= n]
    pen.close()


def test_a_number_that_the_engine_cannot_read_leaves_no_trace() -> None:
    pen = Pen(LADDER)
    with pytest.raises(PenFault, match="204"):
        pen.match({"a": 1e16})  # an exponent
    assert_sound(pen)


def test_a_stack_that_overflows_leaves_no_trace(survives: Survives) -> None:
    survives("""
        from policy_service.engines.rete import pen as module
        module.check = lambda _: None  # else nobody gets there
        rules = [PenRule(f"{field}{n}", Test(field, "ge", n)) for field in "ab" for n in range(65)]
        for fresh_state in (False, True):
            pen = Pen(rules, fresh_state=fresh_state)
            for turn in range(100):
                try:
                    pen.match({"a": 5, "b": 100})
                except PenFault as fault:
                    assert "303" in str(fault), fault
                else:
                    raise SystemExit("no overflow")
                assert pen.match({"a": turn % 60}) == [f"a{n}" for n in range(turn % 60 + 1)]
            pen.close()
    """)


@pytest.mark.parametrize("fresh_state", [False, True])
@pytest.mark.parametrize("call", ["start_action_for_state", "complete_and_start_action"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), dre.error("307")], ids=repr)
def test_an_exception_while_draining_leaves_no_trace(
    error: BaseException, call: str, fresh_state: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pen = Pen(LADDER, fresh_state=fresh_state)
    with monkeypatch.context() as patch:
        patch.setattr(dre, call, fail(error))
        with pytest.raises(PenFault if isinstance(error, dre.error) else type(error)):
            pen.match({"a": 10})
    assert_sound(pen)


def test_a_failed_retraction_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    pen = Pen(LADDER)
    with monkeypatch.context() as patch:
        patch.setattr(dre, "retract_fact", fail(dre.error("307")))
        with pytest.raises(PenFault):
            pen.match({"a": 10})
    assert_sound(pen)


def test_a_fact_that_was_left_behind_is_noticed_not_mixed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    pen = Pen(LADDER)
    with monkeypatch.context() as patch:
        patch.setattr(dre, "retract_fact", lambda *_: None)
        pen.match({"a": 10})
    with pytest.raises(PenFault, match="2"):
        pen.match({"a": 1})
    assert_sound(pen)


def test_an_action_that_was_left_under_way_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    pen = Pen(LADDER)
    with monkeypatch.context() as patch:
        patch.setattr(dre, "start_action_for_state", lambda *_: None)
        with pytest.raises(PenFault, match="stuck"):
            pen.match({"a": 10})
    assert_sound(pen)


def test_a_fact_that_cannot_be_written_never_reaches_the_engine() -> None:
    pen = Pen(LADDER)
    with pytest.raises(TypeError):
        pen.match({"a": object()})
    assert_sound(pen)


def test_a_closed_pen_refuses_and_never_answers_for_a_newer_one() -> None:
    old = one(Test("a", "eq", 1))
    old.close()
    old.close()
    new = one(Test("a", "ge", 1))  # may get the number of the old one
    with pytest.raises(PenFault, match="closed"):
        old.match({"a": 1})
    old.close()
    assert new.match({"a": 1}) == ["r"]
    new.close()


def test_pens_of_the_same_conditions_share_a_ruleset_until_the_last_is_closed() -> None:
    before = rulesets()
    condition = Test("shared", "gt", 5)
    first, second = Pen([PenRule("one", condition)]), Pen([PenRule("two", condition)])
    other = Pen([PenRule("one", Test("shared", "gt", 6))])
    assert rulesets() == before + 2
    assert (first.match({"shared": 6}), second.match({"shared": 6}), other.match({"shared": 6})) == (
        ["one"],
        ["two"],
        [],
    )
    first.close()
    assert second.match({"shared": 6}) == ["two"]
    second.close()
    other.close()
    assert rulesets() == before


def test_a_pen_that_throws_states_away_shares_no_ruleset_with_one_that_does_not() -> None:
    before = rulesets()
    rules = [PenRule("one", Test("apart", "gt", 5))]
    kept = [Pen(rules), Pen(rules, fresh_state=True)]
    assert rulesets() == before + 2
    assert [one.match({"apart": 6}) for one in kept] == [["one"]] * 2
    del kept
    assert rulesets() == before


def test_rules_that_the_engine_does_not_take_are_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dre, "create_ruleset", fail(dre.error("106")))
    with pytest.raises(PenFault, match="106"):
        one(Present("a"))


@pytest.mark.parametrize("answer", [fail(dre.error("101")), lambda *_: (1, 0)])
def test_a_ruleset_that_does_not_warm_up_is_a_fault_of_ours(
    answer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dre, "assert_fact", answer)
    with pytest.raises(PenFault):
        one(Present("a"))


# --- processes, threads, time --------------------------------------------------------------------------------------


def test_threads_may_share_a_pen(survives: Survives) -> None:
    survives("""
        import random, sys
        from threading import Thread
        rules = [PenRule(str(n), Test("a", "ge", n)) for n in range(20)]
        pens, right = [Pen(rules), Pen(rules, fresh_state=True)], []
        sys.setswitchinterval(1e-6)  # as unkind as it gets

        def work(seed):
            rng = random.Random(seed)
            for turn in range(3_000):
                a = rng.randint(-1, 21)
                if pens[turn % 10 == 0].match({"a": a}) == [str(n) for n in range(20) if a >= n]:
                    right.append(a)

        threads = [Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(right) == 12_000, len(right)
    """)


def test_pens_made_before_a_fork_work_in_every_child(survives: Survives) -> None:
    survives("""
        import os
        either = Either((Present("b"), Test("c", "eq", "企")))
        rules = [PenRule(str(n), All((Test("a", "ge", n), either))) for n in range(20)]
        pens = [Pen(rules), Pen(rules, fresh_state=True)]
        pens[0].match({"a": 3, "b": 1})
        children = []
        for child in range(4):
            pid = os.fork()
            if not pid:
                for turn in range(2_000):
                    a = (turn * 7 + child) % 25
                    assert pens[turn % 10 == 0].match({"a": a, "c": "企"}) == [str(n) for n in range(20) if a >= n]
                for pen in pens:
                    pen.close()
                os._exit(0)
            children.append(pid)
        assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
        assert pens[0].match({"a": 1, "b": 1}) == ["0", "1"]
    """)


def test_closing_a_pen_that_never_matched_does_not_free_garbage(survives: Survives) -> None:
    survives("""
        rules = [PenRule(str(n), Test("a", "eq", n)) for n in range(30)]
        for turn in range(200):
            litter = [b"\\xff" * size for size in range(16, 8_192, 24) for _ in range(3)]
            del litter
            pen = Pen(rules, fresh_state=turn % 2 == 0)
            assert pen.match({"a": 99}) == []
            pen.close()
    """)


@needs_proc
def test_memory_stays_flat_over_200_000_evaluations_and_300_reloads(survives: Survives) -> None:
    survives(
        RESIDENT
        + """
names = list(field_names(4))
either = Either((Present(names[2]), Present(names[3])))
rules = [
    PenRule(f"{a}{b}", All((Test(names[0], "eq", a), Test(names[1], "ge", b), either)))
    for a in range(4) for b in range(3)
]
facts = [{names[0]: a, names[1]: b, names[2]: "x" * b, names[3]: True} for a in range(5) for b in range(4)]
expected = [[f"{fact[names[0]]}{b}" for b in range(3) if fact[names[0]] < 4 and fact[names[1]] >= b] for fact in facts]

def spend(rounds):
    for _ in range(rounds):
        pen = Pen(rules)
        for _ in range(650 // len(facts)):
            for fact, names_ in zip(facts, expected):
                assert pen.match(fact) == names_
        pen.close()

spend(30)
before = resident()
spend(313)
assert resident() - before < 2_000_000, (before, resident())
"""
    )


@needs_proc
def test_memory_stays_flat_over_a_thousand_reloads(survives: Survives) -> None:
    survives(
        RESIDENT
        + """
rules = [PenRule(str(n), All((Test("a", "eq", n % 6), Test("b", "ge", n)))) for n in range(60)]

def reload(times):
    pen = Pen(rules)
    for turn in range(times):
        new = Pen(rules, fresh_state=turn % 3 == 0)
        assert new.match({"a": 0, "b": 0}) == ["0"]
        pen, old = new, pen
        old.close()
    pen.close()

reload(100)
before = resident()
reload(1_000)
assert resident() - before < 2_000_000, (before, resident())
"""
    )

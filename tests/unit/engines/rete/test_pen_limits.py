"""Each limit of the C engine: what just fits works in the engine, what is just too much never gets there."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from policy_service.engines.rete import limits
from policy_service.engines.rete.conditions import ordered
from policy_service.engines.rete.network import Network
from policy_service.engines.rete.pen import (
    RESERVED,
    All,
    Condition,
    Either,
    Pen,
    PenRefusal,
    PenRule,
    Present,
    Test,
    check,
    field_names,
    fnv1a,
    order_conditions,
    split,
)

Refusal = Callable[[Sequence[PenRule]], str | None]
Survives = Callable[[str], None]


def stack_bound(rules: Sequence[PenRule]) -> int:
    """The most places that the rules can take on the engine's stack, for any fact."""
    return Network(ordered(rules)).stack()


def rules_of(*conditions: Condition) -> list[PenRule]:
    return [PenRule(f"r{number}", condition) for number, condition in enumerate(conditions)]


def eq(field: str, value: Any) -> Test:
    return Test(field, "eq", value)


def ge(field: str, value: Any) -> Test:
    return Test(field, "ge", value)


def ladder(field: str, steps: int) -> list[Condition]:
    return [ge(field, step) for step in range(steps)]


# --- names ---------------------------------------------------------------------------------------------------------


def test_the_hash_is_the_one_of_the_c_code() -> None:
    assert fnv1a("id") == 926_444_256
    assert fnv1a("sid") == 3_593_476_751
    assert fnv1a("$forward") == 739_185_624
    assert fnv1a("$div") == 130_502
    assert fnv1a("costarring") == fnv1a("liquid")


@pytest.mark.parametrize(
    "pair", [("costarring", "liquid"), ("declinate", "macallums"), ("altarage", "zinke")], ids="-".join
)
def test_two_fields_with_one_hash_are_refused(pair: tuple[str, str], refusal: Refusal) -> None:
    assert refusal(rules_of(*map(Present, pair))) == "hash-collision"
    assert [refusal(rules_of(Present(field))) for field in pair] == [None, None]


def test_a_field_with_the_hash_of_a_reserved_word_is_refused(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RESERVED", frozenset({"liquid"}))
    assert refusal(rules_of(eq("costarring", 1))) == "hash-collision"


def test_runs_that_may_get_one_fact_may_not_have_colliding_fields() -> None:
    with pytest.raises(PenRefusal, match="hash-collision"):
        split(rules_of(Present("costarring"), *ladder("a", 64), Present("liquid")))


@pytest.mark.parametrize("word", sorted(RESERVED | {"$x", "", "a b", 'a"', "a\\", "企", "a\n", "$and.a"}))
def test_a_word_of_the_engine_is_no_field(word: str, refusal: Refusal) -> None:
    assert refusal(rules_of(eq(word, 1))) == "reserved-name"
    assert refusal(rules_of(Present(word))) == "reserved-name"


def test_field_names_can_be_told_apart() -> None:
    names = list(field_names(5_000))
    assert names == list(field_names(5_000))
    assert len(names) == len({fnv1a(name) for name in [*names, *RESERVED]}) - len(RESERVED)
    assert max(map(len, names)) == 3
    assert len(split(rules_of(*map(Present, names)))) == 79  # 64 each: none collides
    assert not list(field_names(0))


def test_two_rules_may_not_share_a_name_and_each_has_one(refusal: Refusal) -> None:
    assert refusal([PenRule("r", Present("a")), PenRule("r", Present("b"))]) == "rule-name"
    assert refusal([PenRule("", Present("a"))]) == "rule-name"


# --- constants -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "code"),
    [
        (eq("a", 1.0), "value-type"),
        (eq("a", 1e300), "value-type"),
        (eq("a", None), "value-type"),
        (eq("a", [1]), "value-type"),
        (eq("a", {"$m": "b"}), "value-type"),
        (eq("a", b"x"), "value-type"),
        (eq("a", "\ud800"), "value-type"),
        (ge("a", True), "value-type"),
        (eq("a", 2**63), "integer-range"),
        (ge("a", -(2**63) - 1), "integer-range"),
        (eq("a", "x" * 65_536), "string-length"),
        (eq("a", "企" * 21_846), "string-length"),
        (eq("a", '"' * 32_768), "string-length"),
        (ge("a", "a b"), "string-order"),
        (ge("a", "a!"), "string-order"),
        (ge("a", 'a"'), "string-order"),
        (ge("a", "a\\"), "string-order"),
        (ge("a", "\t"), "string-order"),
        (eq("a", 2**63 - 1), None),
        (eq("a", -(2**63)), None),
        (eq("a", "x" * 65_535), None),
        (eq("a", "a b!"), None),
        (ge("a", "#a企"), None),
        (Test("a", "ne", False), None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_constant_is_one_that_the_engine_compares_rightly(test: Test, code: str | None, refusal: Refusal) -> None:
    assert refusal(rules_of(test)) == code
    assert refusal(rules_of(All((Present("b"), Either((eq("c", 1), test)))))) == code


@pytest.mark.parametrize("pair", [(1, "1"), (1, True), ("true", True)], ids=str)
def test_a_field_has_one_type_in_all_rules(pair: tuple[Any, Any], refusal: Refusal) -> None:
    rules = rules_of(*(eq("a", value) for value in pair))
    assert refusal(rules) == "value-type"
    with pytest.raises(PenRefusal, match="value-type"):
        split(rules)


# --- shape ---------------------------------------------------------------------------------------------------------


def test_the_most_selective_conditions_come_first_and_the_rest_keep_their_order() -> None:
    in_list = Either((eq("c", 1), eq("c", 2)))
    either = Either((ge("d", 1), Present("e")))
    unequal = Test("h", "ne", 1)
    given = All((either, ge("x", 1), unequal, Present("p"), in_list, Present("o"), eq("b", 1), ge("a", 1), eq("a", 1)))
    wanted = (eq("b", 1), eq("a", 1), in_list, Present("p"), Present("o"), ge("x", 1), unequal, ge("a", 1), either)
    assert order_conditions(given) == All(wanted)


def test_groups_are_flat_and_say_nothing_twice() -> None:
    a, b, c = (Present(name) for name in "abc")
    assert order_conditions(All((a, All((b, All((c, a))))))) == All((a, b, c))
    assert order_conditions(Either((a, Either((b, Either((c, a))))))) == Either((a, b, c))
    assert order_conditions(Either((All((a, b)), All((a, b))))) == All((a, b))
    assert order_conditions(All((Either((a,)),))) == a
    assert order_conditions(a) == a


def test_one_and_true_are_not_the_same_condition() -> None:
    both = Either((eq("a", 1), eq("a", True)))
    assert order_conditions(both) == both


@pytest.mark.parametrize("empty", [All(()), Either(()), All((Present("a"), Either(()))), Either((All(()),))], ids=str)
def test_an_empty_group_is_refused(empty: Condition, refusal: Refusal) -> None:
    assert refusal(rules_of(empty)) == "empty-group"
    with pytest.raises(PenRefusal, match="empty-group"):
        order_conditions(empty)


def pairs(number: int) -> Condition:
    """A condition of one `Either` and `number` groups in it."""
    return Either(tuple(All((eq("a", n), eq("b", n))) for n in range(number)))


def test_a_rule_has_fifteen_groups(refusal: Refusal, survives: Survives) -> None:
    assert refusal(rules_of(pairs(15))) == "too-many-groups"
    assert refusal(rules_of(All((pairs(14), Present("c"))))) == "too-many-groups"
    assert refusal(rules_of(All((All((eq("a", 1), All((eq("b", 1), eq("c", 1))))),)))) is None
    survives("""
        pen = Pen([PenRule("r", Either(tuple(All((Test("a", "eq", n), Test("b", "eq", n))) for n in range(14))))])
        for a in range(15):
            for b in range(15):
                assert pen.match({"a": a, "b": b}) == ["r"] * (a == b < 14)
    """)


# --- rulesets ------------------------------------------------------------------------------------------------------


def test_a_ruleset_has_4_095_rules_beside_the_sentinel(refusal: Refusal, survives: Survives) -> None:
    assert refusal(rules_of(*(All((eq("a", n // 64), eq("b", n % 64))) for n in range(4_096)))) == "too-many-rules"
    survives("""
        pen = Pen([PenRule(str(n), All((Test("a", "eq", n // 64), Test("b", "eq", n % 64)))) for n in range(4_095)])
        for n in range(4_096):
            assert pen.match({"a": n // 64, "b": n % 64}) == ([str(n)] if n < 4_095 else [])
        pen.close()
    """)


def test_a_fact_has_252_fields_beside_its_ids(refusal: Refusal, survives: Survives) -> None:
    assert refusal(rules_of(*(All((eq("f0", n), Present(f"f{n}"))) for n in range(253)))) == "too-many-fields"
    survives("""
        fields = list(field_names(252))
        both = lambda field, n: All((Test(fields[0], "eq", n), Test(field, "eq", n)))
        pen = Pen([PenRule(field, both(field, n)) for n, field in enumerate(fields)])
        for n, field in enumerate(fields):
            assert pen.match({**dict.fromkeys(fields, n), fields[0]: n}) == [field]
        pen.close()
    """)


def test_the_root_has_510_first_conditions_beside_the_sentinel(refusal: Refusal, survives: Survives) -> None:
    assert refusal(rules_of(*(eq("a", n) for n in range(511)))) == "too-many-first-conditions"
    survives("""
        pen = Pen([PenRule(str(n), Test("a", "eq", n)) for n in range(510)])
        for n in range(511):
            assert pen.match({"a": n, "b": 1, "c": 2}) == ([str(n)] if n < 510 else [])
        pen.close()
    """)


def test_any_other_place_has_511_next_conditions(refusal: Refusal, survives: Survives) -> None:
    assert refusal(rules_of(*(All((eq("a", 1), eq("b", n))) for n in range(512)))) == "too-many-first-conditions"
    survives("""
        pen = Pen([PenRule(str(n), All((Test("a", "eq", 1), Test("b", "eq", n)))) for n in range(511)])
        for n in range(512):
            assert pen.match({"a": 1, "b": n, "c": 2}) == ([str(n)] if n < 511 else [])
        pen.close()
    """)


def test_255_rules_may_end_in_one_place(refusal: Refusal, survives: Survives) -> None:
    same = [eq("a", 1)] * 256
    assert refusal(rules_of(*same, eq("b", 1))) == "too-many-shared-ends"
    assert refusal(rules_of(*(All((ge("b", 1), test)) for test in same))) == "too-many-shared-ends"
    survives("""
        same = [PenRule(str(n), Test("a", "eq", 1)) for n in range(255)]
        for rules in (same + [PenRule("other", Test("b", "eq", 1))], [PenRule("other", Test("b", "eq", 1))] + same):
            pen = Pen(rules)
            assert pen.match({"a": 1}) == [str(n) for n in range(255)]
            assert pen.match({"a": 0, "b": 1}) == ["other"]
            assert pen.match({"a": 1, "b": 1}) == [rule.name for rule in rules]
            pen.close()
    """)


def test_groups_that_share_a_branch_are_limited_and_wait_on_the_stack_together(
    refusal: Refusal, survives: Survives
) -> None:
    # An `Either` hangs on each of its branches, and all that hang on one wait together: so 64 are the limit in effect.
    shared = [Either((ge("a", 1), ge(f"b{n}", 1))) for n in range(128)]
    assert refusal(rules_of(*shared)) == "too-many-groups"
    assert refusal(rules_of(*(Either((eq("a", 1), eq("b", n))) for n in range(65)))) == "stack"
    survives("""
        pen = Pen([PenRule(str(n), Either((Test("a", "eq", 1), Test("b", "eq", n)))) for n in range(63)])
        assert pen.match({"a": 1}) == [str(n) for n in range(63)]
        for n in range(63):
            assert pen.match({"a": 0, "b": n}) == [str(n)]
            assert pen.match({"a": 1, "b": n}) == [str(n) for n in range(63)]
        pen.close()
    """)


# --- the stack -----------------------------------------------------------------------------------------------------


def test_64_conditions_that_hold_together_fit_on_the_stack_and_65_are_split(refusal: Refusal) -> None:
    rules = rules_of(*ladder("a", 65))
    assert refusal(rules) == "stack"
    assert split(rules) == [rules[:64], rules[64:]]
    full = Pen(rules[:64])
    assert full.match({"a": 100}) == [rule.name for rule in rules[:64]]
    full.close()


def test_500_conditions_of_which_one_holds_stay_in_one_ruleset() -> None:
    rules = rules_of(*(eq("a", n) for n in range(500)))
    assert stack_bound(rules) == 1
    assert split(rules) == [rules]


@pytest.mark.parametrize(
    ("conditions", "bound"),
    [
        ([], 0),
        ([ge("a", 1)], 1),
        ([All((ge("a", 1), ge("b", 1), ge("c", 1)))], 1),
        ([ge("a", 1), ge("a", 1)], 1),  # shared
        ([eq("a", 1), eq("a", 2), eq("b", 1)], 2),
        ([eq("a", 1), ge("a", 1), Test("a", "ne", 3), Present("a")], 4),
        ([All((eq("a", n), ge("b", m))) for n in range(9) for m in range(5)], 5),
        ([ge("a", 1), *(All((ge("b", 1), ge("c", m))) for m in range(5))], 6),  # a waits while c is walked
        ([Either((eq("a", 1), eq("a", 2), eq("a", 3)))], 1),
        ([Either((ge("a", 1), ge("b", 1), ge("c", 1)))], 3),
        ([All((Either((ge("a", 1), ge("b", 1))), Either((ge("c", 1), ge("d", 1)))))], 3),
        ([Either((All((eq("a", 1), ge("b", 1))), All((eq("a", 2), ge("b", 2)))))], 1),
        ([Either((ge("a", 1), ge("b", n))) for n in range(5)], 10),
    ],
    ids=str,
)
def test_the_bound_counts_what_can_wait_together(conditions: list[Condition], bound: int) -> None:
    assert stack_bound(rules_of(*conditions)) == bound


def test_equalities_before_ranges_keep_the_stack_low() -> None:
    tables = [All((ge(f"y{t}", row), eq(f"x{t}", row))) for t in range(17) for row in range(6)]
    assert stack_bound(rules_of(*tables)) == 17


def test_a_rule_that_can_hold_in_too_many_ways_is_refused(refusal: Refusal) -> None:
    # The stack would do, but the rule would fire 128 times.
    wide = All(tuple(Either((ge(f"a{n}", 1), ge(f"b{n}", 1))) for n in range(7)))
    assert refusal(rules_of(wide)) == "stack"
    assert refusal(rules_of(All(wide.items[:6]))) is None


def test_no_fact_overflows_the_stack_of_a_ruleset_within_the_bound(survives: Survives) -> None:
    survives("""
        import random
        from policy_service.engines.rete import pen as module
        from policy_service.engines.rete.conditions import ordered
        from policy_service.engines.rete.network import Network
        module.check = lambda _: None  # to see that the bound does separate
        rng = random.Random(0)
        fields = "abcdefgh"

        def wide(depth):  # of such a condition nearly every part holds, for the facts below
            if depth and rng.random() < 0.55:
                items = tuple(wide(depth - 1) for _ in range(rng.randint(1, 3)))
                return All(items) if rng.random() < 0.55 else Either(items)
            field, op = rng.choice(fields), rng.choice(("ge", "ge", "ge", "gt", "gt", "ne", "ne", "eq"))
            return Test(field, op, 6 if op == "eq" else rng.randrange(6))

        outcomes = {(fits, overflown): 0 for fits in (False, True) for overflown in (False, True)}
        for _ in range(300):
            rules = [PenRule(str(n), wide(2)) for n in range(rng.choice((30, 60, 100)))]
            fits = Network(ordered(rules)).stack() <= 64
            pen = Pen(rules)
            for _ in range(5):
                overflown = False
                try:
                    pen.match({field: rng.choice((6, 6, 6, 6, 1)) for field in fields})
                except PenFault as fault:
                    assert "303" in str(fault), fault
                    overflown = True
                outcomes[fits, overflown] += 1
            pen.close()
        assert outcomes[True, True] == 0 and min(outcomes[True, False], outcomes[False, True]) > 200, outcomes
    """)


# --- split ---------------------------------------------------------------------------------------------------------


def random_tree(rng: random.Random, depth: int) -> Condition:
    if depth and rng.random() < 0.5:
        items = tuple(random_tree(rng, depth - 1) for _ in range(rng.randint(1, 3)))
        return All(items) if rng.random() < 0.5 else Either(items)
    return Test(rng.choice("abcdefgh"), rng.choice(("eq", "ge", "ne")), rng.randrange(9))


def test_runs_keep_the_order_each_passes_and_none_could_take_the_next_rule(refusal: Refusal) -> None:
    rng = random.Random(0)
    for _ in range(30):
        rules = rules_of(*(random_tree(rng, 2) for _ in range(rng.randint(1, 300))))
        runs = split(rules)
        assert [rule for run in runs for rule in run] == rules
        assert [refusal(run) for run in runs] == [None] * len(runs)
        for run, after in pairwise(runs):
            assert refusal([*run, after[0]]) is not None


@pytest.mark.parametrize(
    ("rules", "sizes"),
    [
        ([], []),
        (rules_of(*(eq("a", n) for n in range(1_100))), [510, 510, 80]),
        (rules_of(*[eq("a", 1)] * 600), [255, 255, 90]),
        (rules_of(*(All((eq("a", n // 64), eq("b", n % 64))) for n in range(5_000))), [4_095, 905]),
        (rules_of(*(All((eq("a", n), Present(f"f{n}"))) for n in range(300))), [251, 49]),
    ],
    ids=["none", "first-conditions", "shared-ends", "rules", "fields"],
)
def test_each_limit_splits(rules: list[PenRule], sizes: list[int]) -> None:
    assert [len(run) for run in split(rules)] == sizes


def test_a_rule_that_cannot_pass_alone_is_not_split() -> None:
    wide = PenRule("wide", All(tuple(Present(f"f{n}") for n in range(253))))
    with pytest.raises(PenRefusal) as refused:
        split([*rules_of(*ladder("a", 70)), wide])
    assert refused.value.code == "too-many-fields"


def test_a_refusal_tells_its_code_and_the_words_of_the_author() -> None:
    with pytest.raises(PenRefusal) as refused:
        check([PenRule("h10", eq("sid", 1))])
    assert refused.value.code == "reserved-name"
    assert "`sid`" in refused.value.message
    assert str(refused.value) == f"reserved-name: {refused.value.message}"

"""What comparing the engines has found, cut down: each with the answer worked out by hand.

The random folders would find these again only now and then; here they stay.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from textwrap import dedent
from typing import Any

import pytest

from policy_service.policies.bundle import Bundle

Answer = dict[str, Any]
Load = Callable[..., Bundle]
Faults = Callable[..., list[tuple[str, str]]]
DAY = date(2023, 4, 1)


@pytest.fixture
def ask(judge_of: Callable[[Bundle], Any], loaded: Load) -> Callable[..., Answer]:
    """The answer of both engines to the facts of a merchant and of its live section."""

    def run(
        policies: dict[str, str] | str,
        merchant: dict[str, Any] | None = None,
        *,
        as_of: date = DAY,
        files: dict[str, str] | None = None,
    ) -> Answer:
        found = loaded({"a.p": policies} if isinstance(policies, str) else policies, files)
        return judge_of(found).compare({"merchant": {"id": "m-1"} | (merchant or {}), "live": {}}, as_of)

    return run


def decisions(answer: Answer, policy: str = "a.p") -> dict[str, Any]:
    return next(entry["decisions"] for entry in answer["policies"] if entry["policy"] == policy)


# ---- null


@pytest.mark.parametrize(("visits", "expected"), [(2, True), (0, None), (None, None), (3, False)])
def test_a_condition_may_be_null_though_no_fact_is(ask: Callable[..., Answer], visits: Any, expected: Any) -> None:
    """4 modulo 0 is null and so is its comparison, no day 30 February exists: not fired is not yet false."""
    answer = ask(
        """
        decisions:
          small: {expression: 'modulo(4, merchant.visits) < 1'}
          never: {expression: 'date(2023, 2, 30) < merchant.opened_on'}
        """,
        {"visits": visits, "opened_on": "2023-01-01"},
    )
    assert decisions(answer) == {"small": expected, "never": None}


@pytest.mark.parametrize(
    "condition",
    [
        "not(merchant.open)",
        "not(merchant.open and merchant.orders > 3)",
        "not(merchant.open) and merchant.visits = null",
        "not(shut)",
        "not(decision(b.p.shut) and merchant.orders > 3)",
    ],
)
def test_an_exception_that_is_not_known_excludes_nobody(ask: Callable[..., Answer], condition: str) -> None:
    """`not` of unknown is unknown, and an exception counts only when it is true."""
    decided = "decisions:\n  shut: {expression: merchant.open}\n"
    reward = f"""
        rewards:
          gift:
            title: {{zh: 礼, en: Gift}}
            kind: cash
            amount: 1
            claim: {{per: once}}
            except:
              - {{id: out, when: '{condition}', text: {{zh: 外, en: Out}}}}
    """
    policies = {"a.p": decided + dedent(reward), "b.p": decided}
    unknown, no = ask(policies, {"orders": 4}), ask(policies, {"orders": 4, "open": False})
    assert [entry["id"] for entry in unknown["rewards"]] == ["gift"]
    assert [entry["reason"] for entry in no["not_granted"]] == ["excluded"]


OTHER = """
    applies: merchant.open
    decisions:
      few: {expression: '[merchant.orders, 2]'}
      many:
        hit: collect
        table: |
          | row | merchant.orders | => n: integer |
          | one | >= 0            | 1             |
"""


def test_a_list_of_a_policy_not_applied_is_null_and_so_is_what_is_asked_of_it(ask: Callable[..., Answer]) -> None:
    reader = """
        decisions:
          has: {expression: 'list contains(decision(a.other.few), 2)'}
          hasnt: {expression: 'not(list contains(decision(a.other.few), 2))'}
          count: {expression: 'count(decision(a.other.many))'}
          total: {expression: 'sum(decision(a.other.many))'}
    """
    policies = {"a.other": OTHER, "a.p": reader.replace("count:", "number:")}
    assert decisions(ask(policies, {"orders": 1, "open": False})) == {
        "has": None,
        "hasnt": None,
        "number": None,
        "total": None,
    }
    assert decisions(ask(policies, {"orders": 1, "open": True})) == {
        "has": True,
        "hasnt": False,
        "number": 1,
        "total": 1,
    }


def test_a_list_that_may_be_null_is_not_asked_with_in(faults: Faults) -> None:
    """`x in null` would compare x with null, and be true when both are unknown."""
    found = faults({"a.other": OTHER, "a.p": "applies: merchant.orders in decision(a.other.few)\n"})
    assert [code for code, _ in found] == ["L204"]
    table = """
        decisions:
          one:
            hit: collect
            table: |
              | row | merchant.orders         | => n: integer |
              | a   | decision(a.other.few)   | 1             |
    """
    assert [code for code, _ in faults({"a.other": OTHER, "a.p": table})] == ["L204"]


def test_count_counts_lists(faults: Faults) -> None:
    """Of one value it would be 1, but null when the value is null."""
    assert [code for code, _ in faults({"a.p": "decisions:\n  n: {expression: count(merchant.orders)}\n"})] == ["L207"]


# ---- decisions and their rows


CONFLICT = """
    decisions:
      base: {expression: 'merchant.visits + 1'}
      sizes:
        relation: |
          | row   | big: boolean         |
          | small | merchant.visits > 99 |
          | large | merchant.visits > 1  |
      tier:
        hit: unique
        table: |
          | row | base           | count(sizes[big]) | => n: integer |
          | a   | >= 3           | 1                 | 1             |
          | b   | merchant.visits + 1 | -            | 2             |
          | c   | > 900          | -                 | 3             |
    rewards:
      gift: {title: {zh: 礼, en: Gift}, kind: cash, amount: tier, claim: {per: once}}
"""


def test_rows_in_conflict_show_the_decisions_that_they_read(ask: Callable[..., Answer]) -> None:
    """The policy's decisions are null for others from then on, but not for its own trace."""
    answer = ask(CONFLICT, {"visits": 5})
    (policy,) = answer["policies"]
    assert policy["status"] == "rule_conflict"
    assert policy["fired"] == [
        {
            "decision": "tier",
            "row": "a",
            "because": [
                {"fact": "base", "value": 6, "test": ">= 3", "holds": True},
                {"fact": "count(sizes[big])", "value": 1, "test": "1", "holds": True},
            ],
        },
        {
            "decision": "tier",
            "row": "b",
            "because": [{"fact": "base", "value": 6, "test": "merchant.visits + 1", "holds": True}],
        },
    ]
    assert policy["not_fired"] == [
        {"decision": "tier", "row": "c", "because": [{"fact": "base", "value": 6, "test": "> 900", "holds": False}]}
    ]
    assert [(e["id"], e["reason"]) for e in answer["not_granted"]] == [("gift", "rule_conflict")]


def test_a_decision_keeps_its_value_when_the_next_file_has_more_decimals(ask: Callable[..., Answer]) -> None:
    policy = """
        policy: a.base
        title: {{zh: 策略, en: Policy}}
        subject: merchant
        effective: {{from: {start}, {end} basis: assumed}}
        basis: assumed
        optional: ["*"]
        decisions:
          n: {{expression: '{formula}'}}
          both:
            hit: first
            default: {{one: null, two: false}}
            table: |
              | row | merchant.visits | => one: {kind} | => two: boolean |
              | a   | >= 0            | {formula}      | true            |
    """
    files = {
        "a/base.yaml": policy.format(
            start="2023-01-01", end="to: 2023-04-01,", formula="merchant.visits * 3", kind="integer"
        ),
        "a/base@2023-04-01.yaml": policy.format(
            start="2023-04-01", end="", kind="decimal(2)", formula="round half up(merchant.visits / 3, 2)"
        ),
    }
    reader = """
        decisions:
          same: {expression: decision(a.base.n)}
          double: {expression: 'decision(a.base.n) + decision(a.base.both.one)'}
          over: {expression: 'decision(a.base.n) > 1.5'}
          half: {expression: 'round down(decision(a.base.n) / 2 + decision(a.base.both.one), 1)'}
    """
    before = ask(reader, {"visits": 1}, as_of=date(2023, 3, 31), files=files)
    assert {n: str(v) for n, v in decisions(before).items()} == {
        "same": "3",
        "double": "6",
        "over": "True",
        "half": "4.5",
    }
    after = ask(reader, {"visits": 1}, as_of=date(2023, 4, 1), files=files)
    assert {n: str(v) for n, v in decisions(after).items()} == {
        "same": "0.33",
        "double": "0.66",
        "over": "False",
        "half": "0.4",
    }  # 0.165 + 0.33


FILES = """
    policy: a.base
    title: {{zh: 策略, en: Policy}}
    subject: merchant
    effective: {{from: {start}, {end} basis: assumed}}
    basis: assumed
    optional: ["*"]
    decisions:
      few: {{expression: '[{item}]'}}
      rec:
        hit: first
        default: null
        table: |
          | row | merchant.visits | => n: {kind} | => g: {other} |
          | a   | >= 0            | {number}     | {value}       |
"""


def test_lists_and_records_keep_their_values_when_the_next_file_has_more_decimals(ask: Callable[..., Answer]) -> None:
    """A list was refused; the whole record was read as if its numbers had the decimals of the next file: 0.15."""
    old = {"item": "merchant.visits", "kind": "decimal(1)", "number": "1.5", "other": "text", "value": '"x"'}
    new = {"item": "merchant.rate", "kind": "decimal(2)", "number": "2.25", "other": "text", "value": '"y"'}
    files = {
        "a/base.yaml": FILES.format(start="2023-01-01", end="to: 2023-04-01,", **old),
        "a/base@2023-04-01.yaml": FILES.format(start="2023-04-01", end="", **new),
    }
    reader = """
        decisions:
          few: {expression: decision(a.base.few)}
          rec: {expression: decision(a.base.rec)}
          recs: {expression: '[decision(a.base.rec)]'}
          sums: {expression: 'sum([decision(a.base.rec)].n) + sum(decision(a.base.few))'}
    """
    before = decisions(ask(reader, {"visits": 3, "rate": Decimal("0.25")}, as_of=date(2023, 3, 31), files=files))
    old_rec = {"n": Decimal("1.5"), "g": "x"}
    assert before == {"few": [3], "rec": old_rec, "recs": [old_rec], "sums": Decimal("4.5")}
    after = decisions(ask(reader, {"visits": 3, "rate": Decimal("0.25")}, as_of=date(2023, 4, 1), files=files))
    new_rec = {"n": Decimal("2.25"), "g": "y"}
    assert after == {"few": [Decimal("0.25")], "rec": new_rec, "recs": [new_rec], "sums": Decimal("2.5")}


@pytest.mark.parametrize(
    ("other", "value", "field"),
    [("enum(S, A)", "S", None), ("boolean", "true", " in field `g`"), ("text", '"y"', None)],
)
def test_a_field_is_of_one_type_over_the_files_of_a_policy(
    faults: Faults, other: str, value: str, field: str | None
) -> None:
    """A text in the old file and an enumeration in the new one were joined as the enumeration: its readers met foreign
    members. Now they read a text.
    """
    same = {"item": "1", "kind": "integer", "number": "1"}
    files = {
        "a/base.yaml": FILES.format(start="2023-01-01", end="to: 2023-04-01,", other="text", value='"x"', **same),
        "a/base@2023-04-01.yaml": FILES.format(start="2023-04-01", end="", other=other, value=value, **same),
    }
    message = f"`a.base.rec` is of another type or unit{field} in another file of the policy"
    assert faults({}, files) == ([("L202", message)] if field else [])


RECORDS = """
    decisions:
      one:
        hit: first
        default: null
        table: |
          | row | merchant.visits | => n: decimal(1) | => g: enum(S, A) |
          | a   | >= 3            | 1.5              | S               |
      two:
        hit: first
        default: null
        table: |
          | row | merchant.visits | => g: {kind} | => n: decimal(2) |
          | a   | >= 0            | {value}      | 2.25             |
"""


def test_records_of_different_decimals_stand_side_by_side(ask: Callable[..., Answer]) -> None:
    """The first record was read with the decimals of the second, 0.15; one that is null ended in a 500."""
    policy = (
        RECORDS.format(kind="enum(S, A)", value="A")
        + """
      either: {expression: 'if merchant.open then one else two'}
      total: {expression: 'sum([one, two].n)'}
      column: {expression: '[one, two].g'}
    """
    )
    one, two = {"n": Decimal("1.5"), "g": "S"}, {"n": Decimal("2.25"), "g": "A"}
    found = decisions(ask(policy, {"visits": 3, "open": True}))
    assert found == {"one": one, "two": two, "either": one, "total": Decimal("3.75"), "column": ["S", "A"]}
    found = decisions(ask(policy, {"visits": 0, "open": True}))
    assert found == {"one": None, "two": two, "either": None, "total": None, "column": [None, "A"]}


@pytest.mark.parametrize("reader", ["(if merchant.open then one else two).g", "if merchant.open then one else two"])
def test_a_text_is_not_passed_off_as_a_member_inside_a_record(faults: Faults, reader: str) -> None:
    """A table by PRIORITY then ranked a text that is none of its members."""
    policy = RECORDS.format(kind="text", value='"Z"') + f"      x: {{expression: '{reader}'}}\n"
    assert faults({"a.p": policy}) == [("L202", "field `g`: a text may be none of S, A")]


# ---- the pen


def presence(*outputs: str) -> str:
    head, cells = " | ".join(f"=> {o}: integer" for o in outputs), " | ".join("7" for _ in outputs)
    return f"""
        decisions:
          found:
            hit: first
            default: null
            table: |
              | row | merchant.visits | {head} |
              | a   | >= 0            | {cells} |
          known: {{expression: found != null}}
          asked:
            hit: collect
            table: |
              | row   | found     | merchant.orders | => is: text |
              | there | not(null) | -               | "there"     |
              | seven | -         | 7               | "seven"     |
              | lost  | null      | -               | "lost"      |
    """


def test_the_presence_of_a_record_posts_none_to_the_pen(ask: Callable[..., Answer]) -> None:
    """Posted as field `a`, the record was the field `a.jbheacdp`, which has the hash of `b`: row `seven` fired."""
    policy = presence("jbheacdp")
    assert decisions(ask(policy, {"visits": 1}))["asked"] == ["there"]
    assert decisions(ask(policy, {"visits": 1, "orders": 7}))["asked"] == ["there", "seven"]
    assert decisions(ask(policy, {"orders": 7}))["asked"] == ["seven", "lost"]


def test_a_record_may_have_more_fields_than_a_fact_of_the_pen(ask: Callable[..., Answer]) -> None:
    """Error 302 of the C engine."""
    found = decisions(ask(presence(*(f"o{i}" for i in range(260))), {"visits": 1}))
    assert found["asked"] == ["there"]
    assert found["known"] is True


def test_members_rank_as_the_output_declares_them(ask: Callable[..., Answer]) -> None:
    """The fact's own enumeration is low, top; the table's order, top first, is the one that counts."""
    answer = ask(
        """
        decisions:
          order:
            hit: output order
            table: |
              | row | merchant.visits | => level: enum(top, mid, low) |
              | a   | >= 0            | merchant.level                |
              | b   | >= 0            | mid                           |
              | c   | >= 0            | top                           |
        """,
        {"visits": 1, "level": "low"},
    )
    assert decisions(answer) == {"order": ["top", "mid", "low"]}


@pytest.mark.parametrize("hit", ["collect", "rule order", "output order", "collect count"])
def test_a_list_of_rows_takes_no_default(faults: Faults, hit: str) -> None:
    table = f"""
        decisions:
          rows:
            hit: {hit}
            default: null
            table: |
              | row | merchant.visits | => level: enum(low, top) |
              | a   | > 3             | low                      |
    """
    assert [code for code, _ in faults({"a.p": table})] == ["T202"]


# ---- names


def test_this_is_the_inner_row(faults: Faults) -> None:
    """The inner row has no `sum`: `this.sum` is not the outer row's."""
    policy = """
        decisions:
          inner:
            relation: |
              | row | ready: boolean  |
              | x   | merchant.open   |
          outer:
            relation: |
              | row | sum: integer    | found: integer                  |
              | y   | merchant.orders | count(inner[this.sum > 1])      |
    """
    assert [(code, text) for code, text in faults({"a.p": policy})] == [("L201", "`this.sum` is not declared")]


def test_a_column_is_not_named_as_a_section(faults: Faults) -> None:
    policy = """
        decisions:
          rows:
            relation: |
              | row | live: integer   | sum: integer      |
              | y   | merchant.orders | live + live.hours |
    """
    assert {code for code, _ in faults({"a.p": policy})} == {"P106"}


def test_a_policy_is_not_named_as_the_decision_of_another(faults: Faults) -> None:
    one = "decisions:\n  n: {expression: merchant.visits}\n"
    assert ("P106", "`a.p.q` reads as a decision of the policy `a.p`") in faults({"a.p": one, "a.p.q": one})


def test_an_exclusion_of_the_bundle_knows_nothing_of_the_policy(ask: Callable[..., Answer]) -> None:
    """`low` is the member of the enumeration, not the policy's decision of that name."""
    answer = ask(
        """
        decisions:
          low: {expression: merchant.visits}
        rewards:
          gift: {title: {zh: 礼, en: Gift}, kind: cash, amount: low, claim: {per: once}}
        """,
        {"visits": 5, "level": "low"},
        files={
            "bundle.yaml": """
            time_zone: Asia/Shanghai
            exclusions:
              - {id: too_low, when: merchant.level = low, text: {zh: '级别', en: 'Level {merchant.level}'}}
        """
        },
    )
    assert answer["rewards"] == []
    assert [(e["exception"], e["text"]["en"]) for e in answer["not_granted"]] == [("too_low", "Level low")]


def test_what_only_the_text_of_an_exclusion_reads_is_optional_and_told_missing(ask: Callable[..., Answer]) -> None:
    answer = ask(
        "rewards:\n  gift: {title: {zh: 礼, en: Gift}, kind: cash, amount: 1, claim: {per: once}}\n",
        {"open": True},
        files={
            "bundle.yaml": """
            time_zone: Asia/Shanghai
            exclusions:
              - {id: closed, when: merchant.open, text: {zh: 关, en: 'Closed {live.hours}'}}
        """
        },
    )
    assert answer["policies"][0]["missing"] == ["live.hours"]
    assert answer["not_granted"][0]["text"]["en"] == "Closed –"


RELATION = """
    decisions:
      rows:
        relation: |
          | row | ready: boolean |
          | x   | merchant.open  |
"""


@pytest.mark.parametrize(
    "use",
    [
        "  copy: {expression: rows}",
        "  absent: {expression: rows = null}",
        "  number: {expression: count(if merchant.open then rows else null)}",
        "recommendations:\n      tell: {priority: 1, text: {zh: '{rows}', en: '{rows}'}}",
        "rewards:\n      gift: {title: {zh: 礼, en: G}, kind: cash, amount: 1, details: {a: rows}, claim: {per: once}}",
    ],
)
def test_a_relation_is_not_a_value(faults: Faults, use: str) -> None:
    assert {code for code, _ in faults({"a.p": f"{RELATION.rstrip()}\n    {use}\n"})} == {"L204"}


# ---- bounds


@pytest.mark.parametrize(
    "expression",
    [
        'merchant.orders * duration("P30D")',
        'merchant.orders * duration("P1M")',
        "merchant.orders * merchant.rest",
    ],
)
def test_a_duration_that_may_leave_the_machine_is_refused(faults: Faults, expression: str) -> None:
    assert [code for code, _ in faults({"a.p": f"decisions:\n  long: {{expression: '{expression}'}}\n"})] == ["L205"]


def test_a_list_holds_no_more_than_fifteen_digits(faults: Faults) -> None:
    policy = "decisions:\n  few: {expression: '[merchant.orders * merchant.orders]'}\n"
    assert [code for code, _ in faults({"a.p": policy})] == ["L205"]


@pytest.mark.parametrize("length", ["P9999999D", "P99999Y", "P0D", "-P30D", "-P1M"])
def test_a_reward_is_valid_for_a_time_that_can_be_told(faults: Faults, length: str) -> None:
    policy = f"""
        rewards:
          gift:
            title: {{zh: 礼, en: Gift}}
            kind: cash
            amount: 1
            claim: {{per: once}}
            validity: {{from: as_of, for: {length}}}
    """
    assert [code for code, _ in faults({"a.p": policy})] == ["P104"]


def test_a_posted_duration_keeps_to_its_range(loaded: Load, judge_of: Callable[[Bundle], Any], judging: Any) -> None:
    judge = judge_of(loaded({"a.p": "decisions:\n  rest: {expression: merchant.rest}\n"}))
    with pytest.raises(judging.InvalidInput):
        judge.compare({"merchant": {"id": "m-1", "rest": "P9999999D"}}, DAY)


@pytest.mark.parametrize("length", [0, 10_001, 100_000])
def test_a_text_is_no_longer_than_the_engine_can_tell_apart(
    faults: Faults, length: int, sources: Callable[..., dict[str, str]]
) -> None:
    facts = sources({})["facts.yaml"].replace(
        "id: {type: id, ",
        f"note: {{type: text, max_length: {length}, label: {{zh: 注, en: N}}}}\n      id: {{type: id, ",
        1,
    )
    assert {code for code, _ in faults({}, {"facts.yaml": facts})} == {"P104"}


# ---- what the pen cannot hold


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # Seven tests of not equal, each true also when its fact is absent: 128 ways in which the rule may hold.
        (
            "merchant.orders != 1 and merchant.visits != 2 and merchant.rate != 3 and merchant.open != true "
            'and merchant.level != "low" and merchant.opened_on != as_of and merchant.rest != duration("P1D")',
            True,
        ),
        (" and ".join(f"(merchant.orders = {n} or merchant.visits > {n})" for n in range(9)), False),
        (f"merchant.orders in ({', '.join(f'[{2 * n}..{2 * n + 1})' for n in range(70))})", True),
        (f"merchant.orders in ({', '.join(f'[{2 * n}..{2 * n + 1})' for n in range(3, 70))})", False),
    ],
)
def test_a_condition_too_wide_for_the_pen_is_decided_before_it(
    ask: Callable[..., Answer], condition: str, expected: bool
) -> None:
    answer = ask(f"decisions:\n  wide: {{expression: '{condition}'}}\n", {"orders": 4, "visits": 3, "rate": 2})
    assert decisions(answer) == {"wide": expected}


def test_a_row_too_wide_for_the_pen_is_decided_before_it(ask: Callable[..., Answer]) -> None:
    """Five ranges by five by five: 125 ways in which the row may hold."""
    ranges = "[0..1), [3..4), [6..7), [9..10), > 90"
    answer = ask(
        f"""
        decisions:
          wide:
            hit: first
            default: 0
            table: |
              | row | merchant.orders | merchant.visits | merchant.rate | => n: integer |
              | a   | {ranges} | {ranges} | {ranges} | 1 |
        """,
        {"orders": 3, "visits": 6, "rate": 9},
    )
    assert decisions(answer) == {"wide": 1}


# ---- texts of the trace


def test_a_leaf_prints_its_test_whole(ask: Callable[..., Answer]) -> None:
    """An operand that needs parentheses has them in the condition, not in its own text."""
    answer = ask(
        """
        rewards:
          gift:
            title: {zh: 礼, en: Gift}
            kind: cash
            amount: 1
            claim: {per: once}
            when: >-
              (if merchant.open then merchant.visits else 3) in (1, [3..5])
              and (merchant.visits > 2) in (true)
              and (merchant.open or merchant.visits > 1) = (merchant.visits = 3 or merchant.open)
              and merchant.visits between (if merchant.open then 2 else 3) and 5
        """,
        {"open": True, "visits": 3},
    )
    assert [(leaf["fact"], leaf["test"]) for leaf in answer["rewards"][0]["because"]] == [
        ("if merchant.open then merchant.visits else 3", "in (1, [3..5])"),
        ("merchant.visits > 2", "in true"),
        ("merchant.open or merchant.visits > 1", "= (merchant.visits = 3 or merchant.open)"),
        ("merchant.visits", "between (if merchant.open then 2 else 3) and 5"),
    ]

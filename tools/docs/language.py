"""Expressions and cells of the rule-file profile, with the values that the engine gives them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.diagnostics import Diagnostic
from policy_service.engines.registry import engine
from policy_service.language.builtins import BUILTINS
from policy_service.policies.bundle import Bundle, bundle
from tools.docs.markdown import as_json, code, fence, one_line, table

DAY = date(2023, 4, 1)
_FACTS = """\
basis: assumed
sections:
  merchant:
    label: {zh: 商家, en: Merchant}
    facts:
      id: {type: id, label: {zh: 商家编号, en: Merchant id}}
      opened_on: {type: date, label: {zh: 开店日期, en: Day the store opened}}
      name: {type: text, label: {zh: 店名, en: Name}}
      is_new: {type: boolean, label: {zh: 新店, en: New}}
      is_large: {type: boolean, label: {zh: 大店, en: Large}}
      is_known: {type: boolean, label: {zh: 知名, en: Known}}
  live:
    label: {zh: 自播, en: Self-live}
    facts:
      hours: {type: decimal(2), unit: hour, range: [0, 24], label: {zh: 小时, en: Hours}}
      orders: {type: integer, unit: order, range: [0, 1000], label: {zh: 订单, en: Orders}}
      gmv: {type: decimal(2), unit: yuan, range: [-1000, 1000000], label: {zh: 成交额, en: Turnover}}
"""
_BUNDLE = "label: documentation\ntime_zone: Asia/Shanghai\n"
_HEAD = """\
policy: docs.examples
title: {zh: 示例, en: Examples}
subject: merchant
effective: {from: 2023-01-01}
basis: assumed
"""
STATE: dict[str, Any] = {
    "merchant": {"id": "m-1", "opened_on": "2023-02-28", "name": "Lin Tea", "is_new": True, "is_large": False},
    "live": {"hours": 5, "gmv": -7},
}
"""What the examples are evaluated on; `live.orders` and `merchant.is_known` are not known."""
BUILTIN_EXAMPLES: Mapping[str, str] = {
    "min": "min(live.hours, 4)",
    "max": "max([1, 2.5])",
    "sum": "sum([1, 2.5])",
    "count": "count([1, 2.5])",
    "mean": "round half up(mean([1, 2, 2]), 2)",
    "list contains": 'list contains(["a", "b"], "b")',
    "all": "all([merchant.is_new, merchant.is_large])",
    "any": "any([merchant.is_new, merchant.is_large])",
    "abs": "abs(live.gmv)",
    "modulo": "modulo(live.gmv, 4)",
    "floor": "floor(-2.5)",
    "ceiling": "ceiling(2.41, 1)",
    "round up": "round up(2.41, 1)",
    "round down": "round down(2.49, 1)",
    "round half up": "round half up(-2.45, 1)",
    "round half down": "round half down(2.45, 1)",
    "round half even": "round half even(2.45, 1)",
    "not": "not(merchant.is_new)",
    "contains": 'contains(merchant.name, "Tea")',
    "starts with": 'starts with(merchant.name, "Lin")',
    "ends with": 'ends with(merchant.name, "Tea")',
    "string length": "string length(merchant.name)",
    "date": 'date("2023-04-01")',
    "duration": 'merchant.opened_on + duration("P1M")',
    "years and months duration": "years and months duration(merchant.opened_on, as_of)",
    "steps": "steps(live.hours, [1, 5, 10], [100, 600, 1000])",
    "decision": "",
}
"""By builtin; `decision` needs a second policy."""
NULLS = (
    "merchant.is_new and merchant.is_known", "merchant.is_large and merchant.is_known",
    "merchant.is_new or merchant.is_known", "merchant.is_large or merchant.is_known", "not(merchant.is_known)",
    "live.orders = null", "live.orders != null", "live.orders = 3", "live.orders != 3", "live.orders < 3",
    "live.orders in [1..3]", "live.orders + 1", "if live.orders < 3 then 1 else 2", "sum([1, live.orders])",
    "count([1, live.orders])", "max(live.orders, 1)",
)  # fmt: skip
NUMBERS = (
    "0.1 + 0.2", "2.50 * 2", "round half up(10 / 3, 2)", "round half up(2 / 3 * 3, 4)", "round half up(1 / 0, 2)",
)  # fmt: skip
TIMES = (
    "as_of", "as_of - merchant.opened_on", "(as_of - merchant.opened_on).days",
    'merchant.opened_on + duration("P30D")', 'date("2023-01-31") + duration("P1M")', '2 * duration("P7D")',
    "as_of.year", "as_of.month", "as_of.day", "as_of.weekday",
    'merchant.opened_on between as_of - duration("P90D") and as_of',
)  # fmt: skip
CELLS = (
    "-", "5", "4, 5", ">= 5", "< 5", "[5..10)", "(5..10]", "[4..10]", "not(5)", "null", "not(null)", "5, null",
)  # fmt: skip
SAMPLES: Sequence[Any] = (4, 5, 10, None)
REFUSED = (
    "live.hours / 3", "live.hours + live.gmv", 'live.hours + "1"', "live.hour", "for x in [1, 2] return x",
    "live.gmv ** 2", "1.2345678", 'date("2023-02-30")', "live.hours ＞= 4",
)  # fmt: skip


def builtins() -> str:
    """Every builtin with its meaning, and an example with its value."""
    values = dict(zip(BUILTIN_EXAMPLES, evaluated(BUILTIN_EXAMPLES.values()), strict=True))
    rows = []
    for name, one in BUILTINS.items():
        example = BUILTIN_EXAMPLES[name]
        shown = f"{code(example)} = {code(one_line(values[name]))}" if example else ""
        rows.append([code(one.signature), one.meaning, shown])
    return table(["builtin", "gives", "example"], rows)


def state() -> str:
    return fence(as_json(STATE), "json")


def nulls() -> str:
    return _valued(NULLS)


def numbers() -> str:
    return _valued(NUMBERS)


def times() -> str:
    return _valued(TIMES)


def _valued(expressions: Sequence[str]) -> str:
    values = evaluated(expressions)
    rows = [[code(text), code(one_line(value))] for text, value in zip(expressions, values, strict=True)]
    return table(["expression", "value"], rows)


def cells() -> str:
    """Which of some values each cell matches."""
    matched = [_matches(sample) for sample in SAMPLES]
    rows = [[code(cell), *("yes" if m[at] else "" for m in matched)] for at, cell in enumerate(CELLS)]
    return table(["cell", *(code(one_line(sample)) for sample in SAMPLES)], rows)


def refused() -> str:
    """Expressions that the checker refuses, with its words."""
    rows = []
    for text in REFUSED:
        found = _fault(text)
        message = f"{found.message}; {found.hint}" if found.hint else found.message
        rows.append([code(text), f"[{found.code}](diagnostics/{found.code.code}.md)", message])
    return table(["expression", "code", "message"], rows)


# ---- the engine


def evaluated(expressions: Iterable[str]) -> list[Any]:
    """The value of each expression on STATE; null for an empty one."""
    texts = [text or "null" for text in expressions]
    decisions = [f"  e{at}: {{expression: {one_line(text)}}}" for at, text in enumerate(texts)]
    answer = _answer("\n".join(["decisions:", *decisions]) + "\n", STATE)
    return [answer[f"e{at}"] for at in range(len(texts))]


def _matches(sample: Any) -> list[bool]:
    """For each of CELLS whether it matches the sample, as `live.orders`."""
    lines = ["decisions:"]
    for at, cell in enumerate(CELLS):
        lines += [
            f"  c{at}:", "    hit: first", "    default: false", "    table: |",
            "      | row | live.orders | => met: boolean |", f"      | one | {cell} | true |",
        ]  # fmt: skip
    answer = _answer("\n".join(lines) + "\n", {"merchant": STATE["merchant"], "live": {"orders": sample}})
    return [answer[f"c{at}"] for at in range(len(CELLS))]


def _answer(decisions: str, state: Mapping[str, Any]) -> dict[str, Any]:
    found, faults = _loaded(f"{_HEAD}optional: [live.*, merchant.*]\n{decisions}")
    if found is None:
        raise RuntimeError(f"an example is no expression: {faults}")
    evaluator = Evaluator(found, engine("rete"))
    try:
        answer = evaluator.evaluate(evaluator.reader.read(state, DAY), Question(DAY, "preview"))
    finally:
        evaluator.close()
    values: dict[str, Any] = answer["policies"][0]["decisions"]
    return values


def _fault(text: str) -> Diagnostic:
    """The first error of an expression."""
    _, faults = _loaded(f"{_HEAD}decisions:\n  e: {{expression: {one_line(text)}}}\n")
    return next(f for f in faults if f.severity == "error")


def _loaded(policy: str) -> tuple[Bundle | None, list[Diagnostic]]:
    return bundle({"facts.yaml": _FACTS, "bundle.yaml": _BUNDLE, "docs/examples.yaml": policy})

"""Reads what a case expects of an answer: names must exist in the policy, values must be of their types."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Literal, get_args

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import CASE_INVALID
from policy_service.engines.answer import REASONS, STATUSES
from policy_service.language import types
from policy_service.language.values import days_text, months_text, parse_date, parse_days, parse_months
from policy_service.policies import model
from policy_service.policies.model import Policy, Rules
from policy_service.sources import Mapping as MappingNode
from policy_service.sources import Node, Sequence, Text

Kind = Literal["decision", "status", "rows", "rewards", "not_granted", "recommendations", "missing"]
WORDS: tuple[Kind, ...] = get_args(Kind)[1:]
"""The keys of `expect` that are not names of decisions."""
_FEW = 12
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that a case expects of the answer.

    key: the decision's name, for `rows` and for a decision; the reserved word itself otherwise.
    value: as an answer shows it; of a record only the columns that the case names.
    """

    kind: Kind
    key: str
    value: Any
    span: Span


class Faults:
    """Reports what is wrong with a case."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def invalid(self, span: Span, message: str, hint: str | None = None) -> None:
        self._report.add(CASE_INVALID, span, message, hint=hint)

    def unknown(self, span: Span, message: str, name: str, known: Iterable[str]) -> None:
        """Report a name that does not exist; the hint is a similar name, or all names if they are few."""
        names = sorted(known)
        close = get_close_matches(name, names, 1)
        few = f"one of {', '.join(names)}" if 0 < len(names) <= _FEW else None
        self.invalid(span, message, f"did you mean `{close[0]}`?" if close else few)


class Expecting:
    """Reads `expect` of a case against the version of the policy for its day."""

    def __init__(self, policy: Policy, rules: Rules, day: date, report: Report) -> None:
        self.policy, self.rules, self.day, self._faults = policy, rules, day, Faults(report)
        self.rewards = {r.id: r for r in policy.rewards}

    def read(self, node: MappingNode) -> Iterator[Expectation]:
        for key, value in node:
            if key.value in WORDS:
                if key.value in self.policy.decisions:
                    self._faults.invalid(
                        key.span, f"`{key.value}` is a word of cases and a decision", "rename the decision"
                    )
                yield from self._reserved(key, value)
            elif (decision := self.policy.decisions.get(key.value)) is not None:
                yield Expectation("decision", key.value, self._value(decision.type, value), key.span)
            else:
                known = (*self.policy.decisions, *WORDS)
                self._faults.unknown(key.span, f"`{self.policy.id}` has no decision `{key.value}`", key.value, known)

    def _reserved(self, key: Text, node: Node) -> Iterator[Expectation]:
        match key.value:
            case "status":
                yield Expectation("status", "status", self._word(node, STATUSES, "a status"), key.span)
            case "rows":
                for name, rows in self._entries(node, "rows"):
                    yield Expectation("rows", name.value, self._rows(name, rows), name.span)
            case "rewards":
                amounts = {k.value: self._amount(k, v) for k, v in self._entries(node, "rewards")}
                yield Expectation("rewards", "rewards", amounts, key.span)
            case "not_granted":
                reasons = {k.value: self._reason(k, v) for k, v in self._entries(node, "not_granted")}
                yield Expectation("not_granted", "not_granted", reasons, key.span)
            case "recommendations":
                known = [r.id for r in self.policy.recommendations]
                ids = [self._word(n, known, "a recommendation") for n in self._items(node, "recommendations")]
                yield Expectation("recommendations", "recommendations", ids, key.span)
            case "missing":
                names = [self._word(n, self._readable(), "a fact") for n in self._items(node, "missing")]
                yield Expectation("missing", "missing", sorted(names), key.span)

    def _rows(self, name: Text, node: Node) -> list[str]:
        """The rows that fired; one may stand without brackets."""
        decision = self.policy.decisions.get(name.value)
        if decision is None:
            known = [d.name for d in self.policy.decisions.values() if not isinstance(d.body, model.Expression)]
            self._faults.unknown(name.span, f"`{self.policy.id}` has no decision `{name.value}`", name.value, known)
            return []
        if isinstance(decision.body, model.Expression):
            self._faults.invalid(name.span, f"`{name.value}` is an expression, it has no rows")
            return []
        known = [row.id for row in decision.body.rows]
        items = self._items(node, "rows") if isinstance(node, Sequence) else (node,)
        return [self._word(item, known, f"a row of `{name.value}`") for item in items]

    def _amount(self, id_: Text, node: Node) -> Any:
        reward = self.rewards.get(id_.value)
        if reward is not None:
            return self._value(reward.amount.type, node)
        self._faults.unknown(id_.span, f"`{self.policy.id}` has no reward `{id_.value}`", id_.value, self.rewards)
        return None

    def _reason(self, id_: Text, node: Node) -> str:
        if id_.value not in self.rewards:
            self._faults.unknown(id_.span, f"`{self.policy.id}` has no reward `{id_.value}`", id_.value, self.rewards)
        return self._word(node, REASONS, "a reason")

    def _readable(self) -> list[str]:
        """What `missing` can name: facts, and decisions of other policies."""
        decisions = [f"decision({p.id}.{d})" for p in self.rules.policies for d in p.decisions]
        return [*self.rules.dictionary.by_name, *decisions]

    # ---- values

    def _value(self, kind: types.Type, node: Node) -> Any:
        """An expected value as an answer would show it; a value that the type cannot have is reported."""
        if isinstance(node, Text) and node.is_null:
            return None
        match kind, node:
            case types.List(element=element), Sequence(items):
                return [self._value(element, item) for item in items]
            case types.Record(fields=fields), MappingNode():
                return self._record(dict(fields), node)
            case types.Relation() as relation, Sequence(items):
                return [self._relation_row(relation, item) for item in items]
            case types.Enum() as named, Text():
                return self._word(node, named.at(self.day), f"a value of {kind}")
            case _, Text() if (found := _scalar(kind, node)) is not None:
                return found
        written = f"`{node.value}`" if isinstance(node, Text) else "this"
        self._faults.invalid(node.span, f"a {types.kind(kind)} is expected, {written} is none")
        return None

    def _record(self, fields: Mapping[str, types.Type], node: MappingNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node:
            kind = fields.get(key.value)
            if kind is None:
                self._faults.unknown(key.span, f"there is no column `{key.value}`", key.value, fields)
            else:
                found[key.value] = self._value(kind, value)
        return found

    def _relation_row(self, relation: types.Relation, node: Node) -> dict[str, Any]:
        row = node.get("row") if isinstance(node, MappingNode) else None
        if not isinstance(node, MappingNode) or row is None:
            self._faults.invalid(
                node.span, f"a row of `{relation.decision}` is a mapping with `row`", "`{row: …, met: true}`"
            )
            return {}
        self._word(row, relation.rows, f"a row of `{relation.decision}`")
        return self._record({"row": types.Text()} | dict(relation.columns), node)

    def _word(self, node: Node, known: Iterable[str], what: str) -> str:
        word = node.value if isinstance(node, Text) else ""
        names = tuple(known)
        if word not in names:
            self._faults.unknown(node.span, f"`{word}` is not {what}", word, names)
        return word

    def _entries(self, node: Node, key: str) -> tuple[tuple[Text, Node], ...]:
        if isinstance(node, MappingNode):
            return node.entries
        self._faults.invalid(node.span, f"`{key}` must be a mapping", "`{}` when there are none")
        return ()

    def _items(self, node: Node, key: str) -> tuple[Node, ...]:
        if isinstance(node, Sequence):
            return node.items
        self._faults.invalid(node.span, f"`{key}` must be a list", "`[]` when there are none")
        return ()


def _scalar(kind: types.Type, text: Text) -> Any:
    """The value of a scalar of the type, as an answer shows it; None when it has no such value."""
    value = plain_value(text)
    match kind:
        case types.Number():
            return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
        case types.Boolean():
            return value if isinstance(value, bool) else None
        case types.Date():
            return text.value if parse_date(text.value) is not None else None
        case types.Duration():
            days = parse_days(text.value)
            return days_text(days) if days is not None else None
        case types.Months():
            months = parse_months(text.value)
            return months_text(months) if months is not None else None
        case types.Text():
            return text.value
    return None


def plain_value(text: Text) -> Any:
    """A YAML scalar as JSON would hold it; numbers are exact."""
    if text.is_null:
        return None
    if text.plain and text.value in ("true", "false"):
        return text.value == "true"
    if text.plain and _NUMBER.fullmatch(text.value):
        return int(text.value) if text.value.removeprefix("-").isdigit() else Decimal(text.value)
    return text.value

"""Expressions, values and tests of a policy in words: facts, units and members by their labels."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property, partial, reduce
from typing import Any

from policy_service import canonical
from policy_service.decisions.explaining.words import (
    CONDITION,
    DAY,
    DAY_OPERATOR,
    NAME,
    OPERATOR,
    REQUIRED,
    TEST,
    UNIT,
    WORD,
    Tongue,
    word,
)
from policy_service.facts import Fact
from policy_service.language import ast, references, types
from policy_service.language.format import number_text, print_node
from policy_service.language.values import parse_days
from policy_service.policies.dependencies import Dependencies
from policy_service.policies.model import Policy, Rules


class Phrases:
    """Puts what one policy file says into words of one language."""

    def __init__(self, rules: Rules, policy: Policy, tongue: Tongue) -> None:
        self.rules, self.policy, self.tongue = rules, policy, tongue
        self._facts = rules.dictionary.by_name

    def word(self, key: str, *values: object, **named: object) -> str:
        return word(WORD, key, self.tongue, *values, **named)

    def joined(self, parts: Iterable[str]) -> str:
        return self.word("comma").join(parts)

    # ---- names and values

    def name(self, name: str) -> str:
        """The label of a fact, the title of a decision; what has neither stays as it is."""
        if (fact := self._facts.get(name)) is not None:
            return fact.label[self.tongue]
        decision = self.policy.decisions.get(name)
        if decision is not None and decision.title is not None:
            return decision.title[self.tongue]
        return word(NAME, name, self.tongue)

    def missing(self, name: str) -> str:
        """An entry of `missing` in words: a fact, or another policy's decision."""
        decision = self._decisions.get(name)
        return self.name(name) if decision is None else self._decision(decision.policy, decision.name)

    @cached_property
    def _decisions(self) -> dict[str, references.Decision]:
        """Decisions of other policies that the policy reads, as `missing` lists them."""
        reads = Dependencies(self.rules, self.policy).reads
        decisions = (one for one in reads.required | reads.optional if isinstance(one, references.Decision))
        return {references.shown(one): one for one in decisions}

    def value(self, of: str, value: Any) -> str:
        """A value of a fact, with its unit, or of a decision or expression."""
        fact = self._facts.get(of)
        if value is None:
            return self.word("null")
        if isinstance(value, bool):
            return self.word("true" if value else "false")
        if isinstance(value, list):
            return self.joined(self._plain(item) for item in value) or self.word("none")
        if fact is not None and value in fact.values:
            return fact.values[value][self.tongue]
        return self.amount(value, fact.unit if fact is not None else None)

    def amount(self, value: Any, unit: str | None) -> str:
        if isinstance(value, bool):
            return self.word("true" if value else "false")
        words = word(UNIT, unit, self.tongue) if unit is not None and not isinstance(value, str) else ""
        return f"{self._plain(value)} {words}".rstrip()

    def _plain(self, value: Any) -> str:
        return value if isinstance(value, str) else canonical.trusted(value).decode()

    def posted(self, of: str, value: Any) -> str:
        """A value of a fact; one that is not known is `?`."""
        return word(CONDITION, "unknown", self.tongue) if value is None else self.value(of, value)

    # ---- conditions

    def sentence(self, subject: ast.Node, asked: ast.Node, of: str, value: Any, *, holds: bool | None) -> str:
        """A condition, and what became of it: `Orders is 20 orders and must be at least 100 orders: not met`.

        Args:
            subject: the expression that is tested.
            asked: see `requirement`.
            of: text of the subject, by which the unit and the labels of a fact are found.
            holds: null where it is not known.
        """
        return word(
            CONDITION,
            "sentence",
            self.tongue,
            name=self.text(subject),
            value=self.posted(of, value),
            required=self.requirement(of, asked),
            outcome=self._outcome(holds),
        )

    def raw(self, of: str, test: str, value: Any, *, holds: bool | None) -> str:
        """A condition of which the words are not known, as the answer writes it."""
        said = {"name": self.name(of), "value": self.posted(of, value), "test": test}
        return word(CONDITION, "raw", self.tongue, outcome=self._outcome(holds), **said)

    def _outcome(self, holds: bool | None) -> str:
        return word(CONDITION, {True: "true", False: "false", None: "null"}[holds], self.tongue)

    def requirement(self, of: str, test: ast.Node) -> str:
        """What a test requires of a value, in words: `[10..30)` is `must be from 10 to below 30`.

        Args:
            of: the fact or expression that is tested.
            test: a test, the cell of a table, or `between` or `in` with its operand.
        """
        fact = self._facts.get(of)
        match test:
            case ast.Between(low=low, high=high):
                return self._must(self._range("[]", low, high, fact))
            case ast.In(tests=tests):
                return self._must(self._tests(tests, fact))
            case ast.Cell(tests=(ast.ComparisonTest("!=", operand),), negated=False) if not _is_null(operand):
                return self._must(self._test(ast.ComparisonTest("=", operand), fact), negated=True)
            case ast.Cell(tests=tests, negated=negated):
                return self._must(self._tests(tests, fact), negated=negated)
        return self._must(self._test(test, fact))

    def _must(self, said: str, *, negated: bool = False) -> str:
        return word(REQUIRED, "must_not" if negated else "must", self.tongue, said)

    def _tests(self, tests: Iterable[ast.Node], fact: Fact | None) -> str:
        return reduce(partial(word, TEST, "or", self.tongue), (self._test(test, fact) for test in tests))

    def _test(self, test: ast.Node, fact: Fact | None) -> str:
        match test:
            case ast.ComparisonTest("=", ast.NullLiteral()) | ast.NullLiteral():
                return word(TEST, "unknown", self.tongue)
            case ast.ComparisonTest("!=", ast.NullLiteral()):
                return word(TEST, "known", self.tongue)
            case ast.ComparisonTest(operator, operand):
                table = TEST | DAY if self._is_day(operand) or _is_day_fact(fact) else TEST
                return word(table, operator, self.tongue, self._operand(operand, fact))
            case ast.Range(low, high, low_closed, high_closed):
                return self._range(("[" if low_closed else "(") + ("]" if high_closed else ")"), low, high, fact)
        return word(TEST, "=", self.tongue, self._operand(test, fact))

    def _range(self, ends: str, low: ast.Node, high: ast.Node, fact: Fact | None) -> str:
        return word(TEST, ends, self.tongue, self.text(low, fact), self._operand(high, fact))

    def _operand(self, tree: ast.Node, fact: Fact | None) -> str:
        """What a value is compared with; a number has the unit of the fact."""
        said = self.text(tree, fact)
        if fact is None or fact.unit is None or not isinstance(tree, ast.NumberLiteral):
            return said
        return f"{said} {word(UNIT, fact.unit, self.tongue)}".rstrip()

    # ---- expressions

    def text(self, tree: ast.Node, fact: Fact | None = None) -> str:
        """An expression in words, names as labels; operations without words stay as the rule file writes them.

        Args:
            fact: the fact that it is compared with; its members have labels.
        """
        match tree:
            case ast.NumberLiteral(value):
                return number_text(value)
            case ast.StringLiteral(value):
                return fact.values[value][self.tongue] if fact is not None and value in fact.values else value
            case ast.BooleanLiteral(value):
                return self.word("true" if value else "false")
            case ast.NullLiteral():
                return self.word("null")
            case ast.Call(ast.Name("date" | "duration"), (ast.StringLiteral(value),)) | ast.AtLiteral(value):
                days = parse_days(value)
                return value if days is None else self.amount(days, "day")
            case ast.Call(ast.Name("decision"), (ast.Path(policy, name),)):
                return self._decision(print_node(policy), name)
            case ast.Comparison(operator, left, right):
                compared = self._facts.get(print_node(left))
                table = OPERATOR | DAY_OPERATOR if self._is_day(left) or self._is_day(right) else OPERATOR
                return f"{self.text(left)} {word(table, operator, self.tongue)} {self.text(right, compared)}"
            case ast.Conjunction(operands):
                return self._connected("and", operands)
            case ast.Disjunction(operands):
                return self._connected("or", operands)
            case ast.Name() | ast.Path():
                return self.name(print_node(tree))
        return print_node(self._labelled(tree))

    def _connected(self, connective: str, operands: Iterable[ast.Node]) -> str:
        parts = (f"({self.text(o)})" if isinstance(o, ast.Disjunction) else self.text(o) for o in operands)
        return f" {word(OPERATOR, connective, self.tongue)} ".join(parts)

    def _labelled(self, tree: ast.Node) -> ast.Node:
        """The tree with words in the place of names, and of times."""
        if isinstance(tree, ast.Name | ast.Path) or _has_words(tree):
            return ast.Name(self.text(tree))
        fields = {name: getattr(tree, name) for name in tree.__dataclass_fields__ if name != "span"}
        if isinstance(tree, ast.Call):
            return replace(tree, arguments=tuple(map(self._labelled, tree.arguments)))
        return replace(tree, **{name: self._labelled_field(value) for name, value in fields.items()})

    def _labelled_field(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(self._labelled_field, value))
        return self._labelled(value) if isinstance(value, ast.Node) else value

    def _is_day(self, tree: ast.Node) -> bool:
        """Whether an expression is a day: `as_of`, a day of a campaign, a date, a date fact, or one of them shifted."""
        match tree:
            case ast.Name("as_of") | ast.Call(ast.Name("date")):
                return True
            case ast.Path(ast.Name("campaign")):
                return True
            case ast.Arithmetic("+" | "-", left, right):
                return self._is_day(left) and not self._is_day(right)
        return _is_day_fact(self._facts.get(print_node(tree)))

    def _decision(self, policy: str, name: str) -> str:
        """The title of another policy's decision."""
        for file in self.rules.versions(policy):
            decision = file.decisions.get(name)
            if decision is not None and decision.title is not None:
                return decision.title[self.tongue]
        return f"{policy}.{name}"


def _is_null(tree: ast.Node) -> bool:
    return isinstance(tree, ast.NullLiteral)


def _is_day_fact(fact: Fact | None) -> bool:
    return fact is not None and isinstance(fact.type, types.Date)


def _has_words(tree: ast.Node) -> bool:
    """Whether `text` has words for it that are no expression: `date("…")`, `duration("…")`, `decision(…)`."""
    match tree:
        case ast.AtLiteral() | ast.Call(ast.Name("date" | "duration"), (ast.StringLiteral(),)):
            return True
    return isinstance(tree, ast.Call) and tree.function == ast.Name("decision")

"""Statuses, refusals and what is missing, as guards over typed nodes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from policy_service.engines import answer
from policy_service.engines.plan.terms import Condition, ExclusionPlan, Formula, Guard, Missing
from policy_service.language import typed, types
from policy_service.language.references import Decision, Fact, Lacking, Needed, Posted, Status
from policy_service.language.references import shown as named
from policy_service.language.typed import BOOLEAN, FALSE, TRUE, Compare, Const, Load, Node, all_of, any_of
from policy_service.policies.model import Ceiling

APPLIED: Final = "applied"
LACKS: Final = "insufficient_facts"
_TEXT = types.Text()
_NULL = Const(types.Null(), None)


def is_null(node: Node) -> Node:
    return Compare(BOOLEAN, "=", node, _NULL)


def is_false(node: Node) -> Node:
    return Compare(BOOLEAN, "=", node, FALSE)


def is_true(node: Node) -> Node:
    return Compare(BOOLEAN, "=", node, TRUE)


def has(policy: str, status: str) -> Node:
    """Whether a policy has a status for the subject."""
    return Compare(BOOLEAN, "=", Load(_TEXT, Status(policy)), Const(_TEXT, status))


class Unknowns:
    """What is null: facts, and decisions of other policies with the facts behind them.

    Which null facts count as behind a decision depends on its policy's status. Applied: those that the decision depends
    on. Insufficient facts: the required ones. Any other status, such as not applicable: none, since no fact would
    change it.

    Args:
        kinds: the types of facts and decisions.
    """

    def __init__(self, kinds: Mapping[Needed, types.Type]) -> None:
        self._kinds = kinds
        self.definitions: dict[Lacking, Node] = {}
        self._facts: dict[Decision, list[Fact]] = {}

    def null(self, one: Needed) -> Node:
        """Whether a fact, or a decision of another policy, is null for its reader."""
        load = Load(self._kinds.get(one, types.Null()), one)
        return is_null(load) if isinstance(one, Fact) else is_null(read(one.policy, load))

    def lacking(self, needed: Iterable[Needed]) -> Node:
        """Whether one of the facts, or one behind the decisions, is null."""
        return any_of(self._lacking(one, None) for one in _sorted(needed))

    def _lacking(self, one: Needed, fact: Fact | None) -> Node:
        """Whether a fact is null; whether one behind a decision is, any or a certain one."""
        if isinstance(one, Fact):
            return self.null(one) if fact in (None, one) else FALSE
        if one not in self._facts or (fact is not None and fact not in self._facts[one]):
            return FALSE  # no file of its policy is in force, or none of its decisions rests on the fact
        return Load(BOOLEAN, Lacking(one.policy, one.name, fact))

    def required(self, needed: Iterable[Needed]) -> tuple[Missing, ...]:
        """Each that is null."""
        return tuple(Missing(named(one), self.null(one)) for one in _sorted(needed))

    def optional(self, needed: Iterable[Needed]) -> tuple[Missing, ...]:
        """Each that is null, and the null facts behind decisions that are."""
        conditions: dict[str, list[Node]] = {}
        for one in _sorted(needed):
            null = self.null(one)
            conditions.setdefault(named(one), []).append(null)
            if isinstance(one, Decision):
                for fact in self._facts.get(one, ()):
                    conditions.setdefault(fact.name, []).append(all_of((null, self._lacking(one, fact))))
        return tuple(Missing(name, any_of(when)) for name, when in sorted(conditions.items()))

    def define(self, decision: Decision, behind: Iterable[Needed], required: Iterable[Needed]) -> None:
        """Define `Lacking` for a decision that other policies read.

        Args:
            behind: what the decision depends on.
            required: what its policy requires.
        """
        direct, lacked = _sorted(behind), _sorted(required)
        facts = dict.fromkeys(fact for one in (*direct, *lacked) for fact in self._behind(one))
        for fact in (None, *facts):
            given = any_of(self._lacking(one, fact) for one in direct)
            lacks = any_of(self._lacked(one, fact) for one in lacked)
            when_lacking = typed.If(BOOLEAN, has(decision.policy, LACKS), lacks, FALSE)
            lacking = typed.If(BOOLEAN, has(decision.policy, APPLIED), given, when_lacking)
            self.definitions[Lacking(decision.policy, decision.name, fact)] = lacking
        self._facts[decision] = list(facts)

    def _lacked(self, one: Needed, fact: Fact | None) -> Node:
        found = self._lacking(one, fact)
        return found if isinstance(one, Fact) or found == FALSE else all_of((self.null(one), found))

    def _behind(self, one: Needed) -> Iterable[Fact]:
        return (one,) if isinstance(one, Fact) else self._facts.get(one, ())


def read(policy: str, decision: Node) -> Node:
    """A decision of another policy, as its reader sees it: null unless that policy is applied."""
    return typed.If(decision.type, has(policy, APPLIED), decision, Const(decision.type, None))


def _sorted(needed: Iterable[Needed]) -> list[Needed]:
    return sorted(needed, key=named)


# ---- statuses


def status(
    *,
    suspended: bool,
    in_force: bool,
    sections: Iterable[str],
    applies: Node | None,
    unknown_audience: Node,
    required: Iterable[Missing],
    conflicts: Iterable[Node],
) -> tuple[Guard[answer.Status], ...]:
    """The guards of a status, in the order of the contract; where none is true the policy is applied.

    Args:
        sections: that of the subject, and those that the policy needs.
        unknown_audience: whether something required that `applies` depends on is null: then a null does not say no.
    """
    found: list[Guard[answer.Status]] = [
        Guard("suspended", TRUE if suspended else FALSE),
        Guard("not_in_effect", FALSE if in_force else TRUE),
        Guard("not_applicable", unposted(sections)),
    ]
    if applies is not None:
        unknown = all_of((is_null(applies), typed.Not(BOOLEAN, unknown_audience)))
        found.append(Guard("not_applicable", any_of((is_false(applies), unknown))))
    found.append(Guard(LACKS, any_of(one.when for one in required)))
    found.append(Guard("rule_conflict", any_of(conflicts)))
    return tuple(guard for guard in found if guard.when != FALSE)


def unposted(sections: Iterable[str]) -> Node:
    """Whether one of the sections was not posted."""
    return any_of(typed.Not(BOOLEAN, Load(BOOLEAN, Posted(section))) for section in sections)


# ---- refusals


def refusals(
    *,
    suspended: bool,
    when: Condition | None,
    unknown_when: Node,
    amount: Formula,
    unknown_amount: Node,
    exclusions: Iterable[ExclusionPlan],
    ceiling: Ceiling | None,
) -> tuple[Guard[answer.Reason], ...]:
    """Why a reward is not granted, in the order of the contract; where none is true it is granted.

    Args:
        unknown_when, unknown_amount: whether a fact that the condition, or the amount, depends on is null.
    """
    found: list[Guard[answer.Reason]]
    found = [Guard("suspended", TRUE if suspended else FALSE)]
    if when is not None:
        condition = when.formula.typed
        found += [Guard("not_met", is_false(condition)), *_null(condition, unknown_when)]
    found += _null(amount.typed, unknown_amount)
    found += [Guard("excluded", is_true(one.condition.formula.typed), one) for one in exclusions]
    if ceiling is not None:
        found.append(Guard("withheld", _above(amount.typed, ceiling)))
    return tuple(guard for guard in found if guard.when != FALSE)


def _null(node: Node, unknown: Node) -> Iterator[Guard[answer.Reason]]:
    """A null refuses: a fact behind it is not known, or there is no answer. A constant is never null."""
    if isinstance(node, Const) and node.value is not None:
        return
    yield Guard(LACKS, FALSE if unknown == FALSE else all_of((is_null(node), unknown)))
    yield Guard("not_met", is_null(node))


def _above(amount: Node, ceiling: Ceiling) -> Node:
    """Whether an amount is above the most that one reward of its kind may grant."""
    if not isinstance(amount.type, types.Number):
        return FALSE
    scale = amount.type.scale
    most = ceiling.per_reward * 10**scale // 10**ceiling.scale  # what is above it is above its floor, and conversely
    if isinstance(amount, Const):
        return TRUE if amount.value is not None and amount.value > most else FALSE
    return is_true(Compare(BOOLEAN, ">", amount, Const(types.Number(scale, most, most), most)))

"""The seeded faults: one replacement of text each, in the parts that the reference does not share.

When code moves, its faults move with it: a replacement that no longer applies ends `make mutants` with an error.
"""

from __future__ import annotations

from typing import NamedTuple

OUTCOMES = "engines/plan/outcomes.py"
PLANNER = "engines/plan/planner.py"
TERMS = "engines/plan/terms.py"
FORMULAS = "engines/plan/formulas.py"
LEAVES = "engines/plan/leaves.py"
RUNNING = "engines/choices/running.py"
DEPENDENCIES = "policies/dependencies.py"
EPOCH = "decisions/answers/epoch.py"
PROGRAMS = "decisions/answers/programs.py"
STACKING = "decisions/answers/stacking.py"
TRACING = "decisions/answers/tracing.py"
MODEL = "policies/model/rules.py"
STRETCHES = "policies/stretches.py"
RETE = "engines/rete/run.py"
COMPILE = "engines/rete/compile.py"
CLOSURES = "engines/rete/closures.py"
LOWERING = "engines/rete/lowering.py"
VALUES = "language/values.py"


class Fault(NamedTuple):
    """In a file of `policy_service`, `before` becomes `after`; what that means is said in one line."""

    meaning: str
    file: str
    before: str
    after: str


FAULTS = (
    # ---- the status of a policy
    Fault(
        "not in effect comes before suspended",
        OUTCOMES,
        '        Guard("suspended", TRUE if suspended else FALSE),\n'
        '        Guard("not_in_effect", FALSE if in_force else TRUE),',
        '        Guard("not_in_effect", FALSE if in_force else TRUE),\n'
        '        Guard("suspended", TRUE if suspended else FALSE),',
    ),
    Fault(
        "needed sections are not asked for",
        PLANNER,
        "sections=(section.name, *policy.needs),",
        "sections=(section.name,),",
    ),
    Fault(
        "one of the needed sections is enough",
        OUTCOMES,
        "return any_of(typed.Not(BOOLEAN, Load(BOOLEAN, Posted(section))) for section in sections)",
        "return all_of(typed.Not(BOOLEAN, Load(BOOLEAN, Posted(section))) for section in sections)",
    ),
    Fault(
        "an unknown `applies` is a no, though its required fact is missing",
        OUTCOMES,
        "unknown = all_of((is_null(applies), typed.Not(BOOLEAN, unknown_audience)))",
        "unknown = is_null(applies)",
    ),
    Fault("an unknown `applies` is a yes", OUTCOMES, "any_of((is_false(applies), unknown))", "is_false(applies)"),
    Fault(
        "a conflict comes before missing facts",
        OUTCOMES,
        "    found.append(Guard(LACKS, any_of(one.when for one in required)))\n"
        '    found.append(Guard("rule_conflict", any_of(conflicts)))',
        '    found.append(Guard("rule_conflict", any_of(conflicts)))\n'
        "    found.append(Guard(LACKS, any_of(one.when for one in required)))",
    ),
    Fault(
        "a conflict of rows is no status",
        OUTCOMES,
        'Guard("rule_conflict", any_of(conflicts))',
        'Guard("rule_conflict", FALSE)',
    ),
    Fault(
        "a policy with a conflict shows its decisions",
        EPOCH,
        "decided.values if status == APPLIED else {}",
        'decided.values if status in (APPLIED, "rule_conflict") else {}',
    ),
    Fault(
        "decisions of a policy that is not applied are read by others",
        OUTCOMES,
        "return typed.If(decision.type, has(policy, APPLIED), decision, Const(decision.type, None))",
        "return decision",
    ),
    Fault(
        "the rewards of a policy not in effect are those of its first file",
        MODEL,
        "begun[-1] if begun else versions[0]",
        "versions[0]",
    ),
    # ---- what is missing
    Fault(
        "`missing` is without the optional facts",
        OUTCOMES,
        "return tuple(Missing(name, any_of(when)) for name, when in sorted(conditions.items()))",
        "return ()",
    ),
    Fault(
        "of the required facts only the first is missing",
        OUTCOMES,
        "return tuple(Missing(named(one), self.null(one)) for one in _sorted(needed))",
        "return tuple(Missing(named(one), self.null(one)) for one in _sorted(needed)[:1])",
    ),
    Fault(
        "a null decision of another policy is not missing",
        OUTCOMES,
        "return tuple(Missing(named(one), self.null(one)) for one in _sorted(needed))",
        "return tuple(Missing(named(one), self.null(one)) for one in _sorted(needed) if isinstance(one, Fact))",
    ),
    Fault(
        "the facts behind an optional decision are not missing",
        OUTCOMES,
        "for fact in self._facts.get(one, ()):",
        "for fact in ():",
    ),
    Fault(
        "a policy that lacks facts does not hand on which",
        OUTCOMES,
        "when_lacking = typed.If(BOOLEAN, has(decision.policy, LACKS), lacks, FALSE)",
        "when_lacking = FALSE",
    ),
    Fault(
        "a policy that was applied does not hand on what its decisions depend on",
        OUTCOMES,
        "has(decision.policy, APPLIED), given, when_lacking)",
        "has(decision.policy, APPLIED), FALSE, when_lacking)",
    ),
    Fault(
        "facts that only exclusions read are not missing",
        DEPENDENCIES,
        "(read & policy.optional) | only_excluding)",
        "read & policy.optional)",
    ),
    Fault(
        "facts that only the text of an exclusion reads are not missing",
        DEPENDENCIES,
        "for expression in (exclusion.when, *texts):",
        "for expression in (exclusion.when,):",
    ),
    # ---- why a reward is not granted
    Fault(
        "an exclusion of the bundle is forgotten",
        PLANNER,
        "[*(self._exclusion(e, row) for e in reward.exceptions), *self.of_bundle]",
        "[self._exclusion(e, row) for e in reward.exceptions]",
    ),
    Fault(
        "exclusions of the bundle come before the exceptions of the policy",
        PLANNER,
        "[*(self._exclusion(e, row) for e in reward.exceptions), *self.of_bundle]",
        "[*self.of_bundle, *(self._exclusion(e, row) for e in reward.exceptions)]",
    ),
    Fault(
        "an unknown exception excludes",
        OUTCOMES,
        'Guard("excluded", is_true(one.condition.formula.typed), one)',
        'Guard("excluded", typed.Not(BOOLEAN, is_false(one.condition.formula.typed)), one)',
    ),
    Fault("a suspended reward is paid", PLANNER, "suspended=self._is_suspended(reward.id),", "suspended=False,"),
    Fault(
        "the suspension of a reward is asked after its condition",
        OUTCOMES,
        '    found = [Guard("suspended", TRUE if suspended else FALSE)]\n'
        "    if when is not None:\n"
        "        condition = when.formula.typed\n"
        '        found += [Guard("not_met", is_false(condition)), *_null(condition, unknown_when)]\n',
        "    found = []\n"
        "    if when is not None:\n"
        "        condition = when.formula.typed\n"
        '        found += [Guard("not_met", is_false(condition)), *_null(condition, unknown_when)]\n'
        '    found.append(Guard("suspended", TRUE if suspended else FALSE))\n',
    ),
    Fault(
        "the suspension of a reward holds for its namesake in another policy",
        PLANNER,
        "any((s.policy, s.reward) == (self.policy.id, reward) for s in",
        "any(s.reward == reward and (reward or s.policy == self.policy.id) for s in",
    ),
    Fault(
        "an unknown `when` is not met, though a fact behind it is missing",
        OUTCOMES,
        "*_null(condition, unknown_when)]",
        'Guard("not_met", is_null(condition))]',
    ),
    Fault(
        "a null amount is always a missing fact",
        OUTCOMES,
        "found += _null(amount.typed, unknown_amount)",
        "found.append(Guard(LACKS, is_null(amount.typed)))",
    ),
    Fault(
        "a null amount is never a missing fact",
        OUTCOMES,
        "found += _null(amount.typed, unknown_amount)",
        'found.append(Guard("not_met", is_null(amount.typed)))',
    ),
    Fault(
        "an amount that reaches its ceiling is withheld",
        OUTCOMES,
        'Compare(BOOLEAN, ">", amount,',
        'Compare(BOOLEAN, ">=", amount,',
    ),
    # ---- what a reward says
    Fault(
        "a claim of a month is one of a day",
        TERMS,
        'day[:7] if self.period == "month"',
        'day if self.period == "month"',
    ),
    Fault(
        "a claim of a campaign is one for ever",
        PLANNER,
        'fixed = str(policy.effective.campaign) if claim.per == "campaign" else claim.per',
        'fixed = "once"',
    ),
    Fault(
        "a preview shows claims",
        EPOCH,
        "if reward.claim is not None and self.claims:",
        "if reward.claim is not None:",
    ),
    Fault("a reward without claim has one", PLANNER, 'case "none":', 'case "never":'),
    Fault(
        "the claim of an `each` names the declaration, not the row",
        PLANNER,
        "{policy.id}/{reward.id}@",
        "{policy.id}/{reward.declaration}@",
    ),
    Fault("a validity ends a day early", EPOCH, "timedelta(days=days)", "timedelta(days=days - 1)"),
    Fault(
        "a null detail is shown",
        EPOCH,
        "if (value := shown(view)) is not None}",
        "if (value := shown(view)) is not True}",
    ),
    # ---- groups
    Fault(
        "a group pays in the order of ids, not of priorities",
        PLANNER,
        "[(r.priority or 0, p.id, r.id)",
        "[(0, p.id, r.id)",
    ),
    Fault(
        "the cap of a group is not applied",
        PLANNER,
        "cap = None if group.cap is None else exact(group.cap, group.scale)",
        "cap = None",
    ),
    Fault(
        "the cap of a group holds for each reward alone",
        STACKING,
        '            left -= member.entry["amount"]',
        "            left -= 0",
    ),
    Fault("of equal amounts the last is the highest", STACKING, "max(ordered, key=", "max(reversed(ordered), key="),
    Fault(
        "`first` pays the highest amount",
        STACKING,
        'ordered[0] if group.combine == "first" else',
        'ordered[0] if group.combine == "none" else',
    ),
    Fault(
        "`provisional` is forgotten",
        STACKING,
        "        if provisional:",
        "        if provisional and left is not None:",
    ),
    Fault(
        "a refused member of a group makes the others provisional, whatever the reason",
        EPOCH,
        "reward.stack is not None and reason == LACKS",
        "reward.stack is not None",
    ),
    Fault(
        "elements of a list share a group",
        EPOCH,
        'return reward.stack or "", subject["type"], subject.get("id", "")',
        'return reward.stack or "", subject["type"], ""',
    ),
    # ---- which policies
    Fault(
        "a filter leaves out the other members of a group",
        DEPENDENCIES,
        "            needs[id_] |= members",
        "            needs[id_] |= set()",
    ),
    Fault(
        "a filter leaves out the policies whose decisions are used",
        DEPENDENCIES,
        ".update(one.policy for one in policy.reads if isinstance(one, Decision))",
        ".update(())",
    ),
    Fault(
        "a filter shows all that was evaluated",
        EPOCH,
        "if found is None or (self.shown is not None and id_ not in self.shown):",
        "if found is None:",
    ),
    Fault(
        "an element sees what was judged for the one before", RETE, "slots = self.slots.copy()", "slots = self.slots"
    ),
    Fault(
        "rewards of several elements stand element by element",
        EPOCH,
        "found.rewards.sort(key=_by_id)",
        "found.rewards.sort(key=lambda _: 0)",
    ),
    Fault(
        "recommendations stand by policy, not by urgency",
        EPOCH,
        'itemgetter("priority", "policy", "id")',
        'itemgetter("policy", "priority", "id")',
    ),
    Fault(
        "a recommendation is made on an unknown condition",
        EPOCH,
        "if recommendation.truth(view) is True:",
        "if recommendation.truth(view) is not False:",
    ),
    # ---- why, and texts
    Fault(
        "a row that fired shows all cells but the last",
        TRACING,
        "Because(row.leaves, prepared, all_hold=True)",
        "Because(row.leaves[:-1] or row.leaves, prepared, all_hold=True)",
    ),
    Fault(
        "a comparison that does not hold is shown as holding",
        TRACING,
        '"holds": holds(view)}',
        '"holds": holds(view) is not None}',
    ),
    Fault(
        "every operand of an `or` that holds is shown as holding",
        LEAVES,
        'case ast.Disjunction() | ast.Call(ast.Name("not"), _):\n                return False',
        'case ast.Disjunction() | ast.Call(ast.Name("not"), _):\n                return True',
    ),
    Fault(
        "a test names the parameter in place of its value",
        FORMULAS,
        "return substituted(tree, self._literals)",
        "return substituted(tree, {})",
    ),
    Fault(
        "rows that did not fire are shown as fired",
        TRACING,
        "            if place not in fired:",
        "            if place in fired:",
    ),
    Fault(
        "of several `each` on one relation only the first makes its row fire",
        TRACING,
        "    for truth in truths:  #",
        "    for truth in truths[:1]:  #",
    ),
    Fault("a null in a text is the word null", PROGRAMS, '_DASH = "–"', '_DASH = "null"'),
    # ---- tables
    Fault(
        "two rows of UNIQUE are no conflict",
        RUNNING,
        "Hit(None, tuple(rows), conflict=True)\n\n\ndef _any",
        "Hit(None, tuple(rows))\n\n\ndef _any",
    ),
    Fault(
        "ANY looks at the last row alone",
        RUNNING,
        "if any(other != answers[0] for other in answers):",
        "if answers[-1] != answers[0]:",
    ),
    Fault(
        "FIRST fires all rows that match",
        RUNNING,
        "Hit(answer(rows[0]), (rows[0],))",
        "Hit(answer(rows[0]), tuple(rows))",
    ),
    Fault("PRIORITY takes the first row", RUNNING, "key=lambda f: f[:2])", "key=lambda f: f[1])"),
    Fault("COLLECT COUNT is one too high", RUNNING, "Hit(len(rows), tuple(rows))", "Hit(len(rows) + 1, tuple(rows))"),
    Fault(
        "the default of a table is forgotten",
        RUNNING,
        "return lambda answer: Hit(answer(DEFAULT), ())",
        "return lambda _answer: Hit(None, ())",
    ),
    Fault(
        "the count of no row is null", RUNNING, 'Hit(0 if one.aggregation == "count" else None, ())', "Hit(None, ())"
    ),
    # ---- values
    Fault(
        "a parameter has its first value for ever",
        PLANNER,
        "self.day = planner.epoch.start if self.in_force else policy.effective.period.start",
        "self.day = policy.effective.period.start",
    ),
    Fault(
        "a new value of a parameter begins no epoch",
        STRETCHES,
        "(day for policy in rules.policies for day in policy_breaks(policy))",
        "(day for policy in rules.policies for day in policy_breaks(policy) if day == policy.effective.period.start)",
    ),
    Fault(
        "a decision of a file with fewer decimals is read at the scale of the next",
        FORMULAS,
        "return read(policy, typed.converted(replace(node, type=own), known))",
        "return read(policy, node)",
    ),
    Fault("half up rounds half down", VALUES, '"half_up": twice >= denominator', '"half_up": twice > denominator'),
    Fault(
        "an unknown condition takes the first branch",
        CLOSURES,
        "if condition(slots) is True else",
        "if condition(slots) is not False else",
    ),
    Fault(
        "a rule that fired is not asked whether a fact is missing",
        COMPILE,
        "            if slots[at] is None:\n                return exact(slots)",
        "            if slots[at] is None:\n                return False",
    ),
    Fault(
        "an end point is left out where it is in",
        LOWERING,
        "operator if holds else OPPOSITE[operator], left",
        'operator if holds else "<" if operator == ">" else OPPOSITE[operator], left',
    ),
)

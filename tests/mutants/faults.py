"""The seeded faults: one replacement of text each, in the parts that the reference does not share.

When code moves, its faults move with it: a replacement that no longer applies ends `make mutants` with an error.
"""

from __future__ import annotations

from typing import NamedTuple

PLAN = "engines/plan.py"
HITS = "engines/hits.py"
ANSWERING = "decisions/answers/answering.py"
PROGRAMS = "decisions/answers/programs.py"
UNKNOWN = "decisions/answers/unknown.py"
STACKING = "decisions/answers/stacking.py"
TRACING = "decisions/answers/tracing.py"
RULES = "policies/model/rules.py"
ANSWERS = "policies/model/answers.py"
STRETCHES = "policies/stretches.py"
RETE = "engines/rete/run.py"
CLOSURES = "engines/rete/closures.py"
LOWERING = "engines/rete/lowering.py"


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
        PROGRAMS,
        '"suspended" if plan.suspended is not None else None if plan.in_force else "not_in_effect"',
        '"not_in_effect" if not plan.in_force else None if plan.suspended is None else "suspended"',
    ),
    Fault("needed sections are not asked for", PROGRAMS, "if not is_posted or (plan.needs", "if not is_posted or (()"),
    Fault(
        "one of the needed sections is enough",
        PROGRAMS,
        "not posted >= set(plan.needs)",
        "not posted & set(plan.needs)",
    ),
    Fault(
        "an unknown `applies` is a no, though its required fact is missing",
        PROGRAMS,
        "if applies is False or (applies is None and not self._lacks(facts, seen)):",
        "if applies is not True:",
    ),
    Fault(
        "an unknown `applies` is a yes",
        PROGRAMS,
        "if applies is False or (applies is None and not self._lacks(facts, seen)):",
        "if applies is False:",
    ),
    Fault(
        "a conflict comes before missing facts",
        PROGRAMS,
        "        if lacking is not None:",
        "        if lacking is not None and not decided.conflicts:",
    ),
    Fault(
        "a conflict of rows is no status",
        PROGRAMS,
        "        if decided.conflicts:",
        "        if len(decided.conflicts) > 9:",
    ),
    Fault(
        "a policy with a conflict pays",
        ANSWERING,
        'if decided is not None and status == "applied":',
        "if decided is not None:",
    ),
    Fault(
        "decisions of a policy that is not applied are read by others",
        ANSWERING,
        '        if status != "applied":\n            policy.skip(view)',
        '        if status == "insufficient_facts":\n            policy.skip(view)',
    ),
    Fault(
        "the rewards of a policy not in effect are those of its first file",
        RULES,
        "begun[-1] if begun else versions[0]",
        "versions[0]",
    ),
    # ---- what is missing
    Fault(
        "`missing` is without the optional facts",
        PROGRAMS,
        "names = [name for name, fact in plan.optional if facts[fact] is None]",
        "names: list[str] = []",
    ),
    Fault(
        "of the required facts only the first is missing",
        PROGRAMS,
        "for required in plan.required if",
        "for required in plan.required[:1] if",
    ),
    Fault(
        "a null decision of another policy is not missing",
        PROGRAMS,
        "sorted(names + [decision_text(d) for d in lacking.decisions])",
        "sorted(names)",
    ),
    Fault(
        "the facts behind an optional decision are not missing",
        PROGRAMS,
        "sorted({*names, *behind, *map(decision_text, nulls)})",
        "sorted({*names, *map(decision_text, nulls)})",
    ),
    Fault(
        "a policy that lacks facts does not hand on which",
        PROGRAMS,
        "seen.lacking[self.id] = lacking",
        "seen.lacking[self.id] = Reach((), ())",
    ),
    Fault(
        "a policy that was applied does not hand on what its decisions depend on",
        UNKNOWN,
        "return self._reach[decision] if policy in seen.decisions else",
        "return",
    ),
    Fault(
        "facts that only exclusions read are not missing",
        PLAN,
        "optional = (reads & policy.optional) | exclusion_only",
        "optional = reads & policy.optional",
    ),
    Fault(
        "facts that only the text of an exclusion reads are not missing",
        PLAN,
        "for expression in (exclusion.when, *texts):",
        "for expression in (exclusion.when,):",
    ),
    # ---- why a reward is not granted
    Fault(
        "an exclusion of the bundle is forgotten",
        PLAN,
        "exclusions += [self._of_bundle(e) for e in self.rules.settings.exclusions]",
        "exclusions += [self._of_bundle(e) for e in self.rules.settings.exclusions[:0]]",
    ),
    Fault(
        "exclusions of the bundle come before the exceptions of the policy",
        PLAN,
        "exclusions += [self._of_bundle(e) for e in self.rules.settings.exclusions]",
        "exclusions[:0] = [self._of_bundle(e) for e in self.rules.settings.exclusions]",
    ),
    Fault(
        "an unknown exception excludes",
        ANSWERING,
        "            if truth(view) is True:",
        "            if truth(view) is not False:",
    ),
    Fault(
        "a suspended reward is paid",
        PROGRAMS,
        "self.suspended = reward.suspended is not None",
        "self.suspended = False",
    ),
    Fault(
        "the suspension of a reward is asked after its condition",
        ANSWERING,
        "        if reward.suspended:",
        "        if reward.suspended and reward.truth(view) is True:",
    ),
    Fault(
        "the suspension of a reward holds for its namesake in another policy",
        PLAN,
        "if s.policy == policy and s.reward == reward",
        "if (s.policy == policy or reward) and s.reward == reward",
    ),
    Fault(
        "an unknown `when` is not met, though a fact behind it is missing",
        PROGRAMS,
        '"not_met" if holds is False else self._null(self._reach, facts, seen)',
        '"not_met"',
    ),
    Fault(
        "a null amount is always a missing fact",
        PROGRAMS,
        "return self._null(self._amount_reach, facts, seen)",
        'return "insufficient_facts"',
    ),
    Fault(
        "a null amount is never a missing fact",
        PROGRAMS,
        "return self._null(self._amount_reach, facts, seen)",
        'return "not_met"',
    ),
    Fault(
        "an amount that reaches its ceiling is withheld",
        ANSWERING,
        "amount > reward.ceiling",
        "amount >= reward.ceiling",
    ),
    # ---- what a reward says
    Fault("a claim of a month is one of a day", ANSWERS, "return as_of[:7]", "return as_of"),
    Fault(
        "a claim of a campaign is one for ever",
        ANSWERS,
        "                return campaign",
        '                return "once"',
    ),
    Fault(
        "a preview shows claims",
        ANSWERING,
        "if reward.claims and self.claims:",
        "if reward.claims:",
    ),
    Fault("a reward without claim has one", ANSWERING, "if reward.claims and self.claims:", "if self.claims:"),
    Fault(
        "the claim of an `each` names the declaration, not the row",
        PROGRAMS,
        'self._key = f"{policy.id}/{model.id}@',
        'self._key = f"{policy.id}/{model.declaration}@',
    ),
    Fault(
        "a validity ends a day early",
        ANSWERING,
        "timedelta(days=days)",
        "timedelta(days=days - 1)",
    ),
    Fault(
        "a null detail is shown",
        ANSWERING,
        "if (value := shown(view)) is not None}",
        "if (value := shown(view)) is not True}",
    ),
    # ---- groups
    Fault(
        "a group pays in the order of ids, not of priorities",
        STACKING,
        '(m.priority, m.entry["policy"], m.entry["id"])',
        '(m.entry["policy"], m.entry["id"])',
    ),
    Fault(
        "the cap of a group is not applied",
        STACKING,
        "None if group.cap is None else exact(",
        "None if group.cap != 0 else exact(",
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
        "a group is cut by its cap and forgets what it was cut from before",
        STACKING,
        '"from": before["from"]',
        '"from": entry["amount"]',
    ),
    Fault(
        "`provisional` is forgotten",
        STACKING,
        "        if provisional:",
        "        if provisional and left is not None:",
    ),
    Fault(
        "a refused member of a group makes the others provisional, whatever the reason",
        ANSWERING,
        'reward.stack is not None and reason == "insufficient_facts"',
        "reward.stack is not None",
    ),
    Fault(
        "elements of a list share a group",
        ANSWERING,
        'return reward.stack or "", subject["type"], subject.get("id", "")',
        'return reward.stack or "", subject["type"], ""',
    ),
    # ---- which policies
    Fault(
        "a filter leaves out the other members of a group",
        ANSWERING,
        "            needs[policy_id] |= members",
        "            needs[policy_id] |= set()",
    ),
    Fault(
        "a filter leaves out the policies whose decisions are used",
        ANSWERING,
        "needs[policy.id] = {p for p, _ in (*policy.required_decisions, *policy.optional_decisions)}",
        "needs[policy.id] = {p for p, _ in policy.required_decisions}",
    ),
    Fault(
        "a filter shows all that was evaluated",
        ANSWERING,
        "if page is None or (self.shown is not None and id_ not in self.shown):",
        "if page is None:",
    ),
    Fault(
        "an element sees what was judged for the one before",
        ANSWERING,
        "view, inner = run.element(section, index), seen.copy()",
        "view, inner = run.element(section, index), seen",
    ),
    Fault(
        "rewards of several elements stand element by element",
        ANSWERING,
        "page.rewards.sort(key=_by_id)",
        "page.rewards.sort(key=lambda _: 0)",
    ),
    Fault(
        "recommendations stand by policy, not by urgency",
        ANSWERING,
        'itemgetter("priority", "policy", "id")',
        'itemgetter("policy", "priority", "id")',
    ),
    Fault(
        "a recommendation is made on an unknown condition",
        ANSWERING,
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
        PLAN,
        'case ast.Disjunction() | ast.Call(ast.Name("not"), _):\n                return False',
        'case ast.Disjunction() | ast.Call(ast.Name("not"), _):\n                return True',
    ),
    Fault(
        "a test names the parameter in place of its value",
        PLAN,
        "return substituted(tree, self.literals)",
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
        HITS,
        "Hit(None, tuple(rows), conflict=True)\n\n\ndef _any",
        "Hit(None, tuple(rows))\n\n\ndef _any",
    ),
    Fault(
        "ANY looks at the last row alone",
        HITS,
        "if any(other != answers[0] for other in answers):",
        "if answers[-1] != answers[0]:",
    ),
    Fault(
        "FIRST fires all rows that match", HITS, "Hit(answer(rows[0]), (rows[0],))", "Hit(answer(rows[0]), tuple(rows))"
    ),
    Fault(
        "PRIORITY takes the first row",
        HITS,
        "key=lambda f: f[:2])",
        "key=lambda f: f[1])",
    ),
    Fault("COLLECT COUNT is one too high", HITS, "Hit(len(rows), tuple(rows))", "Hit(len(rows) + 1, tuple(rows))"),
    Fault(
        "the default of a table is forgotten",
        HITS,
        "return lambda answer: Hit(answer(DEFAULT), ())",
        "return lambda _answer: Hit(None, ())",
    ),
    Fault("the count of no row is null", HITS, 'Hit(0 if table.aggregation == "count" else None, ())', "Hit(None, ())"),
    # ---- values
    Fault(
        "a parameter has its first value for ever",
        PLAN,
        "day = self.epoch.start if in_force else policy.effective.period.start",
        "day = policy.effective.period.start",
    ),
    Fault(
        "a new value of a parameter begins no epoch",
        STRETCHES,
        "(day for policy in rules.policies for day in policy_breaks(policy))",
        "(day for policy in rules.policies for day in policy_breaks(policy) if day == policy.effective.period.start)",
    ),
    Fault(
        "a decision of a file with fewer decimals is read at the scale of the next",
        PLAN,
        "return node if isinstance(converted, typed.Load) else converted",
        "return node",
    ),
    Fault(
        "half up rounds half down",
        "language/values.py",
        '"half_up": twice >= denominator',
        '"half_up": twice > denominator',
    ),
    Fault(
        "an unknown condition takes the first branch",
        CLOSURES,
        "if condition(slots) is True else",
        "if condition(slots) is not False else",
    ),
    Fault(
        "a rule that fired is not asked whether a fact is missing",
        "engines/rete/compile.py",
        "            if slots[at] is None:\n                return exact(slots)",
        "            if slots[at] is None:\n                return False",
    ),
    Fault("an end point is left out where it is in", LOWERING, '">": "<=", ">=": "<"}', '">": "<", ">=": "<"}'),
)

"""UNIQUE tables with two rows that match one input; FIRST rows that no input reaches; cells that no value fits.

Decided here without a solver where rows are boxes (see `boxes`): every end point is constant on a day, and for an
overlap every input reads a fact of its own, so that some input reaches each point that boxes have in common.

A table is looked at once for each set of values that the parameters it reads have together. Rows that read none of
them are compared with each other once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import ROW_OVERLAP, ROW_UNREACHABLE
from policy_service.facts import Dictionary, can_hold
from policy_service.language import typed, types
from policy_service.language.references import CampaignDay, Fact, Reference
from policy_service.language.references import Decision as DecisionOf
from policy_service.language.references import Parameter as ParameterOf
from policy_service.language.typed import Node
from policy_service.language.values import shown
from policy_service.policies.boxes import (
    Box,
    Constants,
    LinearHeader,
    Rows,
    ValueSet,
    chosen,
    intersection,
    linear_header,
    share_only_an_end,
    values_admitted,
)
from policy_service.policies.model import Decision, Expression, Parameter, Policy, Rules, Table
from policy_service.policies.stretches import cut, parameter_breaks

_MOST_REPORTED = 100
"""Pairs of one table that are reported one by one."""


def check(rules: Rules, report: Report) -> None:
    for policy in rules.policies:
        for decision in policy.decisions.values():
            if isinstance(decision.body, Table):
                _check_table(_Boxes(policy, decision.body, rules.dictionary), decision, report)


def _check_table(boxes: "_Boxes", decision: Decision, report: Report) -> None:
    """An overlap on one day is a fault; a row is unreachable when it is so on every day."""
    rows = _check_cells(boxes, report)
    if boxes.table.hit == "unique":
        _check_overlaps(boxes, rows, decision, report)
    elif boxes.table.hit == "first":
        _check_shadowed(boxes, rows, report)


# ---- the rows of a table as boxes


@dataclass(frozen=True, slots=True)
class _Test:
    """The condition of a cell; cells that say the same in one column share it.

    is_dated: whether it reads a parameter, itself or by its header.
    """

    column: int
    condition: Node
    is_dated: bool


Known = dict[int, tuple[int, ValueSet | None]]
"""Of each test the values found last, and the day they are of."""


class _Boxes:
    """What the rows of a table admit on a day; days are those that the table can tell apart, by number."""

    def __init__(self, policy: Policy, table: Table, dictionary: Dictionary) -> None:
        self.table, self._dictionary = table, dictionary
        self._headers = [header.typed for header in table.inputs]
        self._own: dict[Reference, Node] = {
            DecisionOf(policy.id, d.name): d.body.typed
            for d in policy.decisions.values()
            if isinstance(d.body, Expression)
        }
        reads = [self._constants(header) for header in self._headers]
        places: dict[tuple[int, Node], int] = {}
        self.tests = [
            tuple(places.setdefault((at, cell.typed), len(places)) for at, cell in enumerate(row.cells))
            for row in table.rows
        ]
        """Of each row the places of its cells' tests."""
        reads += [self._constants(condition) for _, condition in places]
        self.days = _days(policy, frozenset().union(*reads))
        self._tests = [_Test(at, node, _reads_parameter((*reads[at], *self._constants(node)))) for at, node in places]
        self._admitting: Known = {}
        self._facts: Known = {}

    def _constants(self, node: Node) -> set[ParameterOf | CampaignDay]:
        """Parameters and campaign days that a node depends on, also through the file's own decisions."""
        found: set[Reference] = set()
        todo = [*typed.references(node)]
        while todo:
            read = todo.pop()
            if read in found:
                continue
            found.add(read)
            todo += typed.references(self._own[read]) if read in self._own else ()
        return {read for read in found if isinstance(read, ParameterOf | CampaignDay)}

    def is_dated(self, row: int) -> bool:
        return any(self._tests[test].is_dated for test in self.tests[row])

    def is_empty(self, test: int) -> bool:
        """Whether no value fits the test on any day."""
        days = range(len(self.days)) if self._tests[test].is_dated else (0,)
        return all((values := self.admitted(test, day)) is not None and values.is_empty for day in days)

    def admitted(self, test: int, day: int) -> ValueSet | None:
        """The values of the header that a test admits."""
        return self._latest(self._admitting, test, day, self._admitted)

    def box(self, row: int, day: int) -> Box | None:
        """The values of the headers that a row admits; None where a cell is not about constants."""
        return _known([self.admitted(test, day) for test in self.tests[row]])

    def facts(self, row: int, day: int) -> Box | None:
        """The values of the facts that a row admits, each of them possible; None also where that is not certain."""
        return _known([self._latest(self._facts, test, day, self._possible) for test in self.tests[row]])

    def linear_headers(self, day: int) -> list[LinearHeader] | None:
        """How the headers read their facts; None if not each of them certainly reads a fact of its own."""
        found = [self.linear_header(column, day) for column in range(len(self._headers))]
        known = [one for one in found if one is not None]
        return known if len({one.fact for one in known}) == len(found) else None

    def linear_header(self, column: int, day: int) -> LinearHeader | None:
        constants = self.days[day]
        return linear_header(self._headers[column], lambda node: typed.bind(node, constants), self._own)

    def _latest(
        self, known: Known, test: int, day: int, make: Callable[[_Test, int], ValueSet | None]
    ) -> ValueSet | None:
        at = day if self._tests[test].is_dated else 0
        found = known.get(test)
        if found is None or found[0] != at:
            known[test] = found = at, make(self._tests[test], at)
        return found[1]

    def _admitted(self, test: _Test, day: int) -> ValueSet | None:
        constants = self.days[day]
        return values_admitted(typed.bind(test.condition, constants), typed.bind(self._headers[test.column], constants))

    def _possible(self, test: _Test, day: int) -> ValueSet | None:
        values, linear = self._admitted(test, day), self.linear_header(test.column, day)
        return None if values is None or linear is None else self._postable(linear.facts(values), linear.fact)

    def _postable(self, values: ValueSet, read: Fact) -> ValueSet:
        """Without the texts that nobody can post for the fact, of others there is always one; an id is never null."""
        fact = self._dictionary.by_name[read.name]
        if not isinstance(fact.type, types.Text) or values.others:
            return replace(values, null=values.null and not fact.is_id)
        return ValueSet(
            members=frozenset(m for m in values.members if can_hold(fact, m)), null=values.null and not fact.is_id
        )


def _known(sets: Sequence[ValueSet | None]) -> Box | None:
    known = [values for values in sets if values is not None]
    return known if len(known) == len(sets) else None


def _reads_parameter(read: Sequence[Reference]) -> bool:
    return any(isinstance(one, ParameterOf) for one in read)


def _days(policy: Policy, read: frozenset[ParameterOf | CampaignDay]) -> list[Constants]:
    """The values that the constants have together on some day of the policy's period, each set once, in that order."""
    fixed: Constants = {one: one.ordinal for one in read if isinstance(one, CampaignDay)}
    used = {one: parameter for one, parameter in _parameters(policy) if one in read}
    breaks = (day for parameter in used.values() for day in parameter_breaks(parameter))
    stretches = cut(policy.effective.period, breaks)
    found = (tuple(parameter.at(one.start) for parameter in used.values()) for one in stretches)
    return [fixed | dict(zip(used, values, strict=True)) for values in dict.fromkeys(found)]


def _parameters(policy: Policy) -> Iterator[tuple[ParameterOf, Parameter]]:
    for parameter in policy.parameters.values():
        yield ParameterOf(policy.id, parameter.name), parameter


# ---- cells


def _check_cells(boxes: _Boxes, report: Report) -> list[int]:
    """The places of the rows in each of whose cells some value fits on some day."""
    never = {test for test in {t for tests in boxes.tests for t in tests} if boxes.is_empty(test)}
    for row, tests in zip(boxes.table.rows, boxes.tests, strict=True):
        for cell, test in zip(row.cells, tests, strict=True):
            if test in never:
                report.add(ROW_UNREACHABLE, cell.span, f"no value fits the cell, row `{row.id}` never answers")
    return [at for at, tests in enumerate(boxes.tests) if never.isdisjoint(tests)]


# ---- overlaps


@dataclass(slots=True)
class _Overlaps:
    """Pairs of rows that match one input: how many, and the first of them, each as day, later row and earlier row."""

    first: list[tuple[int, int, int]] = field(default_factory=list)
    count: int = 0
    _seen: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, day: int, row: int, found: Iterator[tuple[Sequence[int], int]]) -> None:
        for numbers, bits in found:
            key = row, numbers[0]
            new = bits & ~self._seen.get(key, 0)
            self._seen[key] = self._seen.get(key, 0) | bits
            self.count += new.bit_count()
            for other in chosen(numbers, new):
                if len(self.first) == _MOST_REPORTED:
                    break
                self.first.append((day, max(row, other), min(row, other)))


def _check_overlaps(boxes: _Boxes, rows: list[int], decision: Decision, report: Report) -> None:
    found = _Overlaps()
    fixed = _reaching(boxes, [row for row in rows if not boxes.is_dated(row)], 0)
    dated = [row for row in rows if boxes.is_dated(row)]
    standing = Rows(fixed)
    for row, box in fixed.items():
        found.add(0, row, standing.intersecting(box, row))
    for day in range(len(boxes.days) if dated else 0):
        moving = _reaching(boxes, dated, day)
        among = Rows(moving)
        for row, box in moving.items():
            found.add(day, row, standing.intersecting(box))
            found.add(day, row, among.intersecting(box, row))
    for day, later, earlier in found.first:
        _report_overlap(boxes, day, later, earlier, report)
    if more := found.count - len(found.first):
        report.add(
            ROW_OVERLAP,
            decision.span,
            f"{more} more pairs of rows of `{decision.name}` match the same values",
            hint=f"the first {_MOST_REPORTED} are told one by one",
        )


def _reaching(boxes: _Boxes, rows: list[int], day: int) -> dict[int, Box]:
    """The rows for which it is certain which inputs they match on a day."""
    if not rows or boxes.linear_headers(day) is None:
        return {}
    return {row: box for row in rows if (box := boxes.facts(row, day)) is not None}


def _report_overlap(boxes: _Boxes, day: int, later: int, earlier: int, report: Report) -> None:
    table, linear_headers = boxes.table, boxes.linear_headers(day) or []
    row, other = table.rows[later], table.rows[earlier]
    shared = [
        intersection(a, b) for a, b in zip(boxes.facts(later, day) or (), boxes.facts(earlier, day) or (), strict=True)
    ]
    witness = [
        _shown(linear.shows(values), header.type)
        for values, linear, header in zip(shared, linear_headers, table.inputs, strict=True)
    ]
    interesting = [i for i, cell in enumerate(row.cells) if not cell.tree.is_any or not other.cells[i].tree.is_any]
    at = max(interesting, key=lambda i: row.cells[i] != other.cells[i], default=0)
    cell = row.cells[at] if row.cells else None
    text = ", ".join(f"`{table.inputs[i].text}` = {witness[i]}" for i in interesting) or "any input"
    one, two = (
        _known([boxes.admitted(tests[at], day)]) if tests else None
        for tests in (boxes.tests[later], boxes.tests[earlier])
    )
    report.add(
        ROW_OVERLAP,
        cell.span if cell else row.span,
        f"rows `{other.id}` and `{row.id}` both match {text}",
        hint="leave one end out: `[a..b)`" if one and two and share_only_an_end(one[0], two[0]) else None,
        related=[(other.span, f"row `{other.id}`")],
    )


def _shown(values: ValueSet, kind: types.Type) -> str:
    if values.intervals:
        return str(shown(kind, values.intervals[0][0]))
    if values.null:
        return "null"
    return "any other text" if values.others else _member_text(min(values.members, key=str))


def _member_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# ---- shadowed rows


def _check_shadowed(boxes: _Boxes, rows: list[int], report: Report) -> None:
    for row, earlier in _shadowed(boxes, rows):
        one, other = boxes.table.rows[row], boxes.table.rows[earlier]
        report.add(
            ROW_UNREACHABLE,
            one.span,
            f"row `{one.id}` is shadowed by row `{other.id}`",
            hint="put the narrower row first, or delete it",
            related=[(other.span, "it takes all that this row would")],
        )


def _shadowed(boxes: _Boxes, rows: list[int]) -> Iterator[tuple[int, int]]:
    """Rows, each with the first of those before it that take all of its values on every day.

    Whether a cell is about constants does not depend on the day, so the blocks of all days hold the same rows.
    """
    left: dict[int, dict[int, tuple[Sequence[int], int]]] = {}
    for day in range(len(boxes.days)):
        known = {row: box for row in rows if (box := boxes.box(row, day)) is not None}
        index = Rows(known)
        candidates = known if day == 0 else [row for row in left if row in known]
        now = {
            row: {numbers[0]: (numbers, bits) for numbers, bits in index.covering(known[row], row)}
            for row in candidates
        }
        if day:
            now = {row: _both(left[row], found) for row, found in now.items()}
        left = {row: found for row, found in now.items() if found}
        if not left:
            return
    for row, found in left.items():
        numbers, bits = found[min(found)]
        yield row, next(chosen(numbers, bits))


def _both(
    before: dict[int, tuple[Sequence[int], int]], now: dict[int, tuple[Sequence[int], int]]
) -> dict[int, tuple[Sequence[int], int]]:
    kept = {at: (numbers, bits & now[at][1]) for at, (numbers, bits) in before.items() if at in now}
    return {at: (numbers, bits) for at, (numbers, bits) in kept.items() if bits}

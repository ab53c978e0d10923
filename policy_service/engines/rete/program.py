"""What a plan is compiled to: all that a view needs at run time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from policy_service.engines.answer import Status as PolicyStatus
from policy_service.engines.choices import Choose
from policy_service.engines.plan import RewardPlan
from policy_service.engines.rete.closures import Closure, Slots
from policy_service.engines.rete.guards import Names, Test
from policy_service.engines.rete.rulesets import Group, ProjectedPen
from policy_service.language import types


@dataclass(frozen=True, slots=True)
class CompiledTable:
    """A decision table.

    value, conflict: the slots of its value, and of whether it contradicts itself.
    late: its own pen, when its inputs need decisions; else its marks are set by the first match.
    """

    name: str
    value: int
    conflict: int
    marks: tuple[int, ...]
    late: tuple[ProjectedPen, ...]
    answer: Callable[[Slots, int], Any]
    choose: Choose
    kind: types.Type


@dataclass(frozen=True, slots=True)
class CompiledExpression:
    name: str
    value: int
    compute: Closure
    kind: types.Type


@dataclass(frozen=True, slots=True)
class CompiledRelation:
    """`cells[row][column]`: the slot of a cell and its closure."""

    name: str
    value: int
    rows: tuple[str, ...]
    columns: tuple[tuple[str, types.Type], ...]
    cells: tuple[tuple[tuple[int, Closure], ...], ...]


Compiled = CompiledTable | CompiledExpression | CompiledRelation


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """One policy.

    early: statuses that are known before anything is decided.
    group: the rules matched together with its own; null where it has none.
    late: statuses known when the decisions are.
    status: the slot of its status.
    refusals: per reward, the place of its first guard that is true.
    """

    early: tuple[tuple[PolicyStatus, Test], ...]
    group: Group | None
    decisions: tuple[Compiled, ...]
    late: tuple[tuple[PolicyStatus, Test], ...]
    status: int
    required: Names
    optional: Names
    refusals: Mapping[RewardPlan, Callable[[Slots], int | None]]


@dataclass(frozen=True, slots=True)
class Program:
    """All that a view needs: initial slots, closures per formula, and the policies by id.

    always: the slot that is true in every view, for rows that match anything.
    posted: the slots of single sections, and of list sections.
    closures: by index of the formula.
    """

    size: int
    as_of: int
    always: int
    posted: tuple[tuple[str, int], ...]
    elements: Mapping[str, int]
    closures: tuple[Closure, ...]
    policies: Mapping[str, CompiledPolicy]

"""Rules matched together, and the pens that match them."""

from dataclasses import dataclass, field

from policy_service.engines.rete import pen
from policy_service.engines.rete.closures import Closure, Slots
from policy_service.engines.rete.lowering import Fields, lower
from policy_service.language.typed import Node


@dataclass(slots=True)
class Ruleset:
    """Rules matched together on one fact; the name of a rule is the slot that it marks."""

    fields: Fields = field(default_factory=Fields)
    rules: list[pen.PenRule] = field(default_factory=list)
    pens: list["ProjectedPen"] = field(default_factory=list)
    truths: dict[Node, Closure] = field(default_factory=dict)
    """Conditions that are rules already: one that stands in several places is matched once."""

    def add(self, name: str, condition: Node) -> bool | None:
        """Add a rule; True or False when the condition is the same for every fact, None when it is a rule."""
        lowered = lower(condition, self.fields)
        if isinstance(lowered, str):
            return lowered == "always"
        rule = pen.PenRule(name, lowered)
        try:
            pen.check([rule])
        except pen.PenRefusal:  # alone it is too much for a ruleset: it is decided before, and given as a flag
            rule = pen.PenRule(name, pen.Test(self.fields.name(condition, "flag"), "eq", True))
        self.rules.append(rule)
        return None


@dataclass(frozen=True, slots=True)
class ProjectedPen:
    """A pen and how to make its fact: plain slots by name, and computed fields."""

    pen: pen.Pen
    plain: tuple[tuple[str, int], ...]
    computed: tuple[tuple[str, Closure], ...]
    absent: tuple[tuple[str, Closure], ...]

    def mark(self, slots: Slots) -> None:
        """Match the slots' facts; slots of rules that fired become true."""
        fact = {name: value for name, at in self.plain if (value := slots[at]) is not None}
        for name, compute in self.computed:
            value = compute(slots)
            if value is not None:
                fact[name] = value
        for name, compute in self.absent:
            if compute(slots) is None:
                fact[name] = 1
        for fired in self.pen.match(fact):
            slots[int(fired)] = True


@dataclass(frozen=True, slots=True)
class Group:
    """The pens of one family of policies; matched when the first of them is decided on a view.

    matched: the slot that says so.
    """

    matched: int
    pens: tuple[ProjectedPen, ...]

    def mark(self, slots: Slots) -> None:
        """Match, unless this view was matched before."""
        if slots[self.matched] is None:
            slots[self.matched] = True
            for projected in self.pens:
                projected.mark(slots)

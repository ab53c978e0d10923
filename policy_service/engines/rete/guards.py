"""Guards of outcomes compiled to closures; the closures of formulas give the values of conditions and amounts."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from policy_service.engines.answer import Reason, Status
from policy_service.engines.plan import Guard, Missing
from policy_service.engines.rete.closures import Closure, Slots
from policy_service.language import typed
from policy_service.language.references import Fact, Lacking, Posted, Reference
from policy_service.language.typed import Compare, Const, Load, Node

Test = Callable[[Slots], bool]
Names = Callable[[Slots], list[str]]
OutcomeT = TypeVar("OutcomeT", Status, Reason)


class Guards:
    """Compiles guards.

    Args:
        closure: of any tree.
        place: the slot of a reference.
        definitions: what each `Lacking` means.
    """

    def __init__(
        self,
        closure: Callable[[Node], Closure],
        place: Callable[[Reference], int],
        definitions: Mapping[Lacking, Node],
    ) -> None:
        self._closure, self._place, self._definitions = closure, place, definitions
        self._defined: dict[Lacking, Test] = {}

    def tests(self, guards: Sequence[Guard[OutcomeT]]) -> list[tuple[OutcomeT, Test]]:
        """Each outcome with its test."""
        return [(guard.outcome, self.test(guard.when)) for guard in guards]

    def first(self, guards: Sequence[Guard[Reason]]) -> Callable[[Slots], int | None]:
        """The place of the first guard that is true."""
        numbered = list(enumerate(self.test(guard.when) for guard in guards))

        def run(slots: Slots) -> int | None:
            for at, test in numbered:
                if test(slots) is True:
                    return at
            return None

        return run

    def missing(self, wanted: Sequence[Missing]) -> Names:
        """The names of those that are null, sorted as given."""
        slots_of = [(one.name, self._place(one.when.left.reference)) for one in wanted if _is_fact(one.when)]  # type: ignore[union-attr]  # a fact's null test
        if len(slots_of) == len(wanted):
            return lambda slots: [name for name, at in slots_of if slots[at] is None]
        tests = [(one.name, self.test(one.when)) for one in wanted]
        return lambda slots: [name for name, test in tests if test(slots) is True]

    def test(self, node: Node) -> Test:
        match node:
            case Load(reference=Lacking() as lacking):
                return self._lacking(lacking)
            case typed.Not(operand=operand):
                inner = self.test(operand)
                return lambda slots: not inner(slots)
            case typed.And(operands=operands):
                return _every([self.test(o) for o in operands])
            case typed.Or(operands=operands):
                places = [self._place(o.left.reference) for o in operands if _is_fact(o)]  # type: ignore[union-attr]  # as above
                return _some(places, [self.test(o) for o in operands if not _is_fact(o)])
            case typed.If(condition=condition, then=then, otherwise=otherwise):
                return _if(self.test(condition), self.test(then), self.test(otherwise))
            case Compare(operator="=", left=left, right=Const(value=None | bool() as value)):
                return _is(self._closure(left), value)
        return self._closure(node)

    def _lacking(self, lacking: Lacking) -> Test:
        """The definition's test, asked once per view."""
        found = self._defined.get(lacking)
        if found is None:
            test, at = self.test(self._definitions[lacking]), self._place(lacking)
            found = self._defined[lacking] = _once(test, at)
        return found


def _is_fact(when: Node) -> bool:
    """Whether a fact is asked to be null."""
    match when:
        case Compare(operator="=", left=Load(reference=Fact()), right=Const(value=None)):
            return True
    return False


def is_early(guard: Guard[Status]) -> bool:
    """Whether the guard can be asked before the policy decides anything: it asks at most what was posted."""
    return all(isinstance(reference, Posted) for reference in typed.references(guard.when))


def _every(tests: list[Test]) -> Test:
    def run(slots: Slots) -> bool:
        for test in tests:  # noqa: SIM110  `all` over a generator takes twice the time
            if test(slots) is not True:
                return False
        return True

    return run


def _some(places: list[int], tests: list[Test]) -> Test:
    """Whether one of the slots is null, or one of the tests holds."""

    def run(slots: Slots) -> bool:
        for at in places:
            if slots[at] is None:
                return True
        for test in tests:  # noqa: SIM110  likewise
            if test(slots) is True:
                return True
        return False

    return run


def _if(condition: Test, then: Test, otherwise: Test) -> Test:
    return lambda slots: then(slots) if condition(slots) is True else otherwise(slots)


def _is(operand: Closure, value: bool | None) -> Test:
    return lambda slots: operand(slots) is value


def _once(test: Test, at: int) -> Test:
    def run(slots: Slots) -> bool:
        if slots[at] is None:
            slots[at] = test(slots)
        found: bool = slots[at]
        return found

    return run

"""One builtin of the rule-file profile: everything about it in one place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from policy_service.diagnostics import Span
from policy_service.diagnostics.catalogue import ARGUMENTS
from policy_service.language import ast
from policy_service.language.checking.checker import Checker, Fault, Found
from policy_service.language.operations import Operation

Core = Operation | type[Any]
"""A core operation: one that a `Call` names, or the class of another typed node."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """A builtin by its FEEL name.

    signature, meaning: as its page and its diagnostics show it.
    typing: the typed form of a call; raises a fault when the arguments do not fit.
    core: the core operations that a call becomes.
    """

    name: str
    signature: str
    meaning: str
    typing: Callable[["BuiltinCall"], Found]
    core: tuple[Core, ...]


@dataclass(frozen=True, slots=True)
class BuiltinCall:
    """A call of a builtin that is being checked."""

    checker: Checker
    builtin: Builtin
    arguments: tuple[ast.Node, ...]
    span: Span

    def takes(self, *counts: int) -> None:
        """Raise a fault for another number of arguments."""
        if len(self.arguments) not in counts:
            raise self.wrong()

    def wrong(self) -> Fault:
        name, signature = self.builtin.name, self.builtin.signature
        return self.checker.fail(ARGUMENTS, self.span, f"`{name}` takes other arguments", f"call it as {signature}")

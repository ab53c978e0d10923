"""The builtins of the rule-file profile, one family a file."""

from policy_service.language.builtins import conditions, dates, decisions, lists, numbers, roundings, steps, texts
from policy_service.language.builtins.builtin import Builtin, BuiltinCall, Core
from policy_service.language.builtins.roundings import ROUNDINGS

__all__ = ["BUILTINS", "ROUNDINGS", "SPACED_NAMES", "Builtin", "BuiltinCall", "Core"]

_FAMILIES = (lists, numbers, roundings, conditions, texts, dates, steps, decisions)
BUILTINS: dict[str, Builtin] = {builtin.name: builtin for family in _FAMILIES for builtin in family.BUILTINS}
SPACED_NAMES = frozenset(name for name in BUILTINS if " " in name)

"""What callers may post: the dictionary of facts and the state that fits it."""

from policy_service.facts.converting import can_hold
from policy_service.facts.dictionary import FIRST_DAY, LAST_DAY, Dictionary, Fact, Section, read_dictionary
from policy_service.facts.labels import Labels
from policy_service.facts.named_types import NamedType, NamedTypes, read_types
from policy_service.facts.state import MAX_ELEMENTS, State, StateReader

__all__ = [
    "FIRST_DAY",
    "LAST_DAY",
    "MAX_ELEMENTS",
    "Dictionary",
    "Fact",
    "Labels",
    "NamedType",
    "NamedTypes",
    "Section",
    "State",
    "StateReader",
    "can_hold",
    "read_dictionary",
    "read_types",
]

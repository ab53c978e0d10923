"""What callers may post: the dictionary of facts and the state that fits it."""

from policy_service.facts.dictionary import FIRST_DAY, LAST_DAY, Dictionary, Fact, Labels, Section, read_dictionary

__all__ = ["FIRST_DAY", "LAST_DAY", "Dictionary", "Fact", "Labels", "Section", "read_dictionary"]

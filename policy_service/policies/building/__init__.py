"""Drafts to the model: names looked up, every expression typed, periods and claims settled; all faults at once."""

from policy_service.policies.building.rules import build_rules

__all__ = ["build_rules"]

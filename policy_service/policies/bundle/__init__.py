"""Bundles: rules with the id of all that they say, emergency stops, and what two of them say differently."""

from policy_service.policies.bundle.bundles import Bundle, bundle, former_id, load_folder, stored
from policy_service.policies.bundle.changed_days import changed_days
from policy_service.policies.bundle.document import document
from policy_service.policies.bundle.suspending import is_known, is_suspended, suspending

__all__ = [
    "Bundle",
    "bundle",
    "changed_days",
    "document",
    "former_id",
    "is_known",
    "is_suspended",
    "load_folder",
    "stored",
    "suspending",
]

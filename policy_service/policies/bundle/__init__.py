"""Bundles: rules with the id of all that they say, emergency stops, and on which days two of them differ."""

from policy_service.policies.bundle.bundles import Bundle, bundle, former_id, id_of, load_folder, model_of, stored
from policy_service.policies.bundle.changed_days import changed_days
from policy_service.policies.bundle.document import document, frame_document, policy_document
from policy_service.policies.bundle.suspending import is_known, is_suspended, suspending

__all__ = [
    "Bundle",
    "bundle",
    "changed_days",
    "document",
    "former_id",
    "frame_document",
    "id_of",
    "is_known",
    "is_suspended",
    "load_folder",
    "model_of",
    "policy_document",
    "stored",
    "suspending",
]

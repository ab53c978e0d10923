"""Rule files to drafts: keys checked, every expression parsed, all faults at once. Here alone YAML is known."""

from policy_service.policies.reading.policy import read_policy
from policy_service.policies.reading.settings import read_campaigns, read_settings

__all__ = ["read_campaigns", "read_policy", "read_settings"]

"""Rule files to drafts: keys checked, every expression parsed, all faults at once. Only this package knows YAML."""

from policy_service.policies.reading.policy import read_policy
from policy_service.policies.reading.settings import read_campaigns, read_settings

__all__ = ["read_campaigns", "read_policy", "read_settings"]

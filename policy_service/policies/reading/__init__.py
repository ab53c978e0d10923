"""Rule files to drafts: keys checked, every expression parsed, all faults at once; here alone YAML's nodes are known."""

from policy_service.policies.reading.policy import POLICY_KEYS, read_policy
from policy_service.policies.reading.settings import read_campaigns, read_settings

__all__ = ["POLICY_KEYS", "read_campaigns", "read_policy", "read_settings"]

"""Asks a policy service, and pays what it granted once."""

from policy_client.client import BatchAnswer, Decided, PolicyClient
from policy_client.errors import Fault, PolicyServiceError, Problem, Unreachable
from policy_client.retrying import Retries
from policy_client.shapes import Answer, Claim, NotGranted, Recommendation, Reward, Subject

__all__ = [
    "Answer",
    "BatchAnswer",
    "Claim",
    "Decided",
    "Fault",
    "NotGranted",
    "PolicyClient",
    "PolicyServiceError",
    "Problem",
    "Recommendation",
    "Retries",
    "Reward",
    "Subject",
    "Unreachable",
]

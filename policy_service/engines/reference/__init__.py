"""The meaning of the language: short, slow, obvious. Every other engine must agree with it."""

from policy_service.engines.reference.run import ReferenceEngine

__all__ = ["ReferenceEngine"]

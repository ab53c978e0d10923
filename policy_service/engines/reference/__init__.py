"""The meaning of the rules: short, slow, obvious. It decides values and outcomes alone, from the policy model.

In the order of reading: `interpret` (expressions), `tables` (hit policies), `evaluation` (the decisions of a policy),
`statuses`, `rewards`, `stacking`, `reasons` and `tracing` (why), `answer` (all of it).
"""

from policy_service.engines.reference.answer import ReferenceEngine

__all__ = ["ReferenceEngine"]

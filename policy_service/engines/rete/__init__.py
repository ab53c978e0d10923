"""The online engine: durable-rules matches the conditions of one state, within limits that are proven safe."""

from policy_service.engines.rete.run import ReteEngine

__all__ = ["ReteEngine"]

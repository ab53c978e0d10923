"""The engine for one state online: durable-rules decides, inside the limits it is proven to hold."""

from policy_service.engines.rete.run import ReteEngine

__all__ = ["ReteEngine"]

"""An evaluator of rule files that shares nothing with the engines it judges: written from the contract alone."""

from tests.oracle.answer import Oracle
from tests.oracle.difference import difference

__all__ = ["Oracle", "difference"]

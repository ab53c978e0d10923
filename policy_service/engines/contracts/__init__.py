"""What engines must do, and nothing of how: nobody outside `engines` knows which one ran.

Three contracts: online (prepare an epoch, decide one state), bulk (compile to a query, run on columns) and proof (a
claim to a verdict); and the oracle, which stands alone.
"""

from policy_service.engines.contracts.bulk import Bulk, Columns, Outcomes, Query
from policy_service.engines.contracts.online import Decided, Online, Prepared, Run, View
from policy_service.engines.contracts.oracle import Oracle, WholeAnswers
from policy_service.engines.contracts.proof import Counterexample, Gap, Proof, Proved, Verdict
from policy_service.engines.contracts.refusal import EngineRefused

Engine = Online | Oracle
"""An engine that can serve."""

__all__ = [
    "Bulk",
    "Columns",
    "Counterexample",
    "Decided",
    "Engine",
    "EngineRefused",
    "Gap",
    "Online",
    "Oracle",
    "Outcomes",
    "Prepared",
    "Proof",
    "Proved",
    "Query",
    "Run",
    "Verdict",
    "View",
    "WholeAnswers",
]

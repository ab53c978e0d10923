"""A service on one bundle and no store: it answers previews, and records nothing."""

import time
from datetime import UTC, datetime

from policy_service.decisions.bundles.evaluators import Evaluators
from policy_service.decisions.deciding.ids import new_decision_id
from policy_service.decisions.deciding.service import PolicyService
from policy_service.decisions.ports.unrecorded import NoDecisions, OneBundle
from policy_service.engines.contracts import Engine
from policy_service.policies.bundle import Bundle


def previewing(bundle: Bundle, engine: Engine) -> PolicyService:
    """The service of a bundle that is loaded; needs no database, so that the command line starts fast."""
    store = OneBundle(bundle)
    never = float("inf")
    evaluators = Evaluators(store, engine, now=_now, elapsed=time.monotonic, refresh_seconds=never, warm=False)
    evaluators.keep(bundle)
    return PolicyService(NoDecisions(), store, evaluators, now=_now, new_id=new_decision_id)


def _now() -> datetime:
    return datetime.now(UTC)

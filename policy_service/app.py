"""Flask around the assembled service."""

from flask import Flask

from policy_service.access.first_key import SHARED as OF_THE_START
from policy_service.access.first_key import FirstKey
from policy_service.access.rates import SHARED, Rates
from policy_service.api import docs, observing, problems
from policy_service.api.batch import blueprint as batch
from policy_service.api.boundary import Boundary, gate_of
from policy_service.api.bundles import blueprint as bundles
from policy_service.api.compare import blueprint as compare
from policy_service.api.contract import Contract
from policy_service.api.decisions import blueprint as decisions
from policy_service.api.evaluate import blueprint as evaluate
from policy_service.api.exports import blueprint as exports
from policy_service.api.facts import blueprint as facts
from policy_service.api.keys import blueprint as keys
from policy_service.api.operations import blueprint as operations
from policy_service.api.policies import blueprint as policies
from policy_service.api.proofs import blueprint as proofs
from policy_service.api.search import blueprint as search
from policy_service.api.shadow import blueprint as shadow
from policy_service.api.shared import Shared, share
from policy_service.api.stops import blueprint as stops
from policy_service.api.trail import blueprint as trail
from policy_service.assembly import Assembled, assemble
from policy_service.console import decisions as case_pages
from policy_service.decisions.bundles.apart import Apart
from policy_service.settings import Settings, read_settings


def create_app(
    settings: Settings | None = None,
    *,
    assembled: Assembled | None = None,
    first_key: FirstKey | None = None,
) -> Flask:
    """The application.

    Args:
        settings: those of the environment by default.
        assembled: by default from the settings, on their database.
        first_key: by default that of the server's start; where parts are handed over, one that no token fits.
    Raises:
        SettingInvalid, StoreUnavailable.
    """
    known = read_settings() if settings is None else settings
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # a path with `//` is another path, not a redirect to this one
    found = assemble(known, check=_apart(known)) if assembled is None else assembled
    joined = Shared(
        found.service,
        found.publishing,
        found.keys,
        found.trail,
        known,
        found.judge,
        found.shadow,
        found.auditing,
        first_key or (OF_THE_START if assembled is None else FirstKey()),
    )
    share(app, joined)
    observing.register(app)
    gate = gate_of(known, found.keys, now=found.service.now)
    # Parts that were handed over have nothing to do with the workers of a server, nor has how fast they may be asked.
    boundary = Boundary(gate, SHARED if assembled is None else Rates(), known.rate_burst)
    boundary.register(app)
    problems.register(app)
    contract = Contract(app)
    contract.register_all(evaluate, batch, search, exports, decisions, compare, proofs)
    contract.register_all(policies, facts, bundles, stops, shadow, keys, trail, operations)
    app.register_blueprint(docs.blueprint(contract))
    app.register_blueprint(case_pages.blueprint(found.auditing))
    boundary.close(app)
    return app


def _apart(settings: Settings) -> Apart:
    """What is posted by others is checked in a process of its own."""
    return Apart(settings.check_seconds, settings.check_memory_mb)

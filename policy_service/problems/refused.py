"""Why a request is refused: the exception that says so, and the refusal that each known exception becomes.

The text of an unknown exception is never shown to a caller: it was not written for one.
"""

import logging
from collections.abc import Mapping, Sequence
from uuid import uuid4

from policy_service.access.first_key import TokenRefused
from policy_service.access.issuing import KeyEnded, NameInForce, UnknownKey
from policy_service.decisions.answers.evaluate import TookTooLong
from policy_service.decisions.audit.comparing import NotComparable
from policy_service.decisions.audit.cost import ComparisonTooCostly
from policy_service.decisions.audit.evidence import NotProvable
from policy_service.decisions.audit.proving import NotSealed
from policy_service.decisions.bundles.evaluators import NoActiveBundle
from policy_service.decisions.bundles.results import Busy, CheckTooCostly, NothingBefore, NotStopped
from policy_service.decisions.deciding.bounding import AnswerTooLarge
from policy_service.decisions.deciding.eligibility import BundleNotActive, BundleWithdrawn
from policy_service.decisions.deciding.recording import ValuesErased
from policy_service.decisions.deciding.replay import NotReplayable
from policy_service.decisions.observers.shadow import NotShadowing
from policy_service.decisions.ports.records import IdempotencyConflict, NotFound, StoreUnavailable
from policy_service.diagnostics import Code, Fault, InvalidInput, fault
from policy_service.diagnostics.catalogue import ANSWER_TOO_LARGE, NO_ACTIVE_BUNDLE, STORE_UNREACHABLE, TOO_LARGE
from policy_service.problems import kinds
from policy_service.problems.bodies import counted
from policy_service.problems.kinds import Kind

_LOG = logging.getLogger(__name__)


class Refused(Exception):
    """A request is refused with a problem.

    Args:
        headers: of the HTTP response.
    """

    def __init__(
        self, kind: Kind, detail: str, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.faults, self.headers = kind, detail, faults, headers or {}


def one_fault(kind: Kind, pointer: str, code: Code, message: str) -> Refused:
    """A refusal for one fault, whose message is the detail too."""
    return Refused(kind, message, [fault(pointer, code, message)])


def too_large(what: str, most: int) -> Refused:
    """A body or item that is larger than allowed."""
    return one_fault(kinds.BODY_TOO_LARGE, "", TOO_LARGE, f"the {what} is larger than {most} bytes")


def answer_too_large(most: int) -> Refused:
    """An answer that is larger than allowed; the hint says what makes it smaller."""
    message = f"the answer has more than {most} bytes"
    hint = "trace `none`, fewer policies, or fewer elements of a list"
    return Refused(kinds.ANSWER_TOO_LARGE, message, [fault("/options/trace", ANSWER_TOO_LARGE, message, hint)])


KNOWN = (
    Refused, InvalidInput, NotFound, IdempotencyConflict, BundleNotActive, BundleWithdrawn, NoActiveBundle, TookTooLong,
    UnknownKey, KeyEnded, NameInForce, NotSealed, ValuesErased, NotComparable, NotReplayable, StoreUnavailable, Busy,
    NothingBefore, NotStopped, NotShadowing, TokenRefused, CheckTooCostly, AnswerTooLarge, ComparisonTooCostly,
    NotProvable,
)  # fmt: skip
"""Exceptions that say why a request is not answered; any other is a fault of ours."""
_SAYING: Mapping[type[Exception], Kind] = {
    NotFound: kinds.NOT_FOUND,
    UnknownKey: kinds.NOT_FOUND,
    NotShadowing: kinds.NOT_FOUND,
    KeyEnded: kinds.KEY_ENDED,
    NameInForce: kinds.NAME_IN_FORCE,
    TokenRefused: kinds.FIRST_KEY,
    NotSealed: kinds.NOT_SEALED,
    ValuesErased: kinds.ERASED,
    NotComparable: kinds.NOT_COMPARABLE,
    ComparisonTooCostly: kinds.COMPARISON_TOO_COSTLY,
    NotReplayable: kinds.NOT_REPLAYABLE,
    NotProvable: kinds.NOT_PROVABLE,
    Busy: kinds.BUSY,
    CheckTooCostly: kinds.BUNDLE_TOO_COSTLY,
    NothingBefore: kinds.NOTHING_BEFORE,
    NotStopped: kinds.NOT_STOPPED,
}
"""Exceptions whose own text is the detail."""


def refusal_of(error: Exception) -> Refused:
    """The refusal that an exception becomes; an unknown exception is a fault of ours."""
    match error:
        case Refused():
            return error
        case InvalidInput():
            return Refused(kinds.INVALID, counted(len(error.faults)), error.faults)
        case IdempotencyConflict():
            return Refused(kinds.KEY_CONFLICT, f"`{error.claim.key}` was used for another request")
        case BundleNotActive():
            return Refused(kinds.BUNDLE_NOT_ACTIVE, f"`{error.id}` is not and was not active")
        case BundleWithdrawn():
            return Refused(kinds.BUNDLE_WITHDRAWN, f"`{error.id}` grants what is stopped: {_stops(error)}")
        case NoActiveBundle():
            missing = fault("", NO_ACTIVE_BUNDLE, "no bundle was activated yet")
            return Refused(kinds.NO_BUNDLE, kinds.NO_BUNDLE.meaning, [missing])
        case AnswerTooLarge():
            return answer_too_large(error.most)
        case TookTooLong():
            return Refused(kinds.TOOK_TOO_LONG, kinds.TOOK_TOO_LONG.meaning)
        case StoreUnavailable():
            unreachable = fault("", STORE_UNREACHABLE, "the store cannot be used now")
            return Refused(kinds.STORE, kinds.STORE.meaning, [unreachable])
    kind = next((kind for known, kind in _SAYING.items() if isinstance(error, known)), None)
    return Refused(kinds.INTERNAL, kinds.INTERNAL.meaning) if kind is None else Refused(kind, str(error))


def _stops(error: BundleWithdrawn) -> str:
    named = (stop.policy if stop.reward is None else f"{stop.policy}/{stop.reward}" for stop in error.stops)
    return ", ".join(f"`{name}`" for name in named)


def logged(error: Exception, what: str) -> str:
    """Logs a fault of ours with its traceback; gives the name of the entry, for `instance`."""
    instance = uuid4().urn
    _LOG.error("%s failed: %s", what, instance, exc_info=error)
    return instance

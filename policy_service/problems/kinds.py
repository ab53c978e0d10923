"""The kinds of problems: what each is called, its HTTP status, what it means, and whether to try again."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem; `name` is the stable end of its type."""

    name: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        return f"/problems/{self.name}"

    @property
    def retry(self) -> str:
        """`never`: the same request fails again. `later`: nothing was done; after a pause, any time. `same key`: it may
        have been done; after a pause, and a decision under the same idempotency key."""
        if self.name in ("store-unavailable", "internal-error", "request-timeout"):
            return "same key"
        return "later" if self.status in (429, 503) or self.name == "not-sealed" else "never"


MALFORMED = Kind(
    "malformed-json", 400, "The body is not the JSON we read",
    "The body is not JSON in UTF-8, holds a key twice, NaN or Infinity, or is nested too deeply.",
)  # fmt: skip
BAD_REQUEST = Kind("bad-request", 400, "The request cannot be read", "The HTTP request itself is broken or incomplete.")
UNAUTHENTICATED = Kind(
    "unauthenticated", 401, "Who asks is not known",
    "`Authorization: Bearer` needs an API key or a token that is valid now. What is wrong with one is not told.",
)  # fmt: skip
FORBIDDEN = Kind(
    "forbidden", 403, "The role is missing",
    "The key or token has none of the roles that may do this; `detail` names them.",
)  # fmt: skip
FIRST_KEY = Kind(
    "first-key-refused", 403, "The first key needs the token of the start",
    "While there are no keys, `First-Key-Token` must be what the service printed when it started; it holds once. "
    "`policyctl keys create`, where the store is, needs no token. Nothing was made.",
)  # fmt: skip
NOT_FOUND = Kind("not-found", 404, "There is no such thing", "The path names nothing that exists here.")
METHOD = Kind("method-not-allowed", 405, "The path does not know the method", "`Allow` lists the methods of the path.")
NOT_ACCEPTABLE = Kind(
    "not-acceptable", 406, "The answer has no form that is accepted",
    "`Accept` excludes every form of the answer: application/json, and where a path has others, those too.",
)  # fmt: skip
KEY_CONFLICT = Kind(
    "idempotency-conflict", 409, "The idempotency key stands for another request",
    "The `Idempotency-Key` was used before for a request that is not the same by value. Nothing was decided.",
)  # fmt: skip
BUNDLE_NOT_ACTIVE = Kind(
    "bundle-not-active", 409, "The bundle never was active",
    "Only a bundle that is or was active decides; a preview may use any stored one.",
)  # fmt: skip
REQUEST_TIMEOUT = Kind(
    "request-timeout", 408, "The request took too long to arrive",
    "The request was not whole after POLICY_READ_SECONDS. Of a single request nothing was decided.",
)  # fmt: skip
TOO_MANY_ITEMS = Kind(
    "too-many-items", 413, "The batch has too many items",
    "A batch has at most POLICY_MAX_ITEMS items. Of a body that streams those before were answered.",
)  # fmt: skip
BUNDLE_WITHDRAWN = Kind(
    "bundle-withdrawn", 409, "The bundle grants what is stopped",
    "A policy or reward was stopped, and the bundle still grants it: only a preview may use it. Nothing was decided.",
)  # fmt: skip
NOT_STOPPED = Kind(
    "not-stopped", 409, "Nothing is stopped there", "Only what is stopped can be resumed. Nothing was changed."
)
NOTHING_BEFORE = Kind(
    "nothing-before", 409, "No other bundle was published before",
    "A rollback activates the bundle that was published before the present one, and there is none.",
)  # fmt: skip
BUNDLE_INVALID = Kind(
    "bundle-invalid", 422, "The bundle has errors",
    "The rule files have errors: `errors` lists every one with its file, line and column. Nothing was stored.",
)  # fmt: skip
ANSWER_TOO_LARGE = Kind(
    "answer-too-large", 422, "The answer is too large",
    "The answer would be larger than POLICY_MAX_ANSWER. Nothing was recorded: ask with trace `none`, for fewer "
    "policies, or with fewer elements of a list.",
)  # fmt: skip
BUNDLE_TOO_COSTLY = Kind(
    "bundle-too-costly", 422, "The bundle takes too much to check",
    "Its check needs more than POLICY_CHECK_SECONDS or POLICY_CHECK_MEMORY_MB; `detail` says which. Nothing was "
    "stored: make it smaller, or have the setting raised.",
)  # fmt: skip
BUSY = Kind(
    "busy", 503, "Others act at the same time",
    "A worker checks one bundle at a time, and a change of the active bundle waits for others only so long. "
    "Nothing was changed: try again after `Retry-After` seconds.",
)  # fmt: skip
KEY_ENDED = Kind("key-ended", 409, "The key has ended", "An expired or revoked key is not rotated: make a new one.")
NAME_IN_FORCE = Kind(
    "name-in-force", 409, "A key of the name is in force", "Rotate it, or revoke it first. Nothing was made."
)
BODY_TOO_LARGE = Kind(
    "body-too-large", 413, "The body is too large",
    "A body is larger than POLICY_MAX_BODY, a batch than POLICY_MAX_BATCH_BODY, or a bundle than POLICY_MAX_BUNDLE.",
)  # fmt: skip
MEDIA_TYPE = Kind(
    "unsupported-media-type", 415, "The body has another form",
    "The path does not read this `Content-Type`, or the body is compressed.",
)  # fmt: skip
PATH_TOO_LONG = Kind("path-too-long", 414, "The path is too long", "The first line of the request is too long.")
HOST_REFUSED = Kind(
    "host-refused", 421, "Only this machine is answered",
    "Without keys the service answers requests that come from this machine, not by a proxy, and name a loopback host: "
    "127.0.0.1, localhost or [::1]. `detail` says what is not so.",
)  # fmt: skip
INVALID = Kind(
    "invalid-request", 422, "The request is invalid",
    "The request is well formed but breaks its contract. `errors` lists every fault; nothing was decided or logged.",
)  # fmt: skip
RATE_LIMITED = Kind(
    "rate-limited", 429, "Too many requests at once",
    "The key or token asks faster than its rate allows. Nothing was done: try again after `Retry-After` seconds.",
)  # fmt: skip
HEADERS_TOO_LARGE = Kind("headers-too-large", 431, "The headers are too large", "The headers are too many or too long.")
OVERLOADED = Kind(
    "overloaded", 503, "Too much is under way",
    "A worker takes POLICY_MAX_BATCHES batches at a time, and lets POLICY_MAX_WAITING requests wait. Nothing was "
    "decided: try again after `Retry-After` seconds.",
)  # fmt: skip
TOOK_TOO_LONG = Kind(
    "took-too-long", 503, "The evaluation took too long",
    "It was given up after POLICY_REQUEST_SECONDS, or POLICY_BATCH_SECONDS for a batch. Nothing was decided.",
)  # fmt: skip
NOT_SEALED = Kind(
    "not-sealed", 409, "The record waits for its index",
    "The decision is recorded, and is sealed a moment after: ask again after `Retry-After` seconds.",
)  # fmt: skip
ERASED = Kind(
    "erased", 410, "Values of the decision were erased",
    "The record and its proofs stay; what needs the values, as a replay does, cannot be answered any more.",
)  # fmt: skip
NOT_COMPARABLE = Kind(
    "not-comparable", 422, "The decisions cannot be compared",
    "The facts of one do not fit the rules of the other, or its rules do not take the other's parameters.",
)  # fmt: skip
COMPARISON_TOO_COSTLY = Kind(
    "comparison-too-costly", 422, "Comparing the decisions takes too much",
    "Their subjects and rules are too many to be evaluated sixteen times; nothing was evaluated. Compare decisions "
    "about fewer subjects, or replay each under the bundle of the other.",
)  # fmt: skip
NOT_REPLAYABLE = Kind(
    "not-replayable", 422, "The record cannot be replayed",
    "Its bytes do not fit its digest, its bundle is not as it was, or this program does not know its version of the "
    "rule language or of answers; `detail` says which.",
)  # fmt: skip
NOT_PROVABLE = Kind(
    "not-provable", 422, "The decision cannot be proved",
    "The store does not have the rules that decided as a signed act stored them, or not that act; `detail` says which. "
    "Verify the log.",
)  # fmt: skip
INTERNAL = Kind(
    "internal-error", 500, "The service has a fault",
    "A fault of ours. `instance` names the entry in the service's log; no answer was given.",
)  # fmt: skip
STORE = Kind(
    "store-unavailable", 503, "The store cannot be used now", "Nothing was answered; try again, under the same key."
)
ISSUER = Kind(
    "issuer-unavailable", 503, "The issuer of tokens cannot be asked",
    "The signing keys of the issuer cannot be read now, so no token can be judged. Nothing was answered; try again.",
)  # fmt: skip
NO_BUNDLE = Kind("no-active-bundle", 503, "No bundle is active", "No rules were activated yet.")
NOT_READY = Kind("not-ready", 503, "The service is not ready", "`errors` lists what is missing.")
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        MALFORMED, BAD_REQUEST, UNAUTHENTICATED, FORBIDDEN, FIRST_KEY, KEY_ENDED, NAME_IN_FORCE, RATE_LIMITED, ISSUER,
        NOT_FOUND, METHOD, NOT_ACCEPTABLE, REQUEST_TIMEOUT, KEY_CONFLICT, BUNDLE_NOT_ACTIVE, BUNDLE_WITHDRAWN,
        NOT_STOPPED, NOTHING_BEFORE, BUNDLE_INVALID, BUNDLE_TOO_COSTLY, BUSY, NOT_SEALED, ERASED, NOT_COMPARABLE,
        NOT_REPLAYABLE, NOT_PROVABLE, COMPARISON_TOO_COSTLY, ANSWER_TOO_LARGE, TOO_MANY_ITEMS, BODY_TOO_LARGE,
        OVERLOADED, TOOK_TOO_LONG, MEDIA_TYPE, PATH_TOO_LONG, HOST_REFUSED, INVALID, HEADERS_TOO_LARGE, INTERNAL,
        STORE, NO_BUNDLE, NOT_READY,
    )
}  # fmt: skip

"""The filters of a search for decisions, as a query or a command line gives them."""

from datetime import UTC, datetime, time

from policy_service.access import instants
from policy_service.decisions.answers.days import moment_of
from policy_service.decisions.answers.sensitivity import Sensitivity
from policy_service.decisions.audit.searching import CURSOR, MOST_ON_A_PAGE, PAGE, Query
from policy_service.decisions.sealed.terms import term
from policy_service.diagnostics.catalogue import BAD_TEXT, NOT_A_DATE, TOO_MANY
from policy_service.language.values import parse_date
from policy_service.requests.query import Parameters
from policy_service.requests.schemas import BUNDLE_ID, LONGEST_PATTERN, MERCHANT_ID, MOST_PATTERNS

LONGEST = 600
"""Characters of a filter."""
_NAME = "[A-Za-z0-9_]{1,100}"
_POLICY = "[A-Za-z0-9_.]{1,200}"
SUBJECT = f"[a-z_]{{1,40}}:{MERCHANT_ID}"
CLAIM = f"{_POLICY}/{_NAME}@{SUBJECT}#[A-Za-z0-9_-]{{1,100}}"
FORMS = {
    "merchant": (MERCHANT_ID, "m-1", "the id of a merchant: that of the subject `merchant`"),
    "subject": (SUBJECT, "influencer:i-1", "`type:id` of whoever was posted with an id or judged"),
    "claim": (CLAIM, "chuanliu.main_push/main_push_coupon@influencer:i-1#chuanliu_2023_spring", "a claim key granted"),
    "policy": (_POLICY, "chuanliu.main_push", "the id of a policy that the answer shows"),
    "reward": (f"{_POLICY}/{_NAME}", "chuanliu.main_push/main_push_coupon", "`policy/id` of a reward granted"),
    "row": (f"{_POLICY}/{_NAME}", "chuanliu.main_push.coupon/orders_300", "`policy.decision/row` that fired"),
    "bundle": (BUNDLE_ID, "sha256:" + "5d" * 32, "the id of the bundle that decided"),
}
"""Of each filter its pattern, an example and its meaning."""
SPANS = {
    "as_of": "the business day judged",
    "decided": "the instant of the decision: a day in UTC, or an instant with its offset",
}
RANGES = tuple(f"{name}_{end}" for name in SPANS for end in ("from", "to"))
NAMES = (*FORMS, *RANGES)


def query_of(params: Parameters) -> Query:
    """The query that filters make; faults are collected in `params`."""
    terms = [found for name in FORMS if (found := _term(params, name)) is not None]
    return Query(
        tuple(dict.fromkeys(terms)),
        as_of=_span(params, "as_of"),
        decided=_span(params, "decided"),
        before=_before(params),
        limit=params.limit(most=MOST_ON_A_PAGE, usual=PAGE),
    )


def hidden_in(query: Query, sensitivity: Sensitivity) -> tuple[str, ...]:
    """What a query looks for that is hidden in records: kinds of subjects, or `policy.decision` of rows; no ids.

    A claim key is not among them: to look for one, all of it must be known.
    """
    found = []
    for kind, _, value in (text.partition(":") for text in query.terms):
        if kind == "subject" and sensitivity.hides(subject := value.partition(":")[0]):
            found.append(subject)
        elif kind == "row":
            named = value.rpartition("/")[0]
            policy, _, decision = named.rpartition(".")
            found += [named] if sensitivity.hides_rows(policy, decision) else []
    return tuple(dict.fromkeys(found))


def patterns_of(params: Parameters) -> tuple[str, ...] | None:
    """Ids of policies, or patterns of them, separated by commas; null where none are given."""
    text = params.text("policies")
    if text is None:
        return None
    patterns = tuple(text.split(","))
    if len(patterns) > MOST_PATTERNS:
        params.refuse("policies", f"more than {MOST_PATTERNS} patterns", code=TOO_MANY)
    for at, pattern in enumerate(patterns):
        if not pattern:
            params.refuse(f"policies/{at}", "a pattern that names nothing")
        elif len(pattern) > LONGEST_PATTERN:
            message = f"a pattern is at most {LONGEST_PATTERN} characters"
            params.refuse(f"policies/{at}", message, code=BAD_TEXT)
    return patterns


def _term(params: Parameters, name: str) -> str | None:
    pattern, example, meaning = FORMS[name]
    text = params.matching(name, pattern, f"`{name}` is {meaning}", f"as `{example}`", longest=LONGEST)
    if text is None:
        return None
    return term("subject", f"merchant:{text}") if name == "merchant" else term(name, text)


def _span(params: Parameters, name: str) -> tuple[str | None, str | None]:
    first, end = (_bound(params, f"{name}_{which}") for which in ("from", "to"))
    if first is not None and end is not None and first >= end:
        params.refuse(f"{name}_to", f"`{name}_to` is not after `{name}_from`")
    return first, end


def _bound(params: Parameters, name: str) -> str | None:
    """The bound as the log keeps days and instants, so that they compare as texts."""
    text = params.text(name)
    if text is None:
        return None
    day = parse_date(text)
    if name.startswith("as_of"):
        if day is None:
            params.refuse(name, f"`{name}` is a day", "2023-04-01", NOT_A_DATE)
        return None if day is None else day.isoformat()
    moment = moment_of(text) if day is None else datetime.combine(day, time(), UTC)
    if moment is None:
        hint = "2023-04-01 or 2023-04-01T08:00:00+08:00"
        params.refuse(name, f"`{name}` is a day, or an instant with its offset", hint, NOT_A_DATE)
        return None
    return instants.text(moment)


def _before(params: Parameters) -> int | None:
    text = params.matching("cursor", CURSOR, "`cursor` is no `next` of a page")
    return None if text is None else int(text[1:])

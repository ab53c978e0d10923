"""The filters of a search for decisions, as a query or a command line gives them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time

from policy_service.access import instants
from policy_service.decisions.answers.days import moment_of
from policy_service.decisions.audit.searching import CURSOR, MOST_ON_A_PAGE, PAGE, Query
from policy_service.decisions.sealed.terms import term
from policy_service.diagnostics import Fault, fault
from policy_service.diagnostics.catalogue import BAD_OPTION, NOT_A_DATE
from policy_service.language.values import parse_date
from policy_service.requests.query import limit_of
from policy_service.requests.schemas import BUNDLE_ID, MERCHANT_ID

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


def query_of(asked: Mapping[str, str], faults: list[Fault]) -> Query:
    """The query that filters make; what is wrong with them is added to the faults."""
    found = []
    for name, (pattern, example, meaning) in FORMS.items():
        text = asked.get(name)
        if text is None:
            continue
        if len(text) > 600 or re.fullmatch(pattern, text) is None:
            faults.append(fault(f"/{name}", BAD_OPTION, f"`{name}` is {meaning}", f"as `{example}`"))
        elif name == "merchant":
            found.append(term("subject", f"merchant:{text}"))
        else:
            found.append(term(name, text))
    return Query(
        tuple(dict.fromkeys(found)),
        as_of=_span(asked, "as_of", faults),
        decided=_span(asked, "decided", faults),
        before=_before(asked.get("cursor"), faults),
        limit=limit_of(asked, most=MOST_ON_A_PAGE, usual=PAGE, faults=faults),
    )


def _span(asked: Mapping[str, str], name: str, faults: list[Fault]) -> tuple[str | None, str | None]:
    first, end = (_bound(f"{name}_{which}", asked.get(f"{name}_{which}"), faults) for which in ("from", "to"))
    if first is not None and end is not None and first >= end:
        faults.append(fault(f"/{name}_to", BAD_OPTION, f"`{name}_to` is not after `{name}_from`"))
    return first, end


def _bound(name: str, text: str | None, faults: list[Fault]) -> str | None:
    """The bound as the log keeps days and instants, so that they compare as texts."""
    if text is None:
        return None
    day = parse_date(text)
    if name.startswith("as_of"):
        if day is None:
            faults.append(fault(f"/{name}", NOT_A_DATE, f"`{name}` is a day", "2023-04-01"))
        return None if day is None else day.isoformat()
    moment = moment_of(text) if day is None else datetime.combine(day, time(), UTC)
    if moment is None:
        hint = "2023-04-01 or 2023-04-01T08:00:00+08:00"
        faults.append(fault(f"/{name}", NOT_A_DATE, f"`{name}` is a day, or an instant with its offset", hint))
        return None
    return instants.text(moment)


def _before(text: str | None, faults: list[Fault]) -> int | None:
    if text is None:
        return None
    if re.fullmatch(CURSOR, text) is None:
        faults.append(fault("/cursor", BAD_OPTION, "`cursor` is no `next` of a page"))
        return None
    return int(text[1:])

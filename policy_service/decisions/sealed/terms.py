"""Search terms of a record: its claims, subjects, policies, rewards, rows and bundle."""

from collections.abc import Iterator, Mapping

from policy_service.decisions.ports.recorded import RecordBody, RecordedRequest

FILTERS = ("claim", "subject", "policy", "reward", "row", "bundle")
"""Kinds of terms: `claim:<key>`, `subject:<type>:<id>`, `policy:<id>`, `reward:<policy>/<id>`,
`row:<policy>.<decision>/<row>`, `bundle:<id>`."""


def term(kind: str, value: str) -> str:
    return f"{kind}:{value}"


def terms_of(record: RecordBody, revealed: RecordBody) -> dict[str, bool]:
    """The terms of a decision, each with whether it is private: it names what is hidden in the record.

    Args:
        record: as it is hashed, commitments in the place of sensitive values.
        revealed: the same with the values, or the record itself where there are none.
    """
    if revealed is record:
        return dict.fromkeys(_terms(record), False)
    public = set(_terms(record))
    return {text: text not in public for text in dict.fromkeys(_terms(revealed))}


def _terms(record: RecordBody) -> Iterator[str]:
    """The terms of what is not hidden: a commitment is an object where there would be a text."""
    answer = record["answer"]
    yield term("bundle", record["bundle"])
    yield from _subjects(record["request"])
    for reward in answer["rewards"]:
        yield term("reward", f"{reward['policy']}/{reward['id']}")
        key = reward.get("claim", {}).get("key")
        if isinstance(key, str):
            yield term("claim", key)
    for policy in answer["policies"]:
        yield term("policy", policy["policy"])
        subject = policy["subject"]
        if isinstance(subject.get("id"), str):
            yield term("subject", f"{subject['type']}:{subject['id']}")
        fired = policy.get("fired", ())
        for row in fired if isinstance(fired, list) else ():
            yield term("row", f"{policy['policy']}.{row['decision']}/{row['row']}")


def _subjects(request: RecordedRequest) -> Iterator[str]:
    """Whoever was posted with an id, whether a policy that was shown is about them or not."""
    merchant = request.get("merchant_id")
    if isinstance(merchant, str):
        yield term("subject", f"merchant:{merchant}")
    for section, posted in request["facts"].items():
        if isinstance(posted, Mapping) and isinstance(posted.get("id"), str):
            yield term("subject", f"{section}:{posted['id']}")

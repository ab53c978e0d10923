"""What the checks of a decision do not prove, so that nobody takes them for more than they are."""

from collections.abc import Iterator, Mapping, Sequence

from policy_service.decisions.audit.checks import Check, Limit, LimitKind
from policy_service.decisions.audit.origins import Asker, AskerKind

_ASKED: Mapping[AskerKind, LimitKind] = {
    "key": "asked_by_key",
    "token": "asked_by_token",
    "local": "asked_openly",
    "cli": "asked_openly",
    "unknown": "asked_openly",
}


def limits(checks: Sequence[Check], asker: Asker) -> Iterator[Limit]:
    """What is not proved, given what was found."""
    found = {check.finding for check in checks}
    if "sealed" not in found:
        yield Limit("waiting")
    if "no_receipt" in found:
        yield Limit("legacy")
    yield from _of_witnesses([check for check in checks if check.finding == "witnessed"])
    yield Limit(_ASKED[asker.kind])
    yield Limit("facts")
    if "private_erased" in found:
        yield Limit("erased")
    yield Limit("others")


def _of_witnesses(seen: Sequence[Check]) -> Iterator[Limit]:
    if not seen:
        yield Limit("signer")
        yield Limit("instant")
        return
    names = ", ".join(str(check.named["witness"]) for check in seen)
    first = min(str(check.named["at"]) for check in seen)
    yield Limit("signer_witnessed", {"witnesses": names, "at": first})
    yield Limit("instant_witnessed", {"at": first})

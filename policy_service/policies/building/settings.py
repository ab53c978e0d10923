"""The settings of a bundle: what holds for all its policies."""

from collections.abc import Sequence

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import REFERENCE_UNKNOWN, VALUE_INVALID
from policy_service.language.checking import Scope
from policy_service.policies import zones
from policy_service.policies.building.expressions import build_exclusion
from policy_service.policies.building.registry import Registry
from policy_service.policies.drafts import DraftSettings, DraftSuspension, Written
from policy_service.policies.model import BundleSettings, Exclusion, Policy, Suspension


def build_settings(draft: DraftSettings, built: Sequence[Policy], registry: Registry) -> BundleSettings:
    """The settings beside the policies that could be built."""
    _check_zone(draft.time_zone, registry.report)
    _check_start(draft.day_starts, registry.report)
    suspended = [_suspension(one, built, registry) for one in draft.suspended]
    return BundleSettings(
        draft.label,
        draft.time_zone.value if draft.time_zone else "UTC",
        draft.day_starts.value if draft.day_starts else "00:00",
        registry.groups,
        _exclusions(draft, registry),
        tuple(one for one in suspended if one is not None),
        draft.ceilings,
    )


def _exclusions(draft: DraftSettings, registry: Registry) -> tuple[Exclusion, ...]:
    dictionary = registry.dictionary
    scope = Scope(dictionary.names("merchant"), hidden=dictionary.hidden("merchant"))
    found = [build_exclusion(exclusion, scope, registry.report) for exclusion in draft.exclusions]
    return tuple(exclusion for exclusion in found if exclusion is not None)


def _check_zone(zone: Written | None, report: Report) -> None:
    if zone is not None and zone.value not in zones.NAMES:
        meant = zones.likely(zone.value)
        hint = f"did you mean `{meant}`?" if meant else "an IANA name: `Asia/Shanghai`"
        report.add(VALUE_INVALID, zone.span, f"there is no time zone `{zone.value}`", hint=hint)


def _check_start(start: Written | None, report: Report) -> None:
    if start is not None and not _is_time(start.value):
        report.add(VALUE_INVALID, start.span, f"`{start.value}` is not a time of day", hint='`"04:00"`')


def _is_time(text: str) -> bool:
    hours, _, minutes = text.partition(":")
    return (
        len(text) == 5
        and text.isascii()
        and hours.isdigit()
        and minutes.isdigit()
        and int(hours) < 24
        and int(minutes) < 60
    )


def _suspension(draft: DraftSuspension, built: Sequence[Policy], registry: Registry) -> Suspension | None:
    policy, reward, report = draft.policy, draft.reward, registry.report
    if registry.faulty.holds("policy", policy.value):
        return None
    files = [one for one in built if one.id == policy.value]
    rewards = {one.id for file in files for one in file.rewards}
    if not files:
        report.add(REFERENCE_UNKNOWN, policy.span, f"there is no policy `{policy.value}`")
    elif reward is not None and reward.value not in rewards and not _has_error(files, report):
        report.add(REFERENCE_UNKNOWN, reward.span, f"`{policy.value}` has no reward `{reward.value}`")
    return Suspension(policy.value, reward.value if reward else None, draft.reason)


def _has_error(files: Sequence[Policy], report: Report) -> bool:
    """Whether one of the files has a fault, which may be why a reward is missing."""
    names = {file.file for file in files}
    return any(one.severity == "error" and one.span.file in names for one in report.diagnostics)

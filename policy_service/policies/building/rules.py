"""A whole folder of drafts to rules."""

from collections.abc import Collection

from policy_service.diagnostics import Report
from policy_service.policies.building.order import policy_order
from policy_service.policies.building.periods import build_campaign
from policy_service.policies.building.policy import build_policy
from policy_service.policies.building.registry import Faulty, Registry
from policy_service.policies.building.settings import build_settings
from policy_service.policies.drafts import DraftFolder
from policy_service.policies.model import Campaign, Policy, Rules


def build_rules(folder: DraftFolder, report: Report) -> Rules | None:
    """The rules, as far as they can be built; None without a dictionary of facts. Every fault is reported.

    Raises:
        RuntimeError: something was left out, and no fault is reported; a fault of ours.
    """
    campaigns = _campaigns(folder, report)
    groups = {id_: group for id_, group in folder.settings.stacking.items() if group is not None}
    faulty = _faulty(folder, campaigns, groups)
    rules = None
    if folder.dictionary is not None:
        rules = _rules(folder, Registry(folder.dictionary, folder.named, campaigns, groups, report, faulty))
    if faulty and not report.has_errors:
        raise RuntimeError(f"left out, and nobody was told: {faulty}")
    return rules


def _campaigns(folder: DraftFolder, report: Report) -> dict[str, Campaign]:
    drafts = (draft for draft in folder.campaigns.values() if draft is not None)
    found = {draft.id: build_campaign(draft, report) for draft in drafts}
    return {id_: campaign for id_, campaign in found.items() if campaign is not None}


def _faulty(folder: DraftFolder, campaigns: Collection[str], groups: Collection[str]) -> Faulty:
    """Names that are declared with a fault, so that nothing can refer to them."""
    faulty = Faulty(kinds=set(folder.unread))
    faulty.add("campaign", *(id_ for id_ in folder.campaigns if id_ not in campaigns))
    faulty.add("group", *(id_ for id_ in folder.settings.stacking if id_ not in groups))
    return faulty


def _rules(folder: DraftFolder, registry: Registry) -> Rules:
    order = policy_order(folder.policies, registry.faulty, registry.report)
    built = _policies(folder, order, registry)
    settings = build_settings(folder.settings, built, registry)
    return Rules(settings, registry.dictionary, registry.campaigns, built, tuple(order), folder.named.by_name)


def _policies(folder: DraftFolder, order: list[str], registry: Registry) -> tuple[Policy, ...]:
    """By id, then period."""
    places = {id_: place for place, id_ in enumerate(order)}
    built = []
    for draft in sorted(folder.policies, key=lambda draft: places[draft.id]):
        policy = build_policy(draft, registry)
        if policy is None:
            registry.faulty.add("policy", draft.id)
        else:
            built.append(policy)
    return tuple(sorted(built, key=lambda policy: (policy.id, policy.effective.period.start)))

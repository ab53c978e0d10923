"""Rules cut down to some policies and those that they depend on."""

from collections.abc import Collection
from dataclasses import replace

from policy_service.policies.dependencies import needed_policies
from policy_service.policies.model import Rules


def narrowed(rules: Rules, wanted: Collection[str]) -> Rules:
    """The rules with the policies that answers of some policies rest on. These policies answer as in all of them."""
    return only(rules, needed_policies(rules.policies, wanted))


def only(rules: Rules, ids: Collection[str]) -> Rules:
    """The rules with these policies and no others."""
    return replace(
        rules,
        policies=tuple(policy for policy in rules.policies if policy.id in ids),
        order=tuple(id_ for id_ in rules.order if id_ in ids),
    )

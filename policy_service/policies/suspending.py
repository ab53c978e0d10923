"""A bundle with further suspensions: it differs from the published one in `suspended` of bundle.yaml only."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from policy_service.policies.bundle import Bundle, bundle, document
from policy_service.policies.loader import BUNDLE
from policy_service.policies.model import Rules, Suspension

_KEY = "suspended"
_WIDTH = 1_000_000
"""No scalar is folded over lines."""


def is_known(rules: Rules, policy: str, reward: str | None) -> bool:
    """Whether the rules have the policy, and the reward in one of its files."""
    versions = rules.versions(policy)
    return bool(versions) and (reward is None or any(r.id == reward for p in versions for r in p.rewards))


def is_suspended(rules: Rules, policy: str, reward: str | None) -> bool:
    """Whether the rules grant nothing of it: the policy is suspended, or the reward."""
    return any(s.policy == policy and s.reward in (None, reward) for s in rules.settings.suspended)


def suspending(published: Bundle, stops: Sequence[Suspension]) -> Bundle:
    """The bundle with the stops merged into its `suspended`; the same one where they change nothing.

    Stops of a policy or reward that the bundle does not have are left out, and so are pairs that it suspends itself.

    Raises:
        RuntimeError: what was derived differs in more than `suspended`; a fault of ours.
    """
    rules = published.rules
    there = {(s.policy, s.reward) for s in rules.settings.suspended}
    wanted = [s for s in stops if is_known(rules, s.policy, s.reward) and (s.policy, s.reward) not in there]
    if not wanted:
        return published
    sources = {**published.sources, BUNDLE: merged(published.sources[BUNDLE], wanted)}
    derived, diagnostics = bundle(sources)
    if derived is None:
        errors = "; ".join(f"{d.span}: {d.message}" for d in diagnostics if d.severity == "error")
        raise RuntimeError(f"{published.id} with stops cannot be loaded: {errors}")
    if _others(derived.rules) != _others(rules) or derived.label != published.label:
        raise RuntimeError(f"{published.id} with stops differs in more than `{_KEY}`")
    if derived.rules.settings.suspended != (*rules.settings.suspended, *wanted):
        raise RuntimeError(f"{published.id} with stops suspends something else")
    return derived


def merged(text: str, suspensions: Iterable[Suspension]) -> str:
    """bundle.yaml with suspensions added behind those it has; scalars stay as they are written, comments go."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise TypeError("bundle.yaml of a loaded bundle is a mapping")
    there = next((value for key, value in root.value if key.value == _KEY), None)
    entries = list(there.value) if isinstance(there, yaml.SequenceNode) else []
    entries += [_entry(one) for one in suspensions]
    node = yaml.SequenceNode("tag:yaml.org,2002:seq", entries, flow_style=False)
    others = [(key, value) for key, value in root.value if key.value != _KEY]
    root.value = [*others, (_scalar(_KEY, None), node)]
    return str(yaml.serialize(root, allow_unicode=True, width=_WIDTH))


def _entry(one: Suspension) -> yaml.MappingNode:
    shown: Mapping[str, str | None] = {"policy": one.policy, "reward": one.reward, "reason": one.reason}
    pairs = [(_scalar(key, None), _scalar(value, '"')) for key, value in shown.items() if value is not None]
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)


def _scalar(value: str, style: str | None) -> yaml.ScalarNode:
    """Values are quoted, so that a reason such as `null` stays a text."""
    return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=style)


def _others(rules: Rules) -> dict[str, Any]:
    whole = document(rules)
    return {**whole, "bundle": {key: value for key, value in whole["bundle"].items() if key != _KEY}}

"""Emergency stops: a bundle with further suspensions, which differs from the published one in `suspended` alone.

The model is the published one with other settings; no rule is read again. The sources are kept for ever, and must give
the same bundle when they are loaded in later years: of them, bundle.yaml alone is written anew.
"""

from collections.abc import Iterable
from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from typing import Any

import yaml

from policy_service.diagnostics import Report
from policy_service.policies.bundle.bundles import Bundle, bundle_of
from policy_service.policies.loader import BUNDLE
from policy_service.policies.model import Rules, Suspension
from policy_service.sources import Mapping, Node, Sequence, Text, read

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


def suspending(published: Bundle, stops: SequenceOf[Suspension]) -> Bundle:
    """The bundle with the stops added to its `suspended`; the same one where they change nothing.

    Stops of a policy or reward that the bundle does not have are left out, and so are pairs that it suspends itself.

    Raises:
        RuntimeError: the new bundle.yaml does not say the same but for the stops; a fault of ours.
    """
    settings = published.rules.settings
    there = {(s.policy, s.reward) for s in settings.suspended}
    wanted = [s for s in stops if is_known(published.rules, s.policy, s.reward) and (s.policy, s.reward) not in there]
    if not wanted:
        return published
    suspended = (*settings.suspended, *wanted)
    before = published.sources[BUNDLE]
    text = with_suspensions(before, wanted)
    if _said(text) != {**_said(before), _KEY: [_shown(one) for one in suspended]}:
        raise RuntimeError(f"bundle.yaml of {published.id} with stops would not say what it is to say")
    rules = replace(published.rules, settings=replace(settings, suspended=suspended))
    return bundle_of(rules, {**published.sources, BUNDLE: text})


# ---- bundle.yaml


def with_suspensions(text: str, suspensions: Iterable[Suspension]) -> str:
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
    pairs = [(_scalar(key, None), _scalar(value, '"')) for key, value in _shown(one).items()]
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)


def _shown(one: Suspension) -> dict[str, str]:
    reward = {"reward": one.reward} if one.reward is not None else {}
    return {"policy": one.policy, **reward, "reason": one.reason}


def _scalar(value: str, style: str | None) -> yaml.ScalarNode:
    """Values are quoted, so that a reason such as `null` stays a text."""
    return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=style)


# ---- what a text says


def _said(text: str) -> Any:
    """The values of a bundle.yaml, without their places; None where it cannot be read."""
    return _values(read(BUNDLE, text, Report()))


def _values(node: Node | None) -> Any:
    match node:
        case Text() if not node.is_null:
            return node.value
        case Sequence(items):
            return [_values(item) for item in items]
        case Mapping(entries):
            return {key.value: _values(value) for key, value in entries}
    return None

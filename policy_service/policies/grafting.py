"""The rules of one bundle with the parameter values of another: neither was ever published so."""

from collections.abc import Iterator, Mapping

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Key = tuple[str, str, str]
"""Policy, beginning of its file's period, parameter."""


def with_parameters_of(rules: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    """Sources of `rules` where each parameter that both have takes the other's dated values, and keeps type and unit.

    A parameter is the same if policy, name, and the beginning of the file's period are; where the period was moved,
    but each side has one file of the policy, policy and name suffice. A parameter that only `rules` has is a rule of
    its own and stays. The result may have errors: values that fit no more.

    Args:
        rules, parameters: text of each rule file by its path, of bundles without errors.
    """
    own, others = _all(rules), _all(parameters)
    taken = {key: node for key in own if (node := others.get(key)) is not None}
    alone = _single(others)
    taken |= {key: others[alone[pair]] for pair, key in _single(own).items() if key not in taken and pair in alone}
    return {path: _grafted(text, taken) for path, text in rules.items()}


def _all(sources: Mapping[str, str]) -> dict[_Key, yaml.Node]:
    return {key: node for text in sources.values() for key, node in _values(_root(text))}


def _grafted(text: str, taken: Mapping[_Key, yaml.Node]) -> str:
    root = _root(text)
    changed = False
    for key, node in dict(_values(root)).items():
        other = taken.get(key)
        if other is not None and yaml.serialize(other) != yaml.serialize(node):
            _replace(root, key[2], other)
            changed = True
    return str(yaml.serialize(root, allow_unicode=True)) if changed else text


def _root(text: str) -> yaml.Node | None:
    return yaml.compose(text, _LOADER)


def _values(root: yaml.Node | None) -> Iterator[tuple[_Key, yaml.Node]]:
    """The `values` of every parameter of a policy file; nothing for another file."""
    policy = _get(root, "policy")
    if not isinstance(policy, yaml.ScalarNode):
        return
    effective = _get(root, "effective")
    begin = _get(effective, "from") or _get(effective, "campaign")
    start = begin.value if isinstance(begin, yaml.ScalarNode) else ""
    parameters = _get(root, "parameters")
    for name, parameter in parameters.value if isinstance(parameters, yaml.MappingNode) else ():
        values = _get(parameter, "values")
        if values is not None:
            yield (policy.value, start, name.value), values


def _single(values: Mapping[_Key, yaml.Node]) -> dict[tuple[str, str], _Key]:
    """The keys of policies and names that one file alone has."""
    found: dict[tuple[str, str], list[_Key]] = {}
    for key in values:
        found.setdefault((key[0], key[2]), []).append(key)
    return {pair: keys[0] for pair, keys in found.items() if len(keys) == 1}


def _get(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _replace(root: yaml.Node | None, name: str, values: yaml.Node) -> None:
    parameter = _get(_get(root, "parameters"), name)
    assert isinstance(parameter, yaml.MappingNode)  # noqa: S101  `_values` found it
    parameter.value = [(key, values if key.value == "values" else node) for key, node in parameter.value]

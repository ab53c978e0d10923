"""The rules of one folder with the parameter values of another, to compare decisions; nobody published such rules."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from policy_service.diagnostics import Span
from policy_service.policies.drafts import Draft, DraftFolder, DraftParameter, DraftValue

_Key = tuple[str, str, str]
"""Policy, beginning of its file's period, parameter."""
_Values = tuple[DraftValue, ...]


def with_parameters_of(rules: DraftFolder, others: DraftFolder) -> DraftFolder:
    """The folder where each parameter that both have takes the other's dated values, and keeps type and unit.

    A parameter is the same if policy, name, and the beginning of the file's period are; where the period was moved,
    but each side has one file of the policy, policy and name suffice. A parameter that only `rules` has is a rule of
    its own and stays. The values may not fit any more.
    """
    own, given = _values(rules.policies), _values(others.policies)
    taken = {key: given[key] for key in own if key in given}
    alone = _single(given)
    taken |= {key: given[alone[pair]] for pair, key in _single(own).items() if key not in taken and pair in alone}
    return replace(rules, policies=tuple(_substituted(draft, taken) for draft in rules.policies))


def _values(drafts: Iterable[Draft]) -> dict[_Key, _Values]:
    return {
        (draft.id, _start(draft), parameter.name): parameter.values
        for draft in drafts
        for parameter in draft.parameters.values()
    }


def _start(draft: Draft) -> str:
    """How the file says when it begins: by a day or a campaign."""
    effective = draft.effective
    if effective is None:
        return ""
    start = effective.period.start if effective.period is not None else effective.campaign
    return start.value if start is not None else ""


def _single(values: Iterable[_Key]) -> dict[tuple[str, str], _Key]:
    """The keys of policies and names that one file alone has."""
    found: dict[tuple[str, str], list[_Key]] = {}
    for key in values:
        found.setdefault((key[0], key[2]), []).append(key)
    return {pair: keys[0] for pair, keys in found.items() if len(keys) == 1}


def _substituted(draft: Draft, taken: Mapping[_Key, _Values]) -> Draft:
    start = _start(draft)
    parameters = {
        name: _with_values(parameter, taken[draft.id, start, name]) if (draft.id, start, name) in taken else parameter
        for name, parameter in draft.parameters.items()
    }
    return replace(draft, parameters=parameters)


def _with_values(parameter: DraftParameter, values: _Values) -> DraftParameter:
    """Their faults are reported behind the name of the parameter, in whose file they do not stand."""
    place = Span(parameter.span.file, parameter.span.line, parameter.span.end, parameter.span.end + 1)
    moved = (replace(one, span=place, start=replace(one.start, span=place)) for one in values)
    return replace(parameter, values=tuple(moved))

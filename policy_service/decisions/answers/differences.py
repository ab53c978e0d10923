"""The places at which two answers differ, as JSON Pointers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from policy_service.diagnostics import escape
from policy_service.engines.answer import AnswerParts, ComparedPart, Reward

ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two answers differ; a side that has nothing there is None."""

    pointer: str
    recorded: Any
    replayed: Any


def differences(recorded: Any, replayed: Any, pointer: str = "") -> Iterator[Difference]:
    """Every place where two JSON values differ, in the order of the recorded one."""
    if isinstance(recorded, dict) and isinstance(replayed, dict):
        for key in dict.fromkeys([*recorded, *replayed]):
            one, two = recorded.get(key, ABSENT), replayed.get(key, ABSENT)
            yield from differences(one, two, f"{pointer}/{escape(key)}")
    elif isinstance(recorded, list) and isinstance(replayed, list):
        for index in range(max(len(recorded), len(replayed))):
            one = recorded[index] if index < len(recorded) else ABSENT
            two = replayed[index] if index < len(replayed) else ABSENT
            yield from differences(one, two, f"{pointer}/{index}")
    elif type(recorded) is not type(replayed) or recorded != replayed:
        yield Difference(pointer, None if recorded is ABSENT else recorded, None if replayed is ABSENT else replayed)


def comparable(answer: ComparedPart) -> AnswerParts:
    """An answer without what always differs under another bundle or day: `bundle`, `as_of`, the `#period` of claims."""
    kept: dict[str, Any] = {key: value for key, value in answer.items() if key not in ("bundle", "as_of")}
    kept["rewards"] = [_without_period(reward) for reward in answer["rewards"]]
    return cast(AnswerParts, kept)


def _without_period(reward: Reward) -> Reward:
    claim = reward.get("claim")
    if claim is None:
        return reward
    return {**reward, "claim": {**claim, "key": claim["key"].rpartition("#")[0]}}

"""What a record must be to be replayed, and two answers side by side: where they differ, by JSON pointer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from policy_service.decisions.evaluate import FORMAT
from policy_service.diagnostics import escape
from policy_service.policies.model import LANGUAGE_VERSION
from policy_service.proofs.tree import leaf_hash

LANGUAGES = (LANGUAGE_VERSION,)
FORMATS = (FORMAT,)
"""Of records that this program evaluates as the one that made them did: tests/data/records has some of each."""
ABSENT = object()


class NotReplayable(Exception):
    """A record cannot honestly be evaluated again; `reason` says why."""

    def __init__(self, id_: str, reason: str) -> None:
        super().__init__(f"decision `{id_}` is not replayed: {reason}")
        self.id, self.reason = id_, reason


def refuse_unknown(id_: str, body: bytes, leaf: str | None) -> None:
    """Refuse a record that is not the one that was hashed, or of a version that this program does not know.

    Args:
        leaf: its leaf hash, hexadecimal; null for a record older than the sealed log.
    Raises:
        NotReplayable.
    """
    if leaf is not None and leaf_hash(body).hex() != leaf:
        raise NotReplayable(id_, "its bytes do not fit its digest")
    try:
        found = orjson.loads(body)  # only texts and whole numbers are looked at
        language, form = found["language"], found["format"]
    except (ValueError, KeyError, TypeError):
        raise NotReplayable(id_, "it is no record of a decision") from None
    if language not in LANGUAGES:
        raise NotReplayable(id_, f"this program does not know version {language} of the rule language")
    if form not in FORMATS:
        raise NotReplayable(id_, f"this program does not know format {form} of answers")


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two answers differ; a side that has nothing there is None and `absent` names it."""

    pointer: str
    recorded: Any
    replayed: Any


def differences(recorded: Any, replayed: Any, pointer: str = "") -> Iterator[Difference]:
    """Every place where two JSON values differ, in order of the recorded one."""
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


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what another bundle or day changes by itself: `bundle`, `as_of`, the `#period` of claims."""
    kept = {key: value for key, value in answer.items() if key not in ("bundle", "as_of")}
    kept["rewards"] = [_without_period(reward) for reward in answer["rewards"]]
    return kept


def _without_period(reward: dict[str, Any]) -> dict[str, Any]:
    claim = reward.get("claim")
    if claim is None:
        return reward
    return reward | {"claim": claim | {"key": claim["key"].rpartition("#")[0]}}

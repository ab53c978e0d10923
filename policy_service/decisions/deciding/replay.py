"""What a record must be so that it can honestly be evaluated again."""

import orjson

from policy_service.decisions.answers.evaluate import FORMAT
from policy_service.policies.model import LANGUAGE_VERSION
from policy_service.proofs.tree import leaf_hash

LANGUAGES = (LANGUAGE_VERSION,)
FORMATS = (FORMAT,)
"""Of records that this program evaluates as the one that made them did: tests/data/records has some of each."""


class NotReplayable(Exception):
    """A record cannot honestly be evaluated again; `reason` says why."""

    def __init__(self, id_: str, reason: str) -> None:
        super().__init__(f"decision `{id_}` is not replayed: {reason}")
        self.id, self.reason = id_, reason


def check_replayable(id_: str, body: bytes, leaf: str | None) -> None:
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

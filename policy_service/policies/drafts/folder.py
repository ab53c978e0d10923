"""All the files of a rules folder as drafts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from policy_service.facts import Dictionary, NamedTypes
from policy_service.policies.drafts.policy import Draft
from policy_service.policies.drafts.settings import DraftCampaign, DraftSettings

Kind = Literal["campaign", "group", "policy", "decision"]
"""What one file declares and others name."""


@dataclass(frozen=True, slots=True)
class DraftFolder:
    """A rules folder as written.

    dictionary: null where facts.yaml is missing or cannot be read.
    campaigns: by id; null where the declaration has a fault that is reported already.
    unread: kinds of which any name may be declared in a file that cannot be read.
    """

    dictionary: Dictionary | None
    named: NamedTypes
    campaigns: Mapping[str, DraftCampaign | None]
    settings: DraftSettings
    policies: tuple[Draft, ...]
    unread: frozenset[Kind]

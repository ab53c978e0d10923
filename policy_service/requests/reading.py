"""Posted JSON put through a schema: what it accepts, and the faults of the rest."""

from typing import Any, NamedTuple

from marshmallow import ValidationError

from policy_service.diagnostics import Fault, InvalidInput
from policy_service.requests.fields import Strict
from policy_service.requests.fields import faults as faults_of
from policy_service.requests.posted import Posted
from policy_service.requests.schemas import EvaluateRequestSchema, is_plain


class Read(NamedTuple):
    """A body that was read.

    posted: the JSON.
    values: what of it the schema accepts, nulls left out.
    faults: what is wrong with the rest, and with its texts.
    """

    posted: Any
    values: dict[str, Any]
    faults: list[Fault]

    def checked(self) -> dict[str, Any]:
        """The values, where there is no fault. Raises InvalidInput."""
        if self.faults:
            raise InvalidInput(self.faults)
        return self.values


def read(schema: Strict, found: Posted) -> Read:
    """The body by its schema. A plain body, which the schema surely accepts, skips the slow validation."""
    if not found.faults and isinstance(schema, EvaluateRequestSchema) and is_plain(found.value):
        return Read(found.value, dict(found.value), [])
    faults = list(found.faults)
    try:
        accepted = schema.load(found.value)
    except ValidationError as error:
        faults += faults_of(schema, error)
        accepted = error.valid_data
    known = accepted if isinstance(accepted, dict) else {}
    return Read(found.value, {key: value for key, value in known.items() if value is not None}, faults)

"""Rows of a table as boxes: for each input the set of values that the row admits."""

from policy_service.policies.boxes.index import Box, Rows, chosen
from policy_service.policies.boxes.values import (
    Constants,
    LinearHeader,
    ValueSet,
    intersection,
    linear_header,
    share_only_an_end,
    values_admitted,
)

__all__ = [
    "Box",
    "Constants",
    "LinearHeader",
    "Rows",
    "ValueSet",
    "chosen",
    "intersection",
    "linear_header",
    "share_only_an_end",
    "values_admitted",
]

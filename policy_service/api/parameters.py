"""Parameters of paths and queries, as the contract describes them."""

from typing import Any

from policy_service.decisions.audit.searching import CURSOR, MOST_ON_A_PAGE, PAGE
from policy_service.decisions.explaining.catalogue import DAY_PATTERN
from policy_service.requests.filters import FORMS, SPANS
from policy_service.requests.schemas import AS_OF


def limit_parameter(description: str, *, most: int, usual: int) -> dict[str, Any]:
    """How many entries a page may have."""
    return {
        "in": "query",
        "name": "limit",
        "schema": {"type": "integer", "minimum": 1, "maximum": most, "default": usual},
        "description": description,
    }


def cursor_parameter(pattern: str) -> dict[str, Any]:
    """Where a page begins; `pattern` is that of the list's cursors."""
    return {
        "in": "query",
        "name": "cursor",
        "schema": {"type": "string", "pattern": f"^{pattern}$"},
        "description": "`next` of the page before.",
    }


def filter_parameters(*further: dict[str, Any]) -> list[dict[str, Any]]:
    """The filters in the contract."""
    found = [
        _parameter(name, f"Decisions of one: {meaning}.", {"type": "string", "pattern": f"^{pattern}$"}, example)
        for name, (pattern, example, meaning) in FORMS.items()
    ]
    for name, meaning in SPANS.items():
        schema = {"type": "string", "pattern": f"^{DAY_PATTERN if name == 'as_of' else AS_OF}$"}
        found.append(_parameter(f"{name}_from", f"From {meaning}, inclusive.", schema, "2023-04-01"))
        found.append(_parameter(f"{name}_to", f"To before {meaning}.", schema, "2023-05-01"))
    return [*found, *further]


def _parameter(name: str, description: str, schema: dict[str, Any], example: str) -> dict[str, Any]:
    return {"in": "query", "name": name, "schema": schema, "description": description, "example": example}


PAGING = (
    limit_parameter("Decisions on a page.", most=MOST_ON_A_PAGE, usual=PAGE),
    cursor_parameter(CURSOR),
)

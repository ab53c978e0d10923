"""The body that a view takes: one decorator documents its schema and reads it, so that the two are one."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from flask import Response, request

from policy_service.api import reading
from policy_service.api.operation import described
from policy_service.api.reading import JSON
from policy_service.requests.fields import Strict
from policy_service.requests.reading import read

Schema = TypeVar("Schema", bound=Strict)
View = Callable[..., Response]
Content = Mapping[str, Mapping[str, Any]]
"""What the contract says of a body, by media type."""


def takes(
    schema: type[Schema],
    example: Any = None,
    *,
    required: bool = True,
    content: Callable[[type[Schema]], Content] | None = None,
    reader: Callable[[Schema], Any] | None = None,
) -> Callable[[View], View]:
    """Gives the view its body, as `body`.

    Args:
        example: a body in JSON, for the contract.
        required: false where no body stands for the empty object.
        content: what the contract says of the schema; by default that the body is JSON, and the example.
        reader: what the view gets; by default the values of a body without a fault, of a request without a query.
    """
    known = schema()
    media_types = {JSON: {"schema": schema, "example": example}} if content is None else content(schema)
    read_body = reader or (checked if required else checked_if_any)

    def decorated(view: View) -> View:
        @wraps(view)
        def given(**path: Any) -> Response:
            return view(body=read_body(known), **path)

        return described(given, {"requestBody": {"required": required, "content": media_types}})

    return decorated


def checked(schema: Strict) -> dict[str, Any]:
    """The values of the body under way. Raises Refused, InvalidInput, also where there is a query."""
    reading.query(request)
    return read(schema, reading.posted(request)).checked()


def checked_if_any(schema: Strict) -> dict[str, Any]:
    """As `checked`; no body stands for the empty object."""
    reading.query(request)
    return read(schema, reading.posted_if_any(request)).checked()

"""How decorators of views add to the operation that the contract shows."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeVar

from flask_smorest.utils import deepupdate

View = TypeVar("View", bound=Callable[..., Any])


def described(view: View, part: dict[str, Any]) -> View:
    """The view, with a part of its OpenAPI operation noted on it. Later wrappers keep the note (functools.wraps)."""
    known: dict[str, Any] = deepcopy(getattr(view, "_apidoc", {}))
    known["manual_doc"] = deepupdate(known.get("manual_doc", {}), part)
    view._apidoc = known  # type: ignore[attr-defined]  # where flask-smorest looks; a function declares none
    return view

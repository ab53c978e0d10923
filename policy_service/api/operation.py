"""What decorators of views tell of an operation in the contract."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeVar

from flask_smorest.utils import deepupdate

View = TypeVar("View", bound=Callable[..., Any])


def described(view: View, part: dict[str, Any]) -> View:
    """The view, a part of its operation told. What wraps it later takes it over (functools.wraps)."""
    known: dict[str, Any] = deepcopy(getattr(view, "_apidoc", {}))
    known["manual_doc"] = deepupdate(known.get("manual_doc", {}), part)
    view._apidoc = known  # type: ignore[attr-defined]  # where flask-smorest looks; a function declares none
    return view

"""Text of YAML files as plain mappings, lists and texts.

A scalar stays the text that was written; only what is plainly null is None. What a text means (a number, a day, an
expression) depends on the place it stands in, and is decided there.
"""

import re
from typing import Any

import yaml


class _Reader(yaml.CBaseLoader):
    """Scalars as they were written, but for a plain null."""


def _null(reader: yaml.Loader, node: yaml.Node) -> None:
    return None


_NULL = "tag:yaml.org,2002:null"
_Reader.add_implicit_resolver(_NULL, re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
_Reader.add_constructor(_NULL, _null)


def read(text: str) -> Any:
    """The document of a YAML text."""
    return yaml.load(text, _Reader)  # noqa: S506 - it constructs texts, lists and mappings alone


def is_true(scalar: str | None) -> bool:
    """Whether a YAML scalar says true."""
    return str(scalar).lower() == "true"

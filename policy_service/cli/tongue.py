"""The language that a person reads: as asked for, else that of the environment."""

import os
from collections.abc import Mapping
from typing import Literal, cast

import click

Tongue = Literal["zh", "en"]
lang_option = click.option(
    "--lang", type=click.Choice(["zh", "en"]), help="Language of texts; by default that of the environment, else en."
)


def tongue(asked: str | None, environment: Mapping[str, str] | None = None) -> Tongue:
    """zh or en. Of the environment the first that is set of LC_ALL, LC_MESSAGES and LANG counts."""
    if asked is not None:
        return cast(Tongue, asked)
    known = os.environ if environment is None else environment
    found = next((known[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if known.get(name)), "")
    return "zh" if found.lower().startswith("zh") else "en"

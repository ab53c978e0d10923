"""What the program is that made an entry: its own files, the packages beside it and the Python that runs them."""

import hashlib
import sys
import sysconfig
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_FORM = "1"
"""Of keys and entries."""


def digest() -> str:
    """The digest of everything that decides what a check finds, besides the rule files."""
    found = hashlib.sha256("\n".join((_FORM, sys.version, *_packages())).encode())
    for one in _sources(files("policy_service")):
        found.update(one.name.encode() + hashlib.sha256(one.read_bytes()).digest())
    return found.hexdigest()


def _packages() -> list[str]:
    """The installed packages with their versions, as their metadata is called."""
    folders = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    return sorted(one.name for folder in folders for one in Path(folder).glob("*.dist-info"))


def _sources(folder: Traversable) -> list[Traversable]:
    """The files of the package that are read when rules are, in order."""
    found: list[Traversable] = []
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            found += _sources(one)
        elif one.name.endswith((".py", ".lark")):
            found.append(one)
    return found

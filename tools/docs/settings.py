"""The settings, from the dataclass that reads them."""

from dataclasses import fields
from pathlib import Path

from policy_service.settings import Settings
from tools.docs.markdown import code, table


def settings() -> str:
    """Every environment variable with its default and meaning."""
    rows = [
        [code(one.metadata["variable"]), _kind(one.default), code(str(one.default)) or "–", one.metadata["meaning"]]
        for one in fields(Settings)
    ]
    return table(["variable", "value", "default", "meaning"], rows)


def _kind(default: object) -> str:
    match default:
        case int():
            return "whole number"
        case Path():
            return "path"
    return "text"

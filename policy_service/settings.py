"""Settings, read once from the environment; docs/operations.md shows the table."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

_RULES = Path("rules")


class SettingInvalid(Exception):
    """A setting has a value it cannot have; the message names it."""


def _setting(variable: str, default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"variable": variable, "meaning": meaning})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults."""

    rules: Path = _setting("POLICY_RULES", _RULES, "folder of rule files")  # noqa: RUF009  a dataclass field
    database_url: str = _setting(
        "POLICY_DATABASE_URL", "sqlite:///var/policy.sqlite3", "where decisions and bundles are kept"
    )
    engine: str = _setting("POLICY_ENGINE", "rete", "engine that decides: rete or reference")
    max_body: int = _setting("POLICY_MAX_BODY", 1_048_576, "largest request body, in bytes")
    max_depth: int = _setting("POLICY_MAX_DEPTH", 16, "deepest nesting of a request body")
    bundle_refresh_ms: int = _setting(
        "POLICY_BUNDLE_REFRESH_MS", 1000, "how long a worker may still use a bundle after another was activated"
    )
    threads: int = _setting("POLICY_THREADS", 4, "threads of a worker")
    graceful_seconds: int = _setting("POLICY_GRACEFUL_SECONDS", 30, "time a worker has to finish requests at the end")


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment.

    Raises:
        SettingInvalid: a value is not of its kind.
    """
    known = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for one in fields(Settings):
        variable = one.metadata["variable"]
        if variable not in known:
            continue
        text = known[variable]
        if isinstance(one.default, int):
            if not text.isdigit() or not text.isascii():
                raise SettingInvalid(f"{variable} must be a whole number, it is `{text}`")
            values[one.name] = int(text)
        else:
            values[one.name] = Path(text) if isinstance(one.default, Path) else text
    found = Settings(**values)
    if found.engine not in ("rete", "reference"):
        raise SettingInvalid(f"POLICY_ENGINE must be rete or reference, it is `{found.engine}`")
    return found

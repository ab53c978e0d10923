"""Settings, read once from the environment; docs/operations.md shows the table."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

_RULES = Path("rules")
_SHARE = re.compile(r"[0-9]\.[0-9]{1,6}|[01]")


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
    max_answer: int = _setting("POLICY_MAX_ANSWER", 8_388_608, "largest answer to one state, in bytes")
    max_depth: int = _setting("POLICY_MAX_DEPTH", 16, "deepest nesting of a request body")
    bundle_refresh_ms: int = _setting(
        "POLICY_BUNDLE_REFRESH_MS", 1000, "how long a worker may still use a bundle after another was activated"
    )
    max_items: int = _setting("POLICY_MAX_ITEMS", 10_000, "most items of a batch")
    max_batch_body: int = _setting("POLICY_MAX_BATCH_BODY", 44_040_192, "largest body of a batch, in bytes")
    max_batches: int = _setting(
        "POLICY_MAX_BATCHES", 0, "batches that a worker takes at a time; 0: half its threads, at least one"
    )
    request_seconds: int = _setting("POLICY_REQUEST_SECONDS", 10, "longest evaluation of a request")
    batch_seconds: int = _setting("POLICY_BATCH_SECONDS", 300, "longest evaluation of a batch")
    max_bundle: int = _setting("POLICY_MAX_BUNDLE", 4_194_304, "largest bundle that may be posted, in bytes")
    max_bundle_unpacked: int = _setting(
        "POLICY_MAX_BUNDLE_UNPACKED", 16_777_216, "largest sum of the files of a posted bundle, in bytes"
    )
    check_seconds: int = _setting("POLICY_CHECK_SECONDS", 60, "longest check of a posted bundle")
    check_memory_mb: int = _setting(
        "POLICY_CHECK_MEMORY_MB", 1024, "most memory of the process that checks a posted bundle, in MiB"
    )
    signing_key: str = _setting(
        "POLICY_SIGNING_KEY",
        "",
        "files of the keys that sign the log, separated by `:`, newest first; by default one beside the SQLite file",
    )
    retired_keys: str = _setting(
        "POLICY_RETIRED_KEYS", "", "file of verifier keys that signed the log before, one a line; still trusted"
    )
    guard: str = _setting(
        "POLICY_GUARD",
        "",
        "file that remembers, outside of the database, how far the log was signed; by default beside the signing key",
    )
    log_origin: str = _setting("POLICY_LOG_ORIGIN", "policy-service", "name of the log in its heads and receipts")
    seal_ms: int = _setting("POLICY_SEAL_MS", 500, "how often a worker seals the decisions that wait")
    witnesses: str = _setting(
        "POLICY_WITNESSES", "", "witnesses of the log's heads, `<verifier key>=<url>` each, separated by blanks"
    )
    heads_folder: str = _setting(
        "POLICY_HEADS_FOLDER", "", "folder to which heads are written, one file each, never changed; it must be there"
    )
    push_seconds: int = _setting(
        "POLICY_PUSH_SECONDS", 10, "how often a worker shows the newest head to witnesses and the folder"
    )
    judge_share: str = _setting(
        "POLICY_JUDGE_SHARE", "0.01", "share of the answers that the judge computes again, 0 to 1"
    )
    judge_cpu: str = _setting("POLICY_JUDGE_CPU", "0.05", "share of a core that the judge of a worker may use")
    shadow_cpu: str = _setting("POLICY_SHADOW_CPU", "0.05", "share of a core that the shadow of a worker may use")
    workers: int = _setting("POLICY_WORKERS", 2, "processes that answer")
    key_refresh_ms: int = _setting(
        "POLICY_KEY_REFRESH_MS", 1000, "how long a worker may still take a key after it was revoked"
    )
    rate_limit: int = _setting(
        "POLICY_RATE_LIMIT", 0, "requests and items of batches a second, of a key or a token's subject; 0: no limit"
    )
    rate_burst: int = _setting("POLICY_RATE_BURST", 0, "requests that may come at once; 0: those of a second")
    oidc_issuer: str = _setting("POLICY_OIDC_ISSUER", "", "URL of the OpenID Connect issuer whose tokens are taken")
    oidc_audience: str = _setting("POLICY_OIDC_AUDIENCE", "", "audience that tokens must be made for")
    oidc_jwks_url: str = _setting(
        "POLICY_OIDC_JWKS_URL", "", "where the issuer's keys are, also file:///path; by default the issuer tells"
    )
    oidc_roles_claim: str = _setting("POLICY_OIDC_ROLES_CLAIM", "roles", "claim of a token that lists its roles")
    threads: int = _setting("POLICY_THREADS", 4, "threads of a worker")
    connections: int = _setting("POLICY_CONNECTIONS", 1000, "open connections of a worker; more wait to be accepted")
    max_waiting: int = _setting(
        "POLICY_MAX_WAITING", 256, "requests of a worker that may wait for a thread; more are answered 503"
    )
    read_seconds: int = _setting(
        "POLICY_READ_SECONDS", 10, "how long a request may take to arrive; every 16 KiB of it add a second"
    )
    write_seconds: int = _setting(
        "POLICY_WRITE_SECONDS", 20, "how long a client may take to read an answer; every 16 KiB add a second"
    )
    log_format: str = _setting("POLICY_LOG_FORMAT", "auto", "text, json, or auto: text at a terminal, else json")
    log_level: str = _setting("POLICY_LOG_LEVEL", "info", "debug, info, warning, error or critical")
    traces: str = _setting("POLICY_TRACES", "auto", "otlp, off, or auto: otlp if OTEL_EXPORTER_OTLP_ENDPOINT is set")
    cache: str = _setting(
        "POLICY_CACHE",
        "auto",
        "folder where `check` and `test` remember what did not change; auto: `policyctl` in the user's cache folder; "
        "off: nothing is remembered",
    )
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
    _refuse_unknown("POLICY_LOG_FORMAT", found.log_format, ("auto", "text", "json"))
    _refuse_unknown("POLICY_LOG_LEVEL", found.log_level, ("debug", "info", "warning", "error", "critical"))
    _refuse_unknown("POLICY_TRACES", found.traces, ("auto", "otlp", "off"))
    for name in (
        "workers", "threads", "connections", "read_seconds", "write_seconds", "push_seconds", "check_seconds",
        "check_memory_mb",
    ):  # fmt: skip
        if getattr(found, name) < 1:
            raise SettingInvalid(f"POLICY_{name.upper()} must be at least 1")
    for variable, text, least in (
        ("POLICY_JUDGE_SHARE", found.judge_share, 0.0),
        ("POLICY_JUDGE_CPU", found.judge_cpu, 0.001),
        ("POLICY_SHADOW_CPU", found.shadow_cpu, 0.001),
    ):
        if _SHARE.fullmatch(text) is None or not least <= float(text) <= 1:
            raise SettingInvalid(f"{variable} must be a decimal from {least:g} to 1, it is `{text}`")
    return found


def _refuse_unknown(variable: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingInvalid(f"{variable} must be one of {', '.join(known)}; it is `{value}`")

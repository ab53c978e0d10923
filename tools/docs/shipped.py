"""The shipped rules, loaded and running, as the documentation describes them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask.testing import FlaskClient

from policy_service.access.issuing import Issuing
from policy_service.access.principals import ROLES
from policy_service.app import create_app
from policy_service.assembly import Assembled, assemble_on
from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.rule_tests.cases import Case, read_cases
from policy_service.diagnostics import Report, render_all
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.inventory import Constant, inventory
from policy_service.policies.loader import read_folder
from policy_service.policies.model import Rules
from policy_service.proofs import commitments
from policy_service.settings import Settings
from policy_service.store import connect, migrate

NOW = datetime(2023, 4, 2, 3, 0, tzinfo=UTC)
SIGNING_KEY = b"\x2a" * 32
"""Signs the log that pages show: always the same, so that receipts and heads are; it guards nothing."""
_ID = "01873a5e-8400-7c3e-9f6b-2b1d6c0a4e"


class RulesFaulty(Exception):
    """The rules have errors; the message is their rendering."""


@dataclass(frozen=True)
class Shipped:
    """The rules with their cases, on an engine and behind HTTP."""

    root: Path
    bundle: Bundle
    cases: tuple[Case, ...]
    evaluator: Evaluator
    client: FlaskClient
    sources: Mapping[str, str]

    @property
    def rules(self) -> Rules:
        return self.bundle.rules

    @cached_property
    def constants(self) -> tuple[Constant, ...]:
        return inventory(self.rules)


@contextmanager
def shipped(root: Path) -> Iterator[Shipped]:
    """The rules of a repository.

    Raises:
        RulesFaulty: they have an error.
    """
    sources = read_folder(root / "rules")
    report = Report()
    found, diagnostics = bundle(sources, "rules")
    report.extend(diagnostics)
    cases = read_cases(sources, "rules", found.rules if found is not None else None, report)
    if found is None or report.has_errors:
        raise RulesFaulty(render_all(report, {f"rules/{path}": text for path, text in sources.items()}))
    with scene(root, found) as served:
        yield Shipped(root, found, cases, served.assembled.service.resolver.active(), served.client, sources)


@dataclass(frozen=True, slots=True)
class Scene:
    """The service on a database of its own."""

    assembled: Assembled
    client: FlaskClient

    def seal(self) -> None:
        """What was decided gets its place in the log."""
        if self.assembled.auditing is not None:
            self.assembled.auditing.sealer.seal_all()

    def key(self) -> str:
        """A key that may do all; from now on nobody is answered without one."""
        return Issuing(self.assembled.keys, now=lambda: NOW).create("admin", ROLES, actor="docs").text


@contextmanager
def scene(root: Path, found: Bundle) -> Iterator[Scene]:
    """The service with a clock that stands, ids that are counted, a key that stays, and nothing decided yet."""
    with TemporaryDirectory(prefix="docs-") as folder:
        key = Path(folder, "signing-key.pem")
        key.touch(0o600)
        private = Ed25519PrivateKey.from_private_bytes(SIGNING_KEY)
        key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        database = connect(f"sqlite:///{folder}/policy.sqlite3")
        migrate(database)
        settings = Settings(rules=root / "rules", signing_key=str(key), key_refresh_ms=0)
        numbers = count(0x0F)  # the first two are of the acts that the log begins with
        made = assemble_on(
            database, settings, now=lambda: NOW, elapsed=lambda: 0.0, new_id=lambda: f"{_ID}{next(numbers):02x}"
        )
        made.publishing.adopt_folder(found, actor="docs")
        app = create_app(settings, assembled=made)
        try:
            with patch.object(commitments, "secrets", _Salts()):
                yield Scene(made, app.test_client())
        finally:
            database.dispose()


class _Salts:
    """Salts that are always the same, so that the digests of records are."""

    def __init__(self) -> None:
        self._drawn = count()

    def token_bytes(self, size: int) -> bytes:
        return sha256(b"%d" % next(self._drawn)).digest()[:size]

"""The shipped rules, loaded and running, as the documentation describes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from flask.testing import FlaskClient
from sqlalchemy import Engine

from policy_service.app import create_app
from policy_service.assembly import Assembled, assemble_on
from policy_service.decisions.cases import Case, read_cases
from policy_service.decisions.evaluate import Evaluator
from policy_service.diagnostics import Report, render_all
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.inventory import Constant, inventory
from policy_service.policies.loader import read_folder
from policy_service.policies.model import Rules
from policy_service.settings import Settings
from policy_service.store import connect, migrate

NOW = datetime(2023, 4, 2, 3, 0, tzinfo=UTC)
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
    with TemporaryDirectory(prefix="docs-") as folder:
        database = connect(f"sqlite:///{folder}/policy.sqlite3")
        assembled = _assembled(found, database)
        app = create_app(Settings(rules=root / "rules"), assembled=assembled)
        try:
            yield Shipped(root, found, cases, assembled.service.asking.active(), app.test_client())
        finally:
            database.dispose()


def _assembled(found: Bundle, database: Engine) -> Assembled:
    """The operations with a clock that stands and ids that are counted."""
    migrate(database)
    numbers = count(0x11)
    made = assemble_on(
        database, Settings(), now=lambda: NOW, elapsed=lambda: 0.0, new_id=lambda: f"{_ID}{next(numbers):02x}"
    )
    made.publishing.adopt_folder(found, actor="docs")
    return made

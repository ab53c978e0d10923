"""A store as a service has left it after an eventful day, and copies of it to be tampered with."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text

from policy_service.access import credentials
from policy_service.access.issuing import Issuing
from policy_service.access.trail import Act, TrailEntry
from policy_service.decisions.audit.findings import GivenReceipt, Progress
from policy_service.decisions.deciding.service import Evaluated
from policy_service.policies.bundle import Bundle
from policy_service.proofs.receipts import Receipt
from policy_service.store import connect, migrate
from tests import postgres
from tests.bundles import edited
from tests.unit.decisions.conftest import Club

RETRIES: Mapping[str, Mapping[str, Any]] = {
    "k-early": {"merchant": {"id": "m-1", "hours": 7}},
    "k-late": {"merchant": {"id": "m-2", "hours": 12}},
    "k-member": {"member": {"id": "u-4", "points": 44, "joined_on": "2022-02-03"}},
    "k-waits": {"merchant": {"id": "m-3", "hours": 8}},
}
"""Requests with the idempotency keys that they were posted with."""
STOPPED = ("club.hours", "topped_kept")
DAY = "2023-04-01"


@dataclass
class Story:
    """What happened, and what was kept outside of the store.

    ids: of records by the names that the tampering knows them by.
    records: kind, id and body of all, in the order of the log; those that wait at the end.
    """

    rules: Bundle
    later: Bundle
    ids: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    records: list[tuple[str, str, bytes]] = field(default_factory=list)
    size: int = 0
    version: int = 0
    active: str = ""
    heads: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    receipts: dict[str, GivenReceipt] = field(default_factory=dict)
    erased: list[dict[str, Any]] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)
    clock: int = 0

    def index(self, name: str) -> int:
        """The index of a record in the log, by its name."""
        return next(n for n, (_, id_, _) in enumerate(self.records) if id_ == self.ids[name])

    def body(self, name: str) -> bytes:
        return self.records[self.index(name)][2]


def tell(club: Club, back_up: Callable[[], None]) -> Story:
    """The day. `back_up` is called in the middle of it, while nothing uses the database."""
    story = Story(club.rules, edited(club.rules, "hours.yaml", ("| 10                  |", "| 11                  |")))
    _morning(club, story)
    club.engine.dispose()
    back_up()
    _noon(club, story)
    _evening(club, story)
    _look(club, story)
    return story


def _note(story: Story, name: str, found: Evaluated) -> None:
    assert found.decision_id is not None
    story.ids[name] = found.decision_id
    answer: Any = found.answer
    story.receipts[name] = GivenReceipt(found.decision_id, Receipt.parse(answer["receipt"]))


def _keyed(club: Club, story: Story, key: str) -> None:
    _note(story, key, club.decide(key=key, as_of=DAY, **RETRIES[key]))


def _morning(club: Club, story: Story) -> None:
    issuing = Issuing(club.assembled.keys, now=club.now)
    for name, role in (("till", "evaluate"), ("gone", "admin")):
        story.keys[name] = issuing.create(name, [role], actor="op").text
    made = issuing.rotate(credentials.parts(story.keys["till"])[0], actor="op")
    story.keys["rotated"] = made.text
    issuing.revoke(credentials.parts(story.keys["gone"])[0], "left the company", actor="op")
    for n in range(4):
        _note(story, f"early-{n}", club.merchant(5 + n))
        _note(story, f"member-{n}", club.member(100 + n, id=f"u-{n}"))
    _keyed(club, story, "k-early")
    club.seal()


def _noon(club: Club, story: Story) -> None:
    publishing = club.assembled.publishing
    story.active = publishing.adopt_folder(story.later, actor="op")
    publishing.stop(*STOPPED, Act("op", "it pays too much"))
    publishing.stop("club.prices", None, Act("op", "a wrong price"))
    publishing.resume("club.prices", None, Act("op", "the price is right again"))
    for n in range(5):
        _note(story, f"noon-{n}", club.merchant(5 + n, supersedes=None))
    _keyed(club, story, "k-late")
    _keyed(club, story, "k-member")
    corrected = club.merchant(9, supersedes=story.ids["early-3"], reason="data_correction")
    _note(story, "correction", corrected)
    club.seal()
    for n in range(5):
        product = {"id": f"p-{n}", "price": 3 + n}
        _note(story, f"product-{n}", club.decide(products=[product], merchant={"id": "m-7", "hours": 6}))
    club.assembled.shadow.begin(story.rules.id, "1", Act("op", "would the old one pay less"))
    club.assembled.trail.note(TrailEntry(_at(club), "op", "decision.reveal", story.ids["member-1"]))
    club.seal()


def _evening(club: Club, story: Story) -> None:
    for n in range(3):
        _note(story, f"late-{n}", club.merchant(12 + n))
    with club.engine.connect() as on:
        of = text("SELECT * FROM private_values WHERE record = :id")
        story.erased = [dict(row) for row in on.execute(of, {"id": story.ids["member-0"]}).mappings()]
    erased = club.auditing.erasing.erase("member", "u-0", ticket="T-1", actor="op")
    assert erased.id is not None
    story.ids["erasure"] = erased.id
    story.ids["erased"] = story.ids["member-0"]
    for n in range(3):
        _note(story, f"last-{n}", club.member(300 + n, id=f"u-3{n}"))
    club.seal()
    story.progress = club.auditing.verify().progress
    _note(story, "waits-0", club.merchant(6))
    _note(story, "waits-1", club.member(77, id="u-7"))
    _keyed(club, story, "k-waits")
    club.assembled.publishing.stop("club.prices", "cut", Act("op", "again"))
    club.assembled.trail.note(TrailEntry(_at(club), "op", "decision.reveal", story.ids["late-0"]))


def _at(club: Club) -> str:
    return club.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _look(club: Club, story: Story) -> None:
    """Read from the tables, by hand, what is to be known of them later."""
    with club.engine.connect() as on:
        story.heads = list(on.execute(text("SELECT note FROM log_heads ORDER BY size")).scalars())
        story.sizes = list(on.execute(text("SELECT size FROM log_heads ORDER BY size")).scalars())
        entries = on.execute(text('SELECT kind, id FROM log_entries ORDER BY "index"')).all()
        waiting = on.execute(text("SELECT kind, id FROM unsealed ORDER BY number")).all()
        story.records = [(kind, id_, _body(on, kind, id_)) for kind, id_ in (*entries, *waiting)]
        acts = on.execute(text("SELECT id, action, version FROM acts ORDER BY number")).all()
    story.size = len(entries)
    story.version = max(version or 0 for _, _, version in acts)
    for id_, action, _ in acts:
        story.ids[action] = id_  # the last of each
        story.ids.setdefault(f"first {action}", id_)
    story.active = club.assembled.publishing.activation_state().active.bundle  # type: ignore[union-attr]  # one is
    story.clock = club.read


def _body(on: Connection, kind: str, id_: str) -> bytes:
    table = "decisions" if kind == "decision" else "acts"
    return bytes(on.execute(text(f"SELECT body FROM {table} WHERE id = :id"), {"id": id_}).scalar_one())


# ---- where the stores are


@dataclass
class Place:
    """The victim's store on one kind of database, and how to have a copy of it, or of its backup of that noon."""

    story: Story
    guard: Path
    copies: Callable[[str], Any]
    key: Path
    engines: dict[str, Engine] = field(default_factory=dict)

    def engine(self, url: str) -> Engine:
        """One for all copies, each at the place of the one before: it keeps the statements that it has compiled."""
        if url not in self.engines:
            self.engines[url] = connect(url)
        return self.engines[url]

    @contextmanager
    def copied(self, folder: Path, which: str = "whole") -> Iterator[tuple[str, Path]]:
        """The URL of a copy and the file of a guard that remembers all, for one tampering."""
        guard = folder / "guard"
        copyfile(self.guard, guard)
        with self.copies(which) as url:
            yield url, guard


@contextmanager
def on_sqlite(folder: Path, key: Path, rules: Bundle) -> Iterator[Place]:
    whole, backup, copy = folder / "whole.db", folder / "backup.db", folder / "copy.db"
    guard = folder / "victim.guard"

    @contextmanager
    def copies(which: str) -> Iterator[str]:
        for old in folder.glob("copy.db*"):
            old.unlink()
        copyfile(whole if which == "whole" else backup, copy)
        yield f"sqlite:///{copy}"

    story = _told(f"sqlite:///{whole}", key, guard, rules, lambda: copyfile(whole, backup))
    yield Place(story, guard, copies, key)


@contextmanager
def on_postgresql(folder: Path, key: Path, rules: Bundle, server: Path) -> Iterator[Place]:
    guard = folder / "victim.guard"
    backups: list[Any] = []

    with postgres.database(server) as url:

        def back_up() -> None:
            backups.append(postgres.database(server, postgres.name_of(url)))
            backups.append(backups[0].__enter__())

        @contextmanager
        def copies(which: str) -> Iterator[str]:
            of = postgres.name_of(url if which == "whole" else backups[1])
            with postgres.database(server, of, f"{postgres.name_of(url)}copy") as copy:
                yield copy

        story = _told(url, key, guard, rules, back_up)
        try:
            yield Place(story, guard, copies, key)
        finally:
            backups[0].__exit__(None, None, None)


def _told(url: str, key: Path, guard: Path, rules: Bundle, back_up: Callable[[], Any]) -> Story:
    engine = connect(url)
    try:
        migrate(engine)
        club = Club(engine, key, guard, rules)
        club.assembled.publishing.adopt_folder(rules, actor="op")
        return tell(club, back_up)
    finally:
        engine.dispose()


class Hand:
    """Somebody's hand in a database: SQL, whatever foreign keys say, and none of the service's code."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url.replace("postgresql://", "postgresql+pg8000://"), isolation_level="AUTOCOMMIT")
        self.on = self._engine.connect()
        self.dialect = self.on.dialect.name
        if self.dialect == "postgresql":
            self.run("SET session_replication_role = replica")

    def run(self, statement: str, **values: Any) -> int:
        return self.on.execute(text(statement), values).rowcount

    def change(self, statement: str, **values: Any) -> None:
        """As `run`, and something must have changed."""
        assert self.run(statement, **values) != 0, "the tampering changed nothing"

    def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self.on.execute(text(statement), values).mappings()]

    def row(self, table: str, id_: str) -> dict[str, Any]:
        return self.rows(f"SELECT * FROM {table} WHERE id = :id", id=id_)[0]

    def insert(self, table: str, row: Mapping[str, Any]) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        places = ", ".join(f":{name}" for name in row)
        self.run(f"INSERT INTO {table} ({names}) VALUES ({places})", **row)

    def close(self) -> None:
        self.on.close()
        self._engine.dispose()

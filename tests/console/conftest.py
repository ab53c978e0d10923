"""The assembled service on a real SQLite file, decisions it made, and their pages, parsed and checked."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from policy_service.app import create_app
from policy_service.assembly import Assembled, assemble_on
from policy_service.policies.bundle import Bundle
from policy_service.settings import Settings
from policy_service.store import connect
from tests import bundles as bundles_of

ROOT = Path(__file__).parents[2]
NOW = datetime(2023, 7, 2, 3, 0, tzinfo=UTC)
SETTINGS = Settings(rules=ROOT / "rules", key_refresh_ms=0)  # a key that a test makes holds at once
VOID = {"meta", "br"}
Body = dict[str, Any]


@dataclass
class Served:
    """A service with its database, which a test may tamper with."""

    assembled: Assembled
    database: Engine
    client: FlaskClient

    def decide(self, request: Body) -> str:
        """The id of the decision about a request; it is not sealed yet."""
        response = self.client.post("/v1/evaluate", json={**request, "purpose": "decide"})
        assert response.status_code == 201, response.get_data(as_text=True)
        return str(response.get_json()["decision_id"])

    def seal(self) -> None:
        assert self.assembled.auditing is not None
        self.assembled.auditing.sealer.seal_all()

    def page(self, id_: str, tongue: str = "en") -> "Page":
        response = self.client.get(f"/decisions/{id_}?lang={tongue}")
        assert response.status_code == 200, response.get_data(as_text=True)
        return Page(response.get_data(as_text=True))


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


class Page(HTMLParser):
    """A page; that every element is closed in order, and no id stands twice, is asserted while it is read."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.elements: list[Element] = []
        self._open: list[Element] = []
        assert html.lstrip().startswith("<!doctype html>")
        self.feed(html)
        self.close()
        assert self._open == []
        ids = [e.attributes["id"] for e in self.elements if "id" in e.attributes]
        assert len(ids) == len(set(ids))
        anchors = [e.attributes["href"] or "" for e in self.elements if "href" in e.attributes]
        assert {a[1:] for a in anchors if a.startswith("#")} <= set(ids)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        found = Element(tag, dict(attrs))
        self.elements.append(found)
        if tag not in VOID:
            self._open.append(found)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, (tag, self.getpos())
        if tag in ("td", "th"):
            self.handle_data(" ")  # what stands in two cells is not one word
        assert self._open.pop().tag == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.texts.append(data)

    def all(self, tag: str, name: str | None = None) -> list[Element]:
        """Elements with a tag, and of a class."""
        return [
            e
            for e in self.elements
            if e.tag == tag and (name is None or name in (e.attributes.get("class") or "").split())
        ]

    @property
    def text(self) -> str:
        """All that a reader sees."""
        return self.all("body")[0].text

    def checks(self) -> list[tuple[str, str]]:
        """The lines of the proof status: outcome and words."""
        rows = [e for name in ("ok", "failed", "pending", "absent") for e in self.all("tr", name)]
        return [(str(e.attributes["class"]), e.text) for e in rows]

    def outcomes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for outcome, _ in self.checks():
            found[outcome] = found.get(outcome, 0) + 1
        return found

    def failed(self) -> str:
        return " | ".join(text for outcome, text in self.checks() if outcome == "failed")


@pytest.fixture(scope="session")
def rules() -> Bundle:
    return bundles_of.loaded(SETTINGS.rules)


@pytest.fixture(scope="session")
def changed(rules: Bundle) -> Callable[..., Bundle]:
    """The shipped rules with a text that stands once in a file replaced."""
    return lambda path, old, new: bundles_of.edited(rules, path, (old, new))


@pytest.fixture(scope="session")
def serve(
    tmp_path_factory: pytest.TempPathFactory, sqlite_store_url: Callable[[Path], str]
) -> Iterator[Callable[[Bundle], Served]]:
    databases = []

    def make(found: Bundle) -> Served:
        database = connect(sqlite_store_url(tmp_path_factory.mktemp("store") / "policy.sqlite3"))
        databases.append(database)
        assembled = assemble_on(database, SETTINGS, now=lambda: NOW, elapsed=lambda: 0.0)
        bundles_of.adopt(assembled, found)
        return Served(assembled, database, create_app(SETTINGS, assembled=assembled).test_client())

    yield make
    for database in databases:
        database.dispose()


@pytest.fixture(scope="session")
def shared(serve: Callable[[Bundle], Served], rules: Bundle) -> Served:
    """For tests that only add decisions."""
    return serve(rules)


@pytest.fixture
def own(serve: Callable[[Bundle], Served], rules: Bundle) -> Served:
    """For tests that tamper."""
    return serve(rules)


def example(name: str) -> Body:
    found: Body = json.loads((ROOT / "examples" / f"{name}.json").read_text("utf-8"))
    return found


EXAMPLES = sorted(f.stem for f in (ROOT / "examples").glob("*.json") if not f.stem.endswith(".answer"))


@pytest.fixture(params=EXAMPLES)
def posted(request: pytest.FixtureRequest) -> Body:
    return example(request.param)


@pytest.fixture
def traffic() -> Body:
    """Earns ten hours of traffic by row `h10`."""
    return example("growing_goods_owner")


@pytest.fixture
def member() -> Body:
    """Has sensitive facts that no other text on a page could be."""
    found = example("member_at_the_till")
    found["facts"]["member"] = {"id": "zq-secret-77", "level": 2, "points": 718281, "joined_on": "2021-07-19"}
    found["facts"]["buyer"] = {"orders_in_store": 31415}
    found["options"] = {"trace": "full"}
    del found["policies"]
    return found

"""A store that was emptied or set back, under a running worker and at a start: nobody is let in, and it is told."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.access.issuing import Issuing
from policy_service.app import create_app
from policy_service.assembly import Assembled, assemble_on
from policy_service.decisions.sealed.guard import Held
from policy_service.listening import Unfit
from policy_service.policies.bundle import Bundle
from policy_service.serving import prepare, serve
from policy_service.settings import Settings
from policy_service.store import connect
from tests import bundles as bundles_of
from tests.api.conftest import NOW, SETTINGS

Body = dict[str, Any]
Call = Callable[..., Any]


class Place:
    """A service on an SQLite file, and what somebody does to the file who has no key that signs."""

    def __init__(self, file: Path, url: str, rules: Bundle) -> None:
        self.file, self.url, self._rules = file, url, rules
        self._databases: list[Any] = []
        self.elapsed = 0.0
        self.start()
        bundles_of.adopt(self.assembled, rules)

    def start(self) -> None:
        """As a process that begins, on what is there now."""
        database = connect(self.url)
        self._databases.append(database)
        self.assembled: Assembled = assemble_on(database, self.settings, now=lambda: NOW, elapsed=lambda: 0.0)
        self.client: FlaskClient = create_app(self.settings, assembled=self.assembled).test_client()

    @property
    def settings(self) -> Settings:
        return replace(SETTINGS, database_url=self.url)

    @property
    def sealer(self) -> Any:
        assert self.assembled.auditing is not None
        return self.assembled.auditing.sealer

    def decide(self, body: Body, **headers: str) -> None:
        assert self.client.post("/v1/evaluate", json=body, headers=headers).status_code == 201
        self.sealer.seal_all()

    def key(self, name: str) -> dict[str, str]:
        """A new key with all that a caller may do, as the header of a request."""
        made = Issuing(self.assembled.keys, now=lambda: NOW).create(name, ["evaluate", "audit", "admin"], actor="test")
        self.sealer.seal_all()
        return {"Authorization": f"Bearer {made.text}"}

    def write(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def copy(self) -> Path:
        """A copy as docs/operations.md makes it."""
        found = self.file.with_suffix(".copy")
        with closing(sqlite3.connect(self.file)) as store, closing(sqlite3.connect(found)) as copied:
            store.backup(copied)
        return found

    def put_back(self, copy: Path) -> None:
        """In the place of the file, of which no connection is open."""
        self.close()
        copyfile(copy, self.file)
        for end in ("-wal", "-shm"):
            self.file.with_name(self.file.name + end).unlink(missing_ok=True)

    def put_back_under(self, copy: Path) -> None:
        """Into the file, under the connections of the worker."""
        with closing(sqlite3.connect(copy)) as copied, closing(sqlite3.connect(self.file)) as store:
            copied.backup(store)

    def close(self) -> None:
        while self._databases:
            self._databases.pop().dispose()


@pytest.fixture
def place(tmp_path: Path, sqlite_store_url: Callable[[Path], str], rules: Bundle) -> Iterator[Place]:
    file = tmp_path / "policy.sqlite3"
    made = Place(file, sqlite_store_url(file), rules)
    yield made
    made.close()


@pytest.fixture
def is_closed(parsed: Call, conforms: Call, request_body: Body) -> Callable[[Place], None]:
    """Asserts that a place answers no request without a key, and that its readiness says why."""

    def check(place: Place) -> None:
        for method, path, body in (
            ("POST", "/v1/evaluate", request_body),
            ("POST", "/v1/evaluate", request_body | {"purpose": "preview"}),
            ("GET", "/v1/decisions", None),
            ("GET", "/v1/audit-trail", None),
            ("GET", "/v1/keys", None),
            ("POST", "/v1/keys", {"name": "mallory", "roles": ["admin"]}),
            ("POST", "/v1/policies/chuanliu.traffic_hours/stop", {"reason": "none"}),
        ):
            response = place.client.open(path, method=method, json=body)
            assert response.status_code in (401, 503), (path, response.get_data())
        response = place.client.get("/readyz")
        problem = parsed(response)
        conforms(problem, "Problem")
        assert (response.status_code, problem["type"]) == (503, "/problems/not-ready")
        assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [("/log", "D105")]
        assert str(place.file.parent) not in response.get_data(as_text=True)

    return check


EMPTIED = ("DELETE FROM acts",)


@pytest.mark.parametrize("keyed", [True, False])
def test_a_running_worker_whose_acts_were_emptied_answers_nobody_and_says_so(
    place: Place, is_closed: Call, request_body: Body, parsed: Call, keyed: bool
) -> None:
    headers = place.key("wei")
    place.decide(request_body, **headers)
    place.write(*EMPTIED)
    if keyed:
        response = place.client.post("/v1/evaluate", json=request_body, headers=headers)
        assert (response.status_code, parsed(response)["type"]) == (503, "/problems/store-unavailable")
    is_closed(place)


def test_a_start_on_emptied_acts_answers_nobody_and_says_so(place: Place, is_closed: Call, request_body: Body) -> None:
    headers = place.key("wei")
    place.decide(request_body, **headers)
    place.write(*EMPTIED)
    place.start()
    is_closed(place)
    assert place.client.post("/v1/evaluate", json=request_body, headers=headers).status_code == 503


def test_a_start_on_emptied_acts_where_the_guard_was_lost_answers_nobody_either(
    place: Place, is_closed: Call, request_body: Body
) -> None:
    place.key("wei")
    place.write(*EMPTIED)
    place.file.with_name(f"{place.file.name}.guard").unlink()
    place.start()
    is_closed(place)


def test_a_store_of_which_everything_was_emptied_is_not_begun_again(place: Place, is_closed: Call) -> None:
    place.key("wei")
    tables = ("acts", "decisions", "unsealed", "log_entries", "log_heads", "log_tiles")
    place.write(*(f"DELETE FROM {table}" for table in tables))
    place.start()
    is_closed(place)
    with closing(sqlite3.connect(place.file)) as connection:
        assert connection.execute("SELECT count(*) FROM acts").fetchone() == (0,)


def test_orders_that_are_not_followed_open_no_gate_where_the_guard_was_lost(place: Place, is_closed: Call) -> None:
    """What whoever writes the database puts between the first orders and that of the key."""
    place.key("wei")
    place.write("UPDATE acts SET receipt = NULL WHERE version = 2")
    place.file.with_name(f"{place.file.name}.guard").unlink()
    place.start()
    response = place.client.get("/v1/keys")
    assert response.status_code == 503, response.get_data()


def test_a_running_worker_whose_store_was_set_back_answers_nobody_and_says_so(
    place: Place, is_closed: Call, request_body: Body
) -> None:
    copy = place.copy()  # of when there was no key, so that everybody was answered
    headers = place.key("wei")
    place.decide(request_body, **headers)
    place.put_back_under(copy)
    is_closed(place)
    assert place.client.post("/v1/evaluate", json=request_body, headers=headers).status_code == 503


def test_a_start_on_a_copy_of_before_answers_nobody_and_says_so(
    place: Place, is_closed: Call, request_body: Body
) -> None:
    copy = place.copy()
    headers = place.key("wei")
    place.put_back(copy)
    place.start()
    is_closed(place)
    assert place.client.post("/v1/evaluate", json=request_body, headers=headers).status_code == 503


def test_a_key_that_was_revoked_is_not_let_in_by_a_copy_of_before(place: Place, request_body: Body) -> None:
    headers = place.key("wei")
    copy = place.copy()
    (key,) = place.assembled.keys.keys()
    Issuing(place.assembled.keys, now=lambda: NOW).revoke(key.id, actor="test", reason="lost")
    place.sealer.seal_all()
    place.put_back(copy)
    place.start()
    for path in ("/v1/decisions", "/v1/policies"):
        assert place.client.get(path, headers=headers).status_code == 503


def test_a_running_worker_sees_that_decisions_are_gone_though_none_waits(
    place: Place, is_closed: Call, request_body: Body
) -> None:
    headers = place.key("wei")
    place.decide(request_body, **headers)
    copy = place.copy()
    place.decide(request_body, **headers)
    place.put_back_under(copy)  # it has every order
    with pytest.raises(Held, match="set back"):
        place.sealer.seal()
    is_closed(place)
    assert place.client.post("/v1/evaluate", json=request_body, headers=headers).status_code == 503


def test_the_store_of_now_put_back_is_gone_on_with(place: Place, is_closed: Call, request_body: Body) -> None:
    before = place.copy().rename(place.file.with_suffix(".before"))
    headers = place.key("wei")
    now = place.copy()
    place.put_back(before)
    place.start()
    is_closed(place)
    place.put_back(now)
    place.start()
    assert place.client.get("/v1/keys").status_code == 401
    place.decide(request_body, **headers)
    assert place.client.get("/readyz").status_code == 200


# ---- what is told


def test_while_nothing_may_be_signed_no_decision_is_made_and_a_preview_is(
    own: Assembled, own_client: FlaskClient, request_body: Body, parsed: Call, conforms: Call
) -> None:
    own.orders.guard.held = "the store at secret place was set back"
    batch = own_client.post("/v1/evaluate/batch", json=[request_body], buffered=True)
    response = own_client.post("/v1/evaluate", json=request_body)
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (503, "/problems/store-unavailable")
    assert "secret" not in response.get_data(as_text=True)
    assert batch.status_code == 503 or batch.get_json()[0]["status"] == 503
    assert own.service.decisions.count() == 0
    ready = own_client.get("/readyz")
    assert (ready.status_code, parsed(ready)["errors"][0]["code"]) == (503, "D105")
    assert "secret" not in ready.get_data(as_text=True)


def test_an_order_that_nobody_signed_is_not_followed_and_somebody_must_look(place: Place, parsed: Call) -> None:
    """It may have been a stop: until it is out of the way nothing is decided."""
    place.write(
        "INSERT INTO acts (id, at, action, version, body, leaf, receipt) SELECT 'x', at, action, 3, body, leaf, receipt"
        " FROM acts WHERE version = 2"
    )
    response = place.client.get("/readyz")
    assert (response.status_code, parsed(response)["errors"][0]["code"]) == (503, "D105")


def test_it_does_not_start_on_a_store_that_was_set_back(
    place: Place, request_body: Body, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = place.copy()
    place.decide(request_body)
    place.put_back(copy)
    with pytest.raises(Unfit, match=r"^not started: the store has 0 records .* it was set back"):
        prepare(place.settings)
    assert serve(place.settings, "localhost", 0, 1) == 1
    out, err = capsys.readouterr()
    assert (out, "it was set back; see `policyctl audit adopt-backup`" in err) == ("", True)

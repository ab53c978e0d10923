"""GET /v1/decisions/export: all of a search, as the log has it, or as a table for a spreadsheet."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.api import examples
from policy_service.api.exports import COLUMNS, records, table
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.ports.log import LogEntry
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.proofs.receipts import digest_of
from policy_service.proofs.tree import leaf_hash
from policy_service.settings import Settings
from policy_service.store import search

Call = Callable[..., Any]
NDJSON, CSV = "application/x-ndjson", "text/csv; charset=utf-8"


@pytest.fixture(scope="module")
def sealed(make_service: Call, rules: Any) -> tuple[Assembled, FlaskClient, list[str]]:
    """Five sealed decisions; each but the fourth earns a reward."""
    own: Assembled = make_service(rules)
    client = create_app(Settings(), assembled=own).test_client()
    made = []
    for n in range(5):
        body = deepcopy(examples.REQUEST)
        body["facts"]["merchant"]["id"] = f"m-{n}"
        body["facts"]["live"]["hours_today"] = 3 if n == 3 else 5
        made.append(client.post("/v1/evaluate", json=body).get_json()["decision_id"])
    assert own.auditing is not None
    own.auditing.sealer.seal_all()
    return own, client, made


def test_each_line_is_the_record_that_was_hashed(sealed: Any, conforms: Call) -> None:
    own, client, made = sealed
    response = client.get("/v1/decisions/export")
    assert response.content_type == NDJSON
    lines = response.get_data().splitlines()
    assert [json.loads(line)["index"] for line in lines] == [2, 3, 4, 5, 6], "behind the acts that the log begins with"
    for id_, line in zip(made, lines, strict=True):
        shown = json.loads(line)
        conforms(shown, "Exported")
        record = line.partition(b'"record":')[2][:-1]
        assert record == own.service.decisions.decision(id_).body
        assert shown["leaf"] == digest_of(leaf_hash(record))


def test_the_filters_are_those_of_the_search(sealed: Any) -> None:
    _, client, made = sealed
    lines = client.get("/v1/decisions/export?merchant=m-2").get_data().splitlines()
    assert [json.loads(line)["record"]["decision_id"] for line in lines] == [made[2]]
    assert client.get("/v1/decisions/export?merchant=m-9").get_data() == b""


def test_the_table_has_a_line_for_each_reward(sealed: Any) -> None:
    _, client, made = sealed
    response = client.get("/v1/decisions/export?format=csv")
    assert response.content_type == CSV
    assert 'filename="decisions.csv"' in response.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    assert [row["decision_id"] for row in rows] == [made[n] for n in (0, 1, 2, 4)]
    assert {key: rows[1][key] for key in ("index", "reward", "subject_id", "amount", "unit", "claim_key")} == {
        "index": "3",
        "reward": "chuanliu_traffic",
        "subject_id": "m-1",
        "amount": "10",
        "unit": "hour",
        "claim_key": "chuanliu.traffic_hours/chuanliu_traffic@merchant:m-1#2023-04-01",
    }


@pytest.mark.parametrize(
    ("accept", "query", "expected"),
    [
        ("*/*", "", NDJSON),
        ("text/csv", "", CSV),
        ("text/csv;q=0.5, application/x-ndjson", "", NDJSON),
        ("text/csv, */*;q=0.1", "?format=ndjson", NDJSON),
    ],
)
def test_the_form_is_the_one_asked_for(sealed: Any, accept: str, query: str, expected: str) -> None:
    response = sealed[1].get(f"/v1/decisions/export{query}", headers={"Accept": accept})
    assert (response.status_code, response.content_type) == (200, expected)


@pytest.mark.parametrize(
    ("query", "status"), [("?format=xml", 422), ("?limit=5", 422), ("?cursor=ZDU", 422), ("?format=csv&x=1", 422)]
)
def test_what_an_export_does_not_know_is_refused(sealed: Any, query: str, status: int) -> None:
    assert sealed[1].get(f"/v1/decisions/export{query}").status_code == status


def test_a_portion_is_read_when_the_one_before_has_been_sent(sealed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    own, _, made = sealed
    monkeypatch.setattr(search, "_PORTION", 2)
    read: list[int] = []
    plain = own.auditing.log.bodies

    def noting(entries: Any) -> Any:
        read.append(len(entries))
        return plain(entries)

    monkeypatch.setattr(own.auditing.log, "bodies", noting)
    client = create_app(Settings(), assembled=own).test_client()
    response = client.get("/v1/decisions/export", buffered=False)
    assert read == [2]
    lines = b"".join(response.response).splitlines()
    assert (read, len(lines)) == ([2, 2, 1], len(made))
    response.close()


def test_a_store_that_cannot_be_read_is_a_problem_and_not_an_empty_file(
    sealed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(sealed[0].auditing.log, "bodies", fails)
    response = sealed[1].get("/v1/decisions/export")
    assert (response.status_code, response.get_json()["type"]) == (503, "/problems/store-unavailable")


# ---- what a spreadsheet must not be made to run

ENTRY = LogEntry(
    7, "decision", "01873a5e-8400-7c3e-9f6b-2b1d6c0a4e11", "ab" * 32, "2023-04-01T00:00:00.000Z", "2023-04-01"
)


def rows(**reward: Any) -> Iterator[dict[str, str]]:
    plain = {"policy": "p.q", "id": "r", "subject": {"type": "merchant", "id": "m-1"}, "kind": "right", "amount": 1}
    body = json.dumps({"bundle": "b", "answer": {"rewards": [plain | reward]}}).encode()
    return csv.DictReader(io.StringIO(b"".join(table([[(ENTRY, body)]])).decode()))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-cmd", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_begins_as_a_formula_does(text: str) -> None:
    (row,) = rows(subject={"type": "merchant", "id": text}, amount=text)
    assert row["subject_id"] == row["amount"] == f"'{text}"


def test_texts_and_numbers_are_cells_of_their_own() -> None:
    (row,) = rows(amount=-1.5, unit='a,"b"\nc')
    assert (row["amount"], row["unit"]) == ("-1.5", 'a,"b"\nc')
    (row,) = rows(amount=True)
    assert row["amount"] == "true"


def test_what_is_hidden_in_the_record_is_hidden_in_the_table() -> None:
    hidden = {"commitment": "hmac-sha256:" + "0" * 64}
    (row,) = rows(subject={"type": "member", "id": hidden}, claim={"key": hidden})
    assert (row["subject_type"], row["subject_id"], row["claim_key"]) == ("member", "hidden", "hidden")


def test_a_record_that_is_lost_has_its_place() -> None:
    assert json.loads(b"".join(records([[(ENTRY, None)]]))) == {
        "index": 7,
        "leaf": "sha256:" + "ab" * 32,
        "record": None,
    }
    (row,) = csv.DictReader(io.StringIO(b"".join(table([[(ENTRY, None)]])).decode()))
    assert (row["decision_id"], row["index"], row["reward"]) == (ENTRY.id, "7", "")
    assert list(row) == list(COLUMNS)

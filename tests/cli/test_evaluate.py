"""`policyctl evaluate`: the answer that HTTP gives, faults told, and a record only when asked for one."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from policy_service.access.trail import Act
from policy_service.app import create_app
from policy_service.assembly import assemble, load_folder
from policy_service.policies.bundle import Bundle
from policy_service.settings import Settings

Run = Callable[..., Result]
Edit = Callable[[str, str, str], None]
RequestFile = Callable[..., Path]


def http(bundle: Bundle, folder: Path) -> FlaskClient:
    """The service with a bundle, on a database in a folder."""
    settings = Settings(database_url=f"sqlite:///{folder}/http.sqlite3")
    assembled = assemble(settings)
    assembled.publishing.adopt_folder(bundle, actor="test")
    return create_app(settings, assembled=assembled).test_client()


def test_a_preview_is_the_canonical_answer_on_one_line(run: Run, rules: Path, request_file: RequestFile) -> None:
    found = run("evaluate", request_file())
    assert (found.exit_code, found.stderr) == (0, "")
    answer = json.loads(found.stdout)
    assert found.stdout == json.dumps(answer, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    assert answer["purpose"] == "preview"
    assert "decision_id" not in answer
    assert [r["id"] for r in answer["rewards"]] == ["bonus", "of_peers", "traffic"]


def test_a_preview_makes_no_database(run: Run, rules: Path, request_file: RequestFile, tmp_path: Path) -> None:
    run("evaluate", request_file())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["request.json", "rules"]


def test_the_answer_is_the_one_of_http(run: Run, rules: Path, request_file: RequestFile, tmp_path: Path) -> None:
    file = request_file({"purpose": "preview"})
    bundle, _, _ = load_folder(rules)
    assert bundle is not None
    client = http(bundle, tmp_path)
    answered = client.post("/v1/evaluate", data=file.read_bytes(), content_type="application/json")
    assert run("evaluate", file).stdout_bytes == answered.data + b"\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"facts": {"live": {"hours": "3", "order": 1}}, "polices": []},
        {"as_of": "2023-02-30", "facts": None},
        {"policies": ["nothing.*"], "bundle": "sha256:1", "options": {"trace": "all", "reach": True}},
        {"supersedes": "x", "merchant_id": "m 1"},
        {"facts": {"merchant": {"id": "m-2"}}, "merchant_id": "m-1"},
    ],
)
def test_a_request_has_the_faults_that_http_finds(
    run: Run, rules: Path, request_file: RequestFile, tmp_path: Path, changes: dict[str, Any]
) -> None:
    file = request_file(changes | {"purpose": "preview"})
    bundle, _, _ = load_folder(rules)
    assert bundle is not None
    client = http(bundle, tmp_path)
    answered = client.post("/v1/evaluate", data=file.read_bytes(), content_type="application/json")
    found = run("evaluate", file, "--format", "json")
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr_bytes == answered.data + b"\n"


def test_standard_input_is_read(run: Run, rules: Path, request_file: RequestFile) -> None:
    file = request_file()
    assert run("evaluate", "-", input=file.read_bytes()).stdout == run("evaluate", file).stdout


def test_a_pretty_answer_is_the_same_indented(run: Run, rules: Path, request_file: RequestFile) -> None:
    pretty = run("evaluate", "--pretty", request_file()).stdout
    assert pretty.startswith('{\n  "as_of": "2023-04-01",\n')
    assert json.loads(pretty) == json.loads(run("evaluate", request_file()).stdout)


def test_the_command_line_replaces_keys_of_the_file(run: Run, rules: Path, request_file: RequestFile) -> None:
    file = request_file({"policies": ["nothing"], "options": {"trace": "none", "unknown_facts": "report"}})
    words = ("--as-of", "2023-04-02", "--policies", "shop.torn", "--policies", "shop.h*", "--trace", "full")
    answer = json.loads(run("evaluate", file, *words).stdout)
    assert answer["as_of"] == "2023-04-02"
    assert {p["policy"] for p in answer["policies"]} == {"shop.hours", "shop.torn"}
    assert all("not_fired" in p for p in answer["policies"])
    assert answer["ignored_facts"] == []


def test_a_preview_is_judged_today_without_a_day(run: Run, rules: Path, request_file: RequestFile) -> None:
    answer = json.loads(run("evaluate", request_file({"as_of": None})).stdout)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", answer["as_of"])


@pytest.mark.parametrize("engine", ["rete", "reference"])
def test_every_engine_answers_alike(run: Run, rules: Path, request_file: RequestFile, engine: str) -> None:
    assert run("evaluate", "--engine", engine, request_file()).stdout == run("evaluate", request_file()).stdout


def test_faults_are_told_on_standard_error(run: Run, rules: Path, request_file: RequestFile) -> None:
    found = run("evaluate", request_file({"facts": {"live": {"hours": "3", "order": 1}}, "polices": []}))
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr == (
        "/facts/live/hours: error A101 wrong-type: a number is needed\n"
        "   hint: write it without quotes\n"
        "/facts/live/order: error A104 unknown-fact: there is no fact `order`\n"
        "   hint: did you mean `orders`?\n"
        "/polices: error A113 unknown-key: there is no key `polices` here\n"
        "   hint: did you mean `policies`?\n"
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body: error A120 malformed-json: the body is empty\n"),
        (b"{", "the body: error A120 malformed-json: the body is not JSON: line 1, column 2\n"),
        (b"\xff", "the body: error A120 malformed-json: the body is not UTF-8: byte 0\n"),
        (b'{"facts":{},"facts":{}}', "/facts: error A119 duplicate-key: the key stands 2 times\n"),
        (b'{"facts":{"live":{"hours":NaN}}}', "/facts/live/hours: error A120 malformed-json: `NaN` is not a number"),
        (b'{"facts":' + b"[" * 20 + b"]" * 20 + b"}", "error A121 too-deep"),
        (b"[]", "error A101 wrong-type"),
    ],
)
def test_a_body_that_is_no_request_is_refused(run: Run, rules: Path, body: bytes, told: str) -> None:
    found = run("evaluate", "-", input=body)
    assert (found.exit_code, found.stdout) == (1, "")
    assert told in found.stderr
    assert "Traceback" not in found.stderr


def test_rules_with_errors_answer_nothing(run: Run, rules: Path, edit: Edit, request_file: RequestFile) -> None:
    edit("shop/hours.yaml", "granted > 0", "grantd > 0")
    found = run("evaluate", request_file())
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr.startswith("rules/shop/hours.yaml:35:11: error L201 name-unknown")


def test_faults_of_cases_do_not_keep_rules_from_answering(
    run: Run, rules: Path, edit: Edit, request_file: RequestFile
) -> None:
    edit("shop/hours.test.yaml", "granted: 10", "grantd: 10")
    assert run("evaluate", request_file()).exit_code == 0


def test_a_missing_folder_is_one_clear_line(run: Run, request_file: RequestFile) -> None:
    found = run("evaluate", "--rules", "nowhere", request_file())
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr.startswith("nowhere:1:1: error P117 rules-folder")


@pytest.mark.parametrize(
    "words", [(), ("nowhere.json",), ("--engine", "x", "-"), ("--trace", "all", "-"), ("--pretty",)]
)
def test_a_wrong_command_line_is_told_as_such(run: Run, rules: Path, words: tuple[str, ...]) -> None:
    assert run("evaluate", *words, input="{}").exit_code == 2


# ---- decisions


@pytest.fixture
def database(tmp_path: Path) -> dict[str, str]:
    return {"POLICY_DATABASE_URL": f"sqlite:///{tmp_path}/var/policy.sqlite3"}


def test_a_decision_is_recorded_with_its_claims(
    run: Run, rules: Path, request_file: RequestFile, database: dict[str, str]
) -> None:
    found = run("evaluate", "--decide", request_file({"purpose": "preview"}), **database)
    assert (found.exit_code, found.stderr) == (0, "")
    answer = json.loads(found.stdout)
    assert answer["purpose"] == "decide"
    assert answer["rewards"][0]["claim"]["key"] == "shop.hours/bonus@merchant:m-1#2023-04-01"
    served = assemble(Settings(database_url=database["POLICY_DATABASE_URL"])).service
    record = served.decision(answer["decision_id"])
    assert record["answer"]["rewards"][0]["id"] == "bonus"
    assert served.replay(answer["decision_id"]).identical


def test_a_preview_records_nothing(run: Run, rules: Path, request_file: RequestFile, database: dict[str, str]) -> None:
    run("evaluate", "--decide", request_file(), **database)
    run("evaluate", request_file({"purpose": "decide"}), **database)
    assert assemble(Settings(database_url=database["POLICY_DATABASE_URL"])).service.decisions.count() == 1


def test_a_decision_needs_its_day(run: Run, rules: Path, request_file: RequestFile, database: dict[str, str]) -> None:
    found = run("evaluate", "--decide", request_file({"as_of": None}), **database)
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr.startswith("/as_of: error A114 key-absent: a decision needs `as_of`")


def test_a_changed_folder_decides_from_then_on(
    run: Run, rules: Path, edit: Edit, request_file: RequestFile, database: dict[str, str]
) -> None:
    before = json.loads(run("evaluate", "--decide", request_file(), **database).stdout)
    edit(
        "shop/hours.yaml",
        "| most | >= min_hours          | >= 100      | 10 ",
        "| most | >= min_hours          | >= 100      | 11 ",
    )
    after = json.loads(run("evaluate", "--decide", request_file(), **database).stdout)
    assert before["bundle"] != after["bundle"]
    assert [next(r["amount"] for r in a["rewards"] if r["id"] == "traffic") for a in (before, after)] == [10, 11]


def test_the_active_bundle_decides_where_an_operator_chose_another(
    run: Run, rules: Path, edit: Edit, request_file: RequestFile, database: dict[str, str]
) -> None:
    first = json.loads(run("evaluate", "--decide", request_file(), **database).stdout)["bundle"]
    edit("shop/hours.yaml", 'amount: "5"', 'amount: "6"')
    run("evaluate", "--decide", request_file(), **database)
    served = assemble(Settings(database_url=database["POLICY_DATABASE_URL"]))
    served.publishing.activate(first, Act("operator", "back"))
    found = run("evaluate", "--decide", request_file(), **database)
    assert json.loads(found.stdout)["bundle"] == first
    assert found.stderr == f"the active bundle decides, not that of the folder: {first}\n"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"POLICY_DATABASE_URL": "sqlite://"}, "POLICY_DATABASE_URL: the store needs the path of a file"),
        ({"POLICY_DATABASE_URL": "no url"}, "POLICY_DATABASE_URL: "),
        ({"POLICY_DATABASE_URL": "sqlite:////proc/none/policy.sqlite3"}, "error: the store cannot be used: "),
        ({"POLICY_ENGINE": "fast"}, "POLICY_ENGINE must be rete or reference, it is `fast`"),
        ({"POLICY_MAX_DEPTH": "deep"}, "POLICY_MAX_DEPTH must be a whole number, it is `deep`"),
    ],
)
def test_a_store_or_setting_that_cannot_be_used_is_one_clear_line(
    run: Run, rules: Path, request_file: RequestFile, setting: dict[str, str], told: str
) -> None:
    found = run("evaluate", "--decide", request_file(), **setting)
    assert (found.exit_code, found.stdout) == (1, "")
    assert told in found.stderr
    assert "Traceback" not in found.stderr

"""The examples: valid requests, answered as the files beside them say, alike on every engine."""

from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from policy_service import canonical
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.engines.registry import engine
from tools.docs.examples import VOLATILE, answer, requests
from tools.docs.markdown import parsed
from tools.docs.shipped import Shipped

ROOT = Path(__file__).parents[2]
REQUESTS = requests(ROOT)
NAMES = [path.stem for path in REQUESTS]


def answer_file(path: Path) -> bytes:
    return path.with_name(f"{path.stem}.answer.json").read_bytes()


def test_there_are_eight_and_each_has_its_answer_and_nothing_else_does() -> None:
    assert len(NAMES) == 8
    files = {p.name for p in (ROOT / "examples").iterdir()}
    assert files == {"README.md"} | {f"{n}{end}" for n in NAMES for end in (".json", ".answer.json")}


@pytest.mark.parametrize("path", REQUESTS, ids=NAMES)
def test_the_answer_is_the_one_beside_the_request(path: Path, rules: Shipped) -> None:
    expected = answer_file(path)
    assert canonical.pretty(answer(rules, path)) + b"\n" == expected
    assert canonical.pretty(parsed(expected)) + b"\n" == expected
    assert not set(VOLATILE) & parsed(expected).keys()


@pytest.mark.parametrize("path", REQUESTS, ids=NAMES)
def test_the_reference_engine_answers_the_same(path: Path, rules: Shipped) -> None:
    request = parsed(path.read_bytes())
    shown = frozenset(entry["policy"] for entry in parsed(answer_file(path))["policies"])
    day, options = date.fromisoformat(request["as_of"]), request.get("options", {})
    question = Question(day, request.get("purpose", "decide"), options.get("trace", "fired"), shown)
    reference = Evaluator(rules.bundle, engine("reference"))
    state = reference.reader.read(request["facts"], day)
    assert canonical.pretty(reference.evaluate(state, question)) + b"\n" == answer_file(path)
    reference.close()


@pytest.mark.parametrize("path", REQUESTS, ids=NAMES)
def test_the_facts_fit_the_schema_that_callers_are_given(path: Path, rules: Shipped) -> None:
    schema = parsed(rules.client.get("/v1/facts").get_data())
    assert list(Draft202012Validator(schema).iter_errors(parsed(path.read_bytes())["facts"])) == []


@pytest.mark.parametrize("path", REQUESTS, ids=NAMES)
def test_the_list_of_examples_names_it_with_its_answer(path: Path) -> None:
    listed = (ROOT / "examples" / "README.md").read_text("utf-8")
    assert f"({path.name})" in listed
    assert f"({path.stem}.answer.json)" in listed


def test_together_they_show_every_kind_of_outcome() -> None:
    answers = [parsed(answer_file(path)) for path in REQUESTS]
    statuses = {entry["status"] for found in answers for entry in found["policies"]}
    reasons = {entry["reason"] for found in answers for entry in found["not_granted"]}
    subjects = {
        entry["subject"]["type"] for found in answers for entry in found["policies"] if "id" in entry["subject"]
    }
    assert statuses == {"applied", "insufficient_facts", "not_applicable"}
    assert reasons >= {"not_met", "not_applicable", "insufficient_facts"}
    assert subjects >= {"merchant", "influencer", "product", "service_provider"}

"""What `check` accepts is decided, recorded, hidden and replayed, whatever facts are sensitive, whatever is posted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count, islice
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from policy_service import canonical
from policy_service.assembly import Assembled, assemble_on
from policy_service.decisions.bundles.checking import check, errors
from policy_service.decisions.deciding.recording import parsed, revealed
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.facts import Fact
from policy_service.language import types
from policy_service.policies.bundle import Bundle, bundle
from policy_service.proofs import keys
from policy_service.settings import Settings
from policy_service.store import connect, migrate

NOON = datetime(2199, 12, 31, 4, 0, tzinfo=UTC)
"""The last day that can be judged."""
SEEDS, FOLDERS, STATES = range(4), 3, 6
MARKED = "u-MARKER-7"


@pytest.fixture(scope="module")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("keys") / "log.pem"
    keys.make(path, Settings().log_origin)
    return str(path)


def with_sensitive(folder: Any, rng: Random) -> dict[str, str]:
    """The sources of a folder in which a third of the facts, ids too, are sensitive."""
    for section in folder.files["facts.yaml"]["sections"].values():
        for fact in section["facts"].values():
            if rng.randrange(3) == 0:
                fact["sensitive"] = "true"
    return folder.sources()  # type: ignore[no-any-return]  folders are of any kind here


def drawn(generate: ModuleType, seed: int) -> Iterator[tuple[Random, Bundle]]:
    """Folders that `check` accepts."""
    size = generate.Size(policies=3, decisions=4, rows=4, depth=2)
    for number in count(1000 * seed):
        rng = Random(number)
        sources = with_sensitive(generate.write_folder(rng, size), rng)
        found, diagnostics = bundle(sources)
        if found is not None and not errors(check(found, diagnostics, sources)):
            yield rng, found


def extreme(facts: dict[str, Any], found: Bundle, as_of: date, rng: Random) -> dict[str, Any]:
    """A state in which some values are the lowest or highest that may be posted, and sensitive texts are marked."""
    for name, posted in facts.items():
        for element in posted if isinstance(posted, list) else [posted]:
            for key, value in element.items():
                fact = found.rules.dictionary.sections[name].facts[key]
                if value is not None and not isinstance(posted, list):
                    element[key] = value_of(fact, value, as_of, rng)
    return facts


def value_of(fact: Fact, value: Any, as_of: date, rng: Random) -> Any:
    match fact.type:
        case types.Text() if fact.sensitive:
            return MARKED
        case types.Text() if not fact.is_id and rng.randrange(2):
            return rng.choice(("", "豈" * fact.max_length, "a" * fact.max_length, '"\\\n\t'))
        case types.Duration() if rng.randrange(2):
            return rng.choice(("P0D", "P73000D", "-P73000D"))
        case types.Date() if rng.randrange(2):
            return rng.choice(("1900-01-01", as_of.isoformat()))
    return value


def service(found: Bundle, place: Path, signing_key: str) -> Assembled:
    database = connect(f"sqlite:///{place}")
    migrate(database)
    settings = Settings(engine="rete", signing_key=signing_key, guard=f"{place}.guard", judge_share="0")
    made = assemble_on(database, settings, now=lambda: NOON, elapsed=lambda: 0.0)
    made.publishing.adopt_folder(found, actor="test")
    return made


def decide(made: Assembled, facts: dict[str, Any], as_of: date, found: Bundle) -> None:
    """One decision in full trace, and all that must hold of it."""
    asked = {"facts": facts, "as_of": as_of.isoformat(), "trace": "full"}
    preview = made.service.evaluate(EvaluateRequest(**asked, purpose="preview"))
    decided = made.service.evaluate(EvaluateRequest(**asked))
    assert canonical.dumps(preview.answer)
    assert canonical.dumps(decided.answer)
    record = made.service.decisions.decision(decided.decision_id)
    assert record is not None
    plain = revealed(record)
    shown = {key: value for key, value in decided.answer.items() if key in plain["answer"]}
    assert canonical.trusted(plain["answer"]) == canonical.trusted(shown)
    assert MARKED.encode() not in record.body
    _hidden(parsed(record.body)["request"]["facts"], plain["request"]["facts"], found)
    replayed = made.service.replay(decided.decision_id)
    assert (replayed.identical, replayed.differences) == (True, ())


def _hidden(recorded: dict[str, Any], plain: dict[str, Any], found: Bundle) -> None:
    """Each sensitive fact stands in the record as a commitment, every other one as it was posted."""
    for fact in found.rules.dictionary:
        one, two = recorded.get(fact.section), plain.get(fact.section)
        pairs = zip(one, two, strict=True) if isinstance(one, list) else [(one or {}, two or {})]
        for hidden, posted in pairs:
            if fact.key in posted:
                is_hidden = isinstance(hidden[fact.key], dict) and list(hidden[fact.key]) == ["commitment"]
                assert is_hidden if fact.sensitive else hidden[fact.key] == posted[fact.key]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_check_accepts_is_decided_recorded_and_replayed(
    seed: int, generate: ModuleType, states: ModuleType, tmp_path: Path, signing_key: str
) -> None:
    for number, (rng, found) in enumerate(islice(drawn(generate, seed), FOLDERS)):
        made = service(found, tmp_path / f"{number}.db", signing_key)
        evaluator = made.service.resolver.active()
        poster = states.Poster(found.rules, lambda day, e=evaluator: e.epoch_program(day).plan, rng, most=3)
        for _ in range(STATES):
            as_of = poster.as_of(rng)
            decide(made, extreme(poster.state(rng, as_of), found, as_of, rng), as_of, found)

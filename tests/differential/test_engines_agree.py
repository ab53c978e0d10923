"""Both engines give the same bytes: on the shipped rules and on random folders, on states around the constants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import count
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from policy_service import canonical
from policy_service.decisions.answers.evaluate import Question
from policy_service.language.builtins import BUILTINS
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.model import HIT_POLICIES

RULES = Path(__file__).parents[2] / "rules"
FAMILIES = sorted({path.parent.name for path in RULES.glob("*/*.yaml")})
# Evaluations: 100 of each family of the shipped rules, 40 of all of them, 14 x 3 x 80 of random folders: nearly 5,000;
# in test_every_pair, test_metamorphic and test_typed_bounds as many again on folders made for it.
FAMILY_STATES, ALL_STATES = 100, 40
RANDOM, FOLDERS, STATES = range(14), 3, 80
VIEWS = 6  # in one of so many evaluations the other traces, filters and the preview are compared too


def compare(judge: Any, poster: Any, rng: Random, times: int, shown: list[str] | None = None) -> None:
    """So many states; those at the beginning once more at the end, in reverse, as no evaluation may leave a trace."""
    first: list[tuple[dict[str, Any], date, bytes]] = []
    for turn in range(times):
        as_of = poster.as_of(rng)
        posted = poster.state(rng, as_of)
        answer = judge.compare(posted, as_of, rng if turn % VIEWS == 0 else None, shown)
        if turn < 5:
            first.append((posted, as_of, canonical.trusted(answer)))
    for posted, as_of, before in reversed(first):
        state = judge.rete.reader.read(posted, as_of)
        question = Question(as_of, trace="full", shown=shown)
        assert canonical.trusted(judge.rete.evaluate(state, question)) == before


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_of_the_shipped_rules(
    family: str, shipped: Bundle, judge_of: Callable[[Bundle], Any], states: ModuleType
) -> None:
    rng, judge = Random(family), judge_of(shipped)
    shown = [p for p in shipped.rules.order if p.startswith(f"{family}.")]
    compare(judge, states.Poster(shipped.rules, judge.plan, rng, most=3), rng, FAMILY_STATES, shown)


def test_the_shipped_rules_together(shipped: Bundle, judge_of: Callable[[Bundle], Any], states: ModuleType) -> None:
    rng, judge = Random(0), judge_of(shipped)
    compare(judge, states.Poster(shipped.rules, judge.plan, rng), rng, ALL_STATES)


@pytest.mark.parametrize("seed", RANDOM)
def test_random_folders(seed: int, generate: ModuleType, states: ModuleType, judging: ModuleType) -> None:
    done = 0
    for number in count(1000 * seed):
        rng = Random(number)
        found, _ = bundle(generate.write_folder(rng).sources())
        if found is None:
            assert number < 1000 * seed + 4 * FOLDERS, "hardly a folder loads"
            continue
        judge = judging.Judge(found)
        try:
            compare(judge, states.Poster(found.rules, judge.plan, rng), rng, STATES)
        except judging.Fault as fault:
            pytest.fail(f"folder {number}: {fault}; fuzz.py --seed {number} cuts it down")
        judge.close()
        done += 1
        if done == FOLDERS:
            break


@given(rng=st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_small_folders_that_shrink(rng: Random, generate: ModuleType, states: ModuleType, judging: ModuleType) -> None:
    written = generate.write_folder(rng, generate.Size(policies=2, decisions=2, rows=3, depth=2)).sources()
    note("\n".join(f"--- {path}\n{text}" for path, text in written.items()))
    found, _ = bundle(written)
    assume(found is not None)
    assert found is not None
    judge = judging.Judge(found)
    poster = states.Poster(found.rules, judge.plan, rng, most=2)
    for _ in range(5):
        as_of = poster.as_of(rng)
        posted = poster.state(rng, as_of)
        note(f"{as_of} {posted}")
        judge.compare(posted, as_of, rng)
    judge.close()


# ---- the generator itself


def test_most_folders_load_and_use_the_whole_language(generate: ModuleType, features: ModuleType) -> None:
    found = [b for seed in range(60) if (b := bundle(generate.write_folder(Random(seed)).sources())[0]) is not None]
    assert len(found) >= 42
    used: Counter[str] = sum((features.features(b) for b in found), Counter())
    wanted = {f"builtin {name}" for name in BUILTINS}
    wanted |= {f"hit {hit}" for hit in HIT_POLICIES} | {f"hit collect {a}" for a in ("sum", "min", "max", "count")}
    wanted |= {f"claim per {per}" for per in ("once", "campaign", "day", "month", "none")}
    wanted |= {f"inputs {n}" for n in range(4)} | {f"outputs {n}" for n in (1, 2, 3)}
    wanted |= {f"default {form}" for form in ("null", "of one output", "of each output")}
    wanted |= {f"header {kind}" for kind in ("Fact", "Decision", "expression", "AsOf", "Parameter")}
    wanted |= {f"header of type {kind}" for kind in ("Boolean", "Date", "Duration", "Enum", "Months", "Number", "Text")}
    wanted |= {
        f"cell {form}"
        for form in (
            "-",
            "not(…)",
            "of several tests",
            "[..]",
            "[..)",
            "(..]",
            "(..)",
            "<",
            "<=",
            ">",
            ">=",
            "=",
            "!=",
            "NullLiteral",
        )
    }
    wanted |= {f"operator {o}" for o in ("+", "-", "*", "/", "=", "!=", "<", "<=", ">", ">=", "= null", "!= null")}
    wanted |= {
        f"tree {node}"
        for node in ("Between", "Conjunction", "Disjunction", "Filter", "If", "In", "ListLiteral", "Negation", "Range")
    }
    wanted |= {f".{part}" for part in ("year", "month", "day", "weekday", "days", "years", "months", "row")}
    wanted |= {f"stacking {rule} with a cap" for rule in ("sum", "max", "first")}
    wanted |= {f"optional {what}" for what in ("all", "some", "none")}
    wanted |= {
        f"decision of a {one} policy in a {two} policy"
        for one, two in (
            ("merchant", "merchant"),
            ("influencer", "merchant"),
            ("merchant", "product"),
            ("product", "product"),
        )
    }
    wanted |= {
        "applies",
        "needs",
        "this",
        "row",
        "campaign",
        "as_of in a cell",
        "suspended policy",
        "suspended reward",
        "exclusion of the bundle",
        "files of one policy: 2",
        "parameter Number dated",
        "expression in a text",
        "reward with validity",
        "reward with except",
        "reward with details",
        "recommendation of each row",
    }
    assert wanted - set(used) == set()


def test_a_seed_gives_one_folder(generate: ModuleType) -> None:
    assert generate.write_folder(Random(7)).sources() == generate.write_folder(Random(7)).sources()

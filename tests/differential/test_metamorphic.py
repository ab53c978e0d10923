"""Rules that say the same in other words give the same answers: what must not matter does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from policy_service import canonical
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.loader import read_folder
from tests.differential import generate, judging
from tests.differential.generator import matrix
from tests.differential.generator.folder import Folder
from tests.differential.generator.kinds import LABEL
from tests.differential.pairs import FIELDS
from tests.differential.states import Poster

Case = tuple[dict[str, Any], date]
Sources = dict[str, str]
RULES = Path(__file__).parents[2] / "rules"
SEEDS, STATES, SHIPPED = range(4), 12, 8


def loaded(sources: Mapping[str, str]) -> Bundle:
    found, diagnostics = bundle(dict(sources))
    assert found is not None, [(d.message, str(d.span)) for d in diagnostics if d.severity == "error"]
    return found


def cases(found: Bundle, rng: Random, count: int = STATES) -> list[Case]:
    judge = judging.Judge(found)
    poster = Poster(found.rules, judge.plan, rng, most=2)
    out = [(poster.state(rng, day), day) for day in (poster.as_of(rng) for _ in range(count))]
    judge.close()
    return out


def answers(found: Bundle, given: Sequence[Case], shown: list[str] | None = None) -> list[str]:
    """What both engines say, as text, without the bundle's id."""
    judge = judging.Judge(found)
    said = [judge.agreed(posted, as_of, shown) for posted, as_of in given]
    judge.close()
    return [canonical.trusted({k: v for k, v in answer.items() if k != "bundle"}).decode() for answer in said]


def folder_of(seed: int) -> Folder:
    """The first folder that loads from a seed on."""
    small = generate.Size(policies=4, decisions=4, rows=4, depth=3)
    found = (generate.write_folder(Random(n), small) for n in range(100 * seed, 100 * seed + 50))
    return next(folder for folder in found if bundle(folder.sources())[0] is not None)


# ---- expressions


LAWS = (
    *(
        (
            f"(if {{boolean}} then {{record}} else {{record2}}).{f}",
            f"if {{boolean}} then {{record}}.{f} else {{record2}}.{f}",
        )
        for f in FIELDS.values()
    ),
    ("sum(if {boolean} then many_whole else tasks.whole)", "if {boolean} then sum(many_whole) else sum(tasks.whole)"),
    ("count(if {boolean} then recs else null)", "if {boolean} then count(recs) else null"),
    ("tasks[flag][whole > 1].part", "tasks[flag and whole > 1].part"),
    ("count(tasks[flag])", "count(tasks[flag].whole)"),
    ("any(tasks.flag)", "list contains(tasks.flag, true) or (if any(tasks.flag) = null then null else false)"),
    ("{date} in [{date2}..{date3}]", "{date} between {date2} and {date3}"),
    ("{decimal} between {integer} and {fine}", "{decimal} >= {integer} and {decimal} <= {fine}"),
    ("{integer} in [{decimal}, {fine}]", "{integer} = {decimal} or {integer} = {fine}"),
    ("{text} in ({text2}, null)", "{text} = {text2} or {text} = null"),
    ("list contains([{integer}, {decimal}], {fine})", "{fine} = {integer} or {fine} = {decimal}"),
    ("not(not({boolean}))", "{boolean}"),
    ("not({boolean} and {boolean2})", "not({boolean}) or not({boolean2})"),
    ("all([{boolean}, {boolean2}])", "{boolean} and {boolean2}"),
    ("any([{boolean}, {boolean2}])", "{boolean} or {boolean2}"),
    ("{integer} != {decimal}", "not({integer} = {decimal})"),
    ("-{decimal}", "0 - {decimal}"),
    ("{integer} - {decimal}", "{integer} + -{decimal}"),
    ("{duration} - {duration2}", "{duration} + -1 * {duration2}"),
    ("{date} - {months}", "{date} + -1 * {months}"),
    ("max({decimal}, {integer})", "-min(-{decimal}, -{integer})"),
    ("min({date}, {date2})", "min([{date2}, {date}])"),
    ("({date} - {date2}).days", "-({date2} - {date}).days"),
    ("abs({decimal})", "max({decimal}, -{decimal})"),
    ("floor({fine}, 2)", "-ceiling(-{fine}, 2)"),
    ("round half even({integer} / 4, 1)", "-round half even({integer} / -4, 1)"),
    ("round half up(mean([{integer}, {decimal}]), 2)", "round half up(({integer} + {decimal}) / 2, 2)"),
    ("modulo({integer}, 7)", "{integer} - 7 * floor({integer} / 7)"),
    (
        "steps({integer}, [0, 7], [{decimal}, {fine}])",
        "if {integer} >= 7 then {fine} else if {integer} >= 0 then {decimal} else null",
    ),
    ("date({date}.year, {date}.month, {date}.day)", "{date}"),
    ("years and months duration({date}, {date2})", "-1 * years and months duration({date2}, {date})"),
)
"""Two ways to say one thing; operands are of the types in braces."""


def filled(law: tuple[str, str], rng: Random) -> tuple[str, str]:
    names = sorted(set(re.findall(r"\{(\w+)\}", law[0] + law[1])))
    chosen = {name: rng.choice(matrix.OPERANDS[name.rstrip("23")]) for name in names}
    return law[0].format(**chosen), law[1].format(**chosen)


@pytest.mark.parametrize("seed", range(4))
def test_two_ways_to_say_one_thing(seed: int) -> None:
    rng = Random(seed)
    pairs = [filled(law, rng) for law in LAWS]
    folder = matrix.write_pairs(rng, [])
    decisions = folder.files["fam/pairs.yaml"]["decisions"]
    decisions |= {f"e{n}{'ab'[side]}": {"expression": pair[side]} for n, pair in enumerate(pairs) for side in (0, 1)}
    found = loaded(folder.sources())
    given = cases(found, rng, 40)
    for case, answer in zip(given, answers(found, given), strict=True):
        values = next(p for p in json.loads(answer)["policies"] if p["policy"] == "fam.pairs")["decisions"]
        differing = [pair for n, pair in enumerate(pairs) if values.get(f"e{n}a") != values.get(f"e{n}b")]
        assert differing == [], case


# ---- names


_NAMES = (
    r"(?:tab|rel|exp|par|reward|advice|out|not|group|more)\d+|col\d+_\d+|[a-f]\d|p\d+|fam|kin|spring|summer"
    r"|merchant|influencer|live|products?|stock"
)
_ROWS = r"|rel\d+_[a-z]+\d*|r\d+"
_OF_TEXTS = re.compile(r"contains\(|starts with\(|ends with\(|string length\(")


def names_of(sources: Sources) -> str:
    """A pattern of the names of a folder; rows are texts too, and stay where texts are taken apart."""
    return _NAMES if any(_OF_TEXTS.search(text) for text in sources.values()) else _NAMES + _ROWS


def renamed(text: str, names: str) -> str:
    return re.sub(rf"(?<![A-Za-z0-9_])(?=(?:{names})(?![A-Za-z0-9_]))", "z", text)


def named_back(text: str, names: str) -> str:
    return re.sub(rf"(?<![A-Za-z0-9_])z(?=(?:{names})(?![A-Za-z0-9_]))", "", text)


@pytest.mark.parametrize("seed", SEEDS)
def test_names_do_not_matter(seed: int) -> None:
    """One letter before every name keeps their order, by which answers are sorted."""
    sources = folder_of(seed).sources()
    names = names_of(sources)
    before, given = loaded(sources), cases(loaded(sources), Random(seed))
    after = loaded({renamed(path, names): renamed(text, names) for path, text in sources.items()})
    other = [(json_renamed(posted, names), as_of) for posted, as_of in given]
    found = [json.loads(named_back(answer, names)) for answer in answers(after, other)]
    assert found == [json.loads(answer) for answer in answers(before, given)]


def json_renamed(posted: dict[str, Any], names: str) -> dict[str, Any]:
    """A state whose sections and facts have their new names."""

    def inner(value: Any) -> Any:
        if isinstance(value, list):
            return [inner(v) for v in value]
        return {renamed(key, names): v for key, v in value.items()} if isinstance(value, dict) else value

    return {renamed(section, names): inner(value) for section, value in posted.items()}


# ---- order


ORDERED = ("rewards", "recommendations", "values", "table", "relation")
"""Mappings whose order is meaning; members of an enumeration stand in their order."""


def shuffled(value: Any, rng: Random, key: str = "") -> Any:
    """The same mappings, written in another order."""
    if isinstance(value, list):
        return [shuffled(v, rng) for v in value]
    if not isinstance(value, Mapping):
        return value
    items = [(k, shuffled(v, rng, k)) for k, v in value.items()]
    if key not in ORDERED:
        rng.shuffle(items)
    return dict(items)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_mappings_does_not_matter(seed: int) -> None:
    folder, rng = folder_of(seed), Random(seed)
    before = loaded(folder.sources())
    given = cases(before, rng)
    after = loaded(Folder(dict(shuffled(folder.files, rng))).sources())
    assert answers(after, given) == answers(before, given)


def shipped_files() -> dict[str, Any]:
    """The shipped rules as mappings of texts."""
    texts = {path: text for path, text in read_folder(RULES).items() if not path.endswith(".test.yaml")}
    return {path: yaml.load(text, yaml.BaseLoader) for path, text in texts.items()}  # noqa: S506  it makes texts alone


class Plain(yaml.SafeDumper):
    """Rule files have no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_sources(files: Mapping[str, Any]) -> Sources:
    return {
        path: yaml.dump(content, Dumper=Plain, allow_unicode=True, sort_keys=False) for path, content in files.items()
    }


# ---- files


def split(files: dict[str, Any], path: str, middle: str) -> dict[str, Any]:
    """The files with one policy in two, the second of which begins on a day in the middle."""
    first, second = deepcopy(files[path]), deepcopy(files[path])
    first["effective"] = {k: v for k, v in first["effective"].items() if k != "through"} | {"to": middle}
    second["effective"]["from"] = middle
    return files | {path: first, path.replace(".yaml", f"@{middle}.yaml"): second}


def dividable(files: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Policies with a period of their own and one file, each with a day inside."""
    policies = [c.get("policy") for p, c in files.items() if "/" in p]
    for path, content in files.items():
        effective = content.get("effective", {})
        if "from" in effective and policies.count(content["policy"]) == 1:
            yield path, middle(effective)


def middle(effective: Mapping[str, str]) -> str:
    start = date.fromisoformat(effective["from"])
    end = date.fromisoformat(effective.get("to") or effective.get("through") or "2024-01-01")
    return (start + max(timedelta(days=2), (end - start) // 2)).isoformat()


def around(day: date, given: Sequence[Case]) -> list[Case]:
    """States of earlier days, so that none of their dates lies ahead, on the days around one."""
    early = [posted for posted, as_of in given if as_of < day]
    return [(posted, day + timedelta(days=n)) for n, posted in zip((-1, 0, 1), early, strict=False)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_in_two(seed: int) -> None:
    folder = folder_of(seed)
    before = loaded(folder.sources())
    given = cases(before, Random(seed))
    for path, day in list(dividable(folder.files))[:2]:
        after, diagnostics = bundle(Folder(split(folder.files, path, day)).sources())
        if after is not None:
            asked = given + around(date.fromisoformat(day), given)
            assert answers(after, asked) == answers(before, asked)
        else:  # a row about the days of one half is dead in the other
            assert {d.code.code for d in diagnostics if d.severity == "error"} == {"T204"}


UNUSED = {
    "policy": "fam.zz_unused",
    "title": LABEL,
    "subject": "merchant",
    "effective": {"from": "2023-02-03", "to": "2023-11-05", "basis": "assumed"},
    "basis": "assumed",
    "optional": ["*"],
    "parameters": {"most": {"type": "integer", "values": [{"from": "2023-02-03", "value": "2"}]}},
    "decisions": {"day": {"expression": "if as_of.month > most then as_of.day else null"}},
    "recommendations": {"more": {"when": "day > 3", "priority": "1", "text": LABEL}},
}


def without_unused(answer: str) -> dict[str, Any]:
    return {
        key: [e for e in value if e["policy"] != UNUSED["policy"]] if isinstance(value, list) else value
        for key, value in json.loads(answer).items()
    }


def check_unused(before: Bundle, after: Bundle, given: list[Case]) -> None:
    found, wanted = answers(after, given), answers(before, given)
    assert [without_unused(a) for a in found] == [json.loads(a) for a in wanted]
    assert any(str(UNUSED["policy"]) in a for a in found)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_policy_that_nobody_uses(seed: int) -> None:
    folder = folder_of(seed)
    before = loaded(folder.sources())
    after = loaded(Folder(folder.files | {"fam/zz_unused.yaml": UNUSED}).sources())
    check_unused(before, after, cases(before, Random(seed)))


def test_the_shipped_rules_said_otherwise(shipped: Bundle) -> None:
    """Files in two, mappings in another order and a policy that nobody uses, all at once: to load them takes long."""
    files, rng = shipped_files(), Random(1)
    divided = list(dividable(files))
    assert len(divided) > 5
    for path, day in divided:
        files = split(files, path, day)
    given = cases(shipped, rng, SHIPPED)
    for day in sorted({day for _, day in divided})[::4]:
        given += around(date.fromisoformat(day), given)
    check_unused(shipped, loaded(as_sources(shuffled(files | {"fam/zz_unused.yaml": UNUSED}, rng))), given)

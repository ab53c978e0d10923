"""What order means: nothing where a thing is found by its name, and part of the bundle where an answer shows it."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random

import pytest
import yaml

from policy_service import canonical
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.decisions.rule_tests.cases import read_cases
from policy_service.diagnostics import Report
from policy_service.engines import registry
from policy_service.policies.bundle import Bundle, bundle, former_id, model_of, stored
from policy_service.policies.loader import is_case_file, read_folder

ROOT = Path(__file__).parents[3]
FOLDERS = ("rules", "tests/conformance/language")
Sources = Mapping[str, str]
Place = tuple[str, ...]


@cache
def sources_of(folder: str) -> Sources:
    return read_folder(ROOT / folder)


def loaded(sources: Sources) -> Bundle:
    found, diagnostics = bundle(sources)
    assert found is not None, diagnostics
    return found


def is_ordered(file: str, path: Place) -> bool:
    """Whether the order of the mapping at a path of a file is part of the bundle."""
    if file == "facts.yaml":
        return path[-1:] == ("values",) and path[:1] == ("sections",)
    return path in (("rewards",), ("recommendations",))


def rewritten(file: str, text: str, change: Callable[[Place, list[object]], None]) -> str:
    """A file with the entries of each of its mappings changed in place."""
    root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    def visit(node: yaml.Node, path: Place) -> None:
        if isinstance(node, yaml.MappingNode):
            change(path, node.value)
            for key, value in node.value:
                visit(value, (*path, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                visit(item, (*path, "-"))

    visit(root, ())
    return str(yaml.serialize(root, allow_unicode=True, width=1_000_000))


def shuffled(sources: Sources, rng: Random) -> Sources:
    """Every mapping whose order is layout in another order, and the files too."""

    def change(file: str) -> Callable[[Place, list[object]], None]:
        return lambda path, entries: None if is_ordered(file, path) else rng.shuffle(entries)

    files = list(sources)
    rng.shuffle(files)
    return {p: sources[p] if is_case_file(p) else rewritten(p, sources[p], change(p)) for p in files}


def answers(sources: Sources) -> list[bytes]:
    """The answers, in full trace, of the policy of each case."""
    of, report = loaded(sources), Report()
    evaluator = Evaluator(of, registry.engine("rete"))
    cases = read_cases(sources, "rules", of.rules, report)
    assert not report.sorted()
    found = [
        canonical.dumps(evaluator.evaluate(case.state, Question(case.as_of, trace="full", shown={case.policy})))
        for case in sorted(cases, key=lambda c: (c.policy, c.span.file, c.span.line))
    ]
    evaluator.close()
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_order_of_what_is_found_by_its_name_is_layout(folder: str) -> None:
    given = sources_of(folder)
    other = shuffled(given, Random(folder))
    assert list(other) != list(given)
    assert loaded(other).id == loaded(given).id
    assert answers(other) == answers(given)


def swapped(sources: Sources, file: str, at: Place) -> Bundle:
    """The bundle with the first two entries of a mapping in each other's place."""
    done = []

    def change(path: Place, entries: list[object]) -> None:
        if path == at:
            entries[:2] = reversed(entries[:2])
            done.append(path)

    found = loaded({**sources, file: rewritten(file, sources[file], change)})
    assert done == [at]
    return found


ORDERED = [
    ("facts.yaml", ("sections", "merchant", "facts", "tier", "values")),
    ("a/p.yaml", ("rewards",)),
    ("a/p.yaml", ("recommendations",)),
]
LAYOUT = [
    ("facts.yaml", ("sections",)),
    ("facts.yaml", ("sections", "merchant", "facts")),
    ("a/p.yaml", ()),
    ("a/p.yaml", ("parameters",)),
    ("a/p.yaml", ("decisions",)),
    ("a/p.yaml", ("rewards", "one", "details")),
]
SMALL = {
    "bundle.yaml": """
time_zone: Asia/Shanghai
exclusions:
  - {id: x, when: merchant.n = 1, basis: assumed, text: {zh: 一, en: One}}
  - {id: y, when: merchant.n = 2, basis: assumed, text: {zh: 二, en: Two}}
""",
    "facts.yaml": """
basis: assumed
sections:
  merchant:
    label: {zh: 商家, en: Merchant}
    facts:
      id: {type: id, label: {zh: 编号, en: Id}}
      n: {type: integer, range: [0, 9], label: {zh: 数, en: Number}}
      tier: {type: enum, values: {a: {zh: 甲, en: A}, b: {zh: 乙, en: B}}, label: {zh: 级, en: Tier}}
  live:
    label: {zh: 直播, en: Live}
    facts:
      on: {type: boolean, label: {zh: 开, en: On}}
""",
    "a/p.yaml": """
policy: a.p
title: {zh: 策略, en: Policy}
subject: merchant
effective: {from: 2023-01-01}
basis: assumed
optional: ["live.*", "merchant.*"]
needs: [live, merchant]
parameters:
  least: {type: integer, values: [{from: 2023-01-01, value: 3}]}
  most: {type: integer, values: [{from: 2023-01-01, value: 5}]}
decisions:
  size: {expression: least + most + merchant.n}
  pair:
    hit: unique
    default: null
    table: |
      | row | merchant.n | live.on | => left: integer | => right: integer |
      | a   | 1          | true    | 1                | 2                 |
      | b   | 2          | true    | 3                | 4                 |
rewards:
  one:
    title: {zh: 一, en: One}
    kind: cash
    amount: 1
    claim: {per: once}
    details: {x: least, y: most}
    except:
      - {id: e, when: merchant.n = 3, text: {zh: 三, en: Three}}
      - {id: f, when: merchant.n = 4, text: {zh: 四, en: Four}}
  two: {title: {zh: 二, en: Two}, kind: cash, amount: 2, claim: {per: once}}
recommendations:
  stay: {priority: 1, text: {zh: 留, en: Stay}}
  go: {priority: 1, text: {zh: 走, en: Go}}
""",
}


@pytest.mark.parametrize(("file", "at"), ORDERED, ids=lambda found: found if isinstance(found, str) else found[-1])
def test_the_order_that_an_answer_shows_is_part_of_the_bundle(file: str, at: Place) -> None:
    assert swapped(SMALL, file, at).id != loaded(SMALL).id


@pytest.mark.parametrize(("file", "at"), LAYOUT, ids=lambda found: found if isinstance(found, str) else str(found[-1:]))
def test_the_order_of_other_mappings_is_not(file: str, at: Place) -> None:
    assert swapped(SMALL, file, at).id == loaded(SMALL).id


LISTS = {
    "rows": ("a/p.yaml", "      | a   | 1          | true    | 1                | 2                 |\n"),
    "exceptions": ("a/p.yaml", "      - {id: e, when: merchant.n = 3, text: {zh: 三, en: Three}}\n"),
    "exclusions": ("bundle.yaml", "  - {id: x, when: merchant.n = 1, basis: assumed, text: {zh: 一, en: One}}\n"),
}


@pytest.mark.parametrize(("file", "line"), LISTS.values(), ids=LISTS)
def test_the_order_of_lines_is_part_of_the_bundle(file: str, line: str) -> None:
    before, _, after = SMALL[file].partition(line)
    following, _, rest = after.partition("\n")
    assert loaded({**SMALL, file: f"{before}{following}\n{line}{rest}"}).id != loaded(SMALL).id


def test_the_order_of_outputs_is_part_of_the_bundle() -> None:
    text = SMALL["a/p.yaml"].replace("=> left:", "=> third:").replace("=> right:", "=> left:")
    text = text.replace("=> third:", "=> right:").replace("| 1                | 2 ", "| 2                | 1 ")
    text = text.replace("| 3                | 4 ", "| 4                | 3 ")
    assert loaded({**SMALL, "a/p.yaml": text}).id != loaded(SMALL).id


def test_needs_and_optional_are_sets() -> None:
    text = SMALL["a/p.yaml"].replace("[live, merchant]", "[merchant, live]")
    text = text.replace('["live.*", "merchant.*"]', '["merchant.*", "live.*"]')
    assert text != SMALL["a/p.yaml"]
    assert loaded({**SMALL, "a/p.yaml": text}).id == loaded(SMALL).id


def test_a_bundle_stored_by_its_former_id_is_found_by_it() -> None:
    found = loaded(SMALL)
    former = former_id(found.rules)
    assert former != found.id
    for id_ in (former, found.id):
        again = stored(SMALL, id_)
        assert again is not None
        assert again.id == id_
    other = swapped(SMALL, "facts.yaml", ("sections",))
    assert former_id(other.rules) != former
    assert stored(SMALL, former_id(other.rules)) is None
    assert stored({}, former) is None


def test_the_model_is_what_the_id_is_the_digest_of() -> None:
    found = loaded(SMALL)
    for id_ in (former_id(found.rules), found.id):
        held = stored(SMALL, id_)
        assert held is not None
        assert canonical.digest(model_of(held)) == id_

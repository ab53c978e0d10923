"""What is written deep inside itself: a typed tree is about as large as its text, or is refused."""

import pytest

from policy_service.diagnostics import Report, plain
from policy_service.language import typed, types
from policy_service.language.checking import MAX_PARTS, Scope, check_expression
from policy_service.language.parser import parse_expression
from policy_service.language.references import Fact
from policy_service.language.types import Boolean, Number

ROWS = tuple(f"r{i}" for i in range(100))
RELATION = types.Relation("p", "rows", ROWS, (("points", Number(0, 0, 99)),))
KINDS: dict[str, types.Type] = {"flag": Boolean(), "n": Number(0, 0, 9), "rows": RELATION}
SCOPE = Scope({name: typed.Load(kind, Fact("", name)) for name, kind in KINDS.items()})
LEAVES = {
    "in": "flag",
    "list contains": "flag",
    "in a range": "n",
    "quotient": "n",
    "steps": "n",
    "mean": "n",
    "if": "n",
}
AROUND = {
    "in": "(({}) in (true, false, true))",
    "list contains": "list contains([true, false, true], {})",
    "in a range": "(if ({}) in [1..5] then 1 else 2)",
    "quotient": "1/(1+{})",
    "steps": "steps({}, [0, 1, 2], [0, 1, 2])",
    "mean": "round half up(mean([{}, 1]), 0)",
    "if": "round half up((if {} > 3 then 1/3 else 1/2) + 1/7, 0)",
}


def check(text: str) -> tuple[typed.Node | None, list[str]]:
    report = Report()
    tree = parse_expression(text, plain(text), report)
    node = check_expression(tree, SCOPE, report) if tree is not None else None
    return node, [d.code.code for d in report.sorted()]


def size(node: typed.Node) -> int:
    return 1 + sum(size(operand) for operand in typed.operands(node))


def nested(form: str, depth: int) -> str:
    text = LEAVES[form]
    for _ in range(depth):
        text = AROUND[form].format(text)
    return f"round half up({text}, 2)" if form == "quotient" else text


@pytest.mark.parametrize("form", AROUND)
def test_a_typed_tree_grows_as_its_text(form: str) -> None:
    sizes = []
    for depth in (3, 6, 12) if form != "mean" else (2, 4, 8):
        node, codes = check(nested(form, depth))
        assert node is not None, codes
        sizes.append(size(node))
    assert sizes[2] - sizes[1] <= 2.5 * (sizes[1] - sizes[0])


def test_rows_inside_rows_are_counted_and_end_at_the_budget() -> None:
    assert check("count(rows[points < 3])")[1] == []
    assert check("count(rows[points < count(rows[points < 3])])")[1] == []
    node, codes = check("count(rows[points < count(rows[points < count(rows[points < 3])])])")
    assert (node, codes) == (None, ["L209"])


def test_the_budget_is_for_one_expression_with_all_that_it_unrolls() -> None:
    parts = MAX_PARTS // len(ROWS) // 2
    assert check(f"sum([{', '.join(['count(rows)'] * (parts // 2))}])")[1] == []
    assert check(f"sum([{', '.join(['count(rows)'] * (2 * parts))}])")[1] == ["L209"]


@pytest.mark.parametrize("length", [330, 3000])
def test_steps_may_be_long(length: int) -> None:
    numbers = ", ".join(map(str, range(length)))
    node, codes = check(f"steps(n, [{numbers}], [{numbers}])")
    assert (codes, node is not None) == ([], True)

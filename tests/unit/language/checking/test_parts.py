"""The typed nodes of the parts of an expression, as the check of the whole finds them."""

import pytest

from policy_service.diagnostics import Report, plain
from policy_service.language import ast, typed
from policy_service.language.checking import Parts, Scope, check_expression
from policy_service.language.parser import parse_expression
from policy_service.language.references import Fact
from policy_service.language.types import Boolean, Enum, Number, Relation

KINDS = {"n": Number(0, 0, 9), "money": Number(2, 0, 900), "yes": Boolean(), "level": Enum(("S", "A"))}
ROWS = Relation("a.b", "rows", ("one", "two"), (("points", Number(0, 0, 9)),))
SCOPE = Scope({name: typed.Load(kind, Fact("live", name)) for name, kind in (KINDS | {"rows": ROWS}).items()})


def parsed(text: str) -> ast.Node:
    found = parse_expression(text, plain(text), Report())
    assert found is not None
    return found


def checked(tree: ast.Node, parts: Parts | None = None) -> typed.Node:
    report = Report()
    found = check_expression(tree, SCOPE, report, parts=parts)
    assert found is not None, [d.message for d in report]
    return found


@pytest.mark.parametrize(
    "text",
    [
        "n > money and not(yes)",
        "n between 1 and money or level = S",
        "n + 1 in (1, 2, [4..money])",
        "level in (S, A) and count(rows[points > 1]) = n",
        "yes and yes",
    ],
)
def test_a_part_is_typed_as_its_text_alone_would_be(text: str) -> None:
    parts, tree = Parts(), parsed(text)
    whole = checked(tree, parts)
    assert parts.of(tree) == whole
    seen = [tree]
    while seen:
        match seen.pop():
            case ast.Conjunction(operands) | ast.Disjunction(operands):
                seen += operands
            case ast.Call(ast.Name("not"), (operand,)):
                seen.append(operand)
            case ast.Comparison(left=operand) | ast.Between(operand=operand) | ast.In(operand=operand) as test:
                assert parts.of(operand) == checked(operand)
                assert parts.of(test) == checked(test)
            case leaf:
                assert parts.of(leaf) == checked(leaf)


def test_a_part_of_a_filter_and_a_tree_that_only_looks_the_same_are_no_parts() -> None:
    parts, tree = Parts(), parsed("count(rows[points > 1]) = n")
    checked(tree, parts)
    inside = next(node for node in ast.walk(tree) if node == ast.Name("points"))
    for other in (inside, parsed("n")):
        with pytest.raises(KeyError):
            parts.of(other)

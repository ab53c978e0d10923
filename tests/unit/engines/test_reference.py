"""What the reference does with trees that no check of rule files has seen."""

from __future__ import annotations

import pytest

from policy_service.diagnostics import Report, plain
from policy_service.engines.reference.interpret import Scope, evaluate
from policy_service.language.parser import parse_expression


@pytest.mark.parametrize(
    "text",
    [
        '@"10:30:00"',
        'duration("PT2H")',
        '@"2021-01-01" * @"P1D"',
        '@"2021-01-01" + @"2021-01-01"',
        '@"P1M" - @"2021-03-01"',
        '@"P10D" / 10',
        '@"P10D" / @"P5D"',
        '@"P1D" ** 2',
        '10 + @"P1D"',
        "2 ** 3",
        "(1 / 3) ** 2",
        '@"P2M" * 1.5',
        '1.5 * @"P2D"',
        "modulo(divisor: 4, dividend: 10)",
        'duration("P1Y").days',
        'duration("P1D").years',
    ],
)
def test_what_it_has_no_meaning_for_it_refuses(text: str) -> None:
    tree = parse_expression(text, plain(text), Report())
    assert tree is not None
    with pytest.raises(NotImplementedError):
        evaluate(tree, Scope({}, lambda _: None, lambda _: None))

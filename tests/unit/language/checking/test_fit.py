"""Values brought to one type: records field by field, lists element by element; and what does not fit says where."""

import pytest

from policy_service.diagnostics import Report, plain
from policy_service.language import typed, types
from policy_service.language.checking import Scope, check_expression
from policy_service.language.parser import parse_expression
from policy_service.language.references import Fact
from policy_service.language.types import Enum, List, Number, Record, Text
from policy_service.language.values import conversion

SMALL, FINE = Number(0, 0, 9), Number(2, 0, 500)
GRADE = Enum(("S", "A"))
COARSE = Record((("n", SMALL), ("g", GRADE)))
FINER = Record((("g", GRADE), ("n", FINE)))
JOINED = Record((("n", Number(2, 0, 900)), ("g", GRADE)))
KINDS: dict[str, types.Type] = {
    "flag": types.Boolean(),
    "name": Text(),
    "grade": GRADE,
    "level": Enum(("S", "B")),
    "coarse": COARSE,
    "finer": FINER,
    "texts": Record((("n", SMALL), ("g", Text()))),
    "other": Record((("n", SMALL), ("g", Enum(("A", "S"))))),
    "hours": Record((("n", Number(0, 0, 9, "hour")), ("g", GRADE))),
    "yuan": Record((("n", Number(2, 0, 9, "yuan")), ("g", GRADE))),
    "short": Record((("n", SMALL),)),
    "days": Record((("n", types.Date()), ("g", GRADE))),
    "huge": Record((("n", Number(0, 0, types.MAX_VALUE)),)),
    "tiny": Record((("n", Number(6, 0, 9)),)),
    "coarses": List(COARSE, 3),
    "finers": List(FINER, 2),
    "grades": List(GRADE, 3),
    "numbers": List(SMALL, 3),
    "fines": List(FINE, 3),
}
SCOPE = Scope({n: typed.Load(k, Fact("", n)) for n, k in KINDS.items()})


def checked(
    text: str, expected: types.Type | None = None
) -> tuple[typed.Node | None, list[tuple[str, str, str | None]]]:
    """The typed tree; code, message and hint of what is wrong."""
    report = Report()
    tree = parse_expression(text, plain(text), report)
    assert tree is not None
    node = check_expression(tree, SCOPE, report, expected)
    return node, [(d.code.code, d.message, d.hint) for d in report]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("if flag then coarse else finer", JOINED),
        ("if flag then finer else coarse", Record(JOINED.fields[::-1])),
        ("[coarse, finer]", List(JOINED, 2)),
        ("[finer, coarse].n", List(Number(2, 0, 900), 2)),
        ("sum([coarse, finer].n)", Number(2, 0, 1800)),
        ("if flag then coarses else finers", List(JOINED, 3)),
        ("if flag then [coarse] else finers", List(JOINED, 2)),
        ("if flag then [[1]] else [[2.5], []]", List(List(Number(1, 10, 25), 1), 2)),
        ("if flag then coarse else null", COARSE),
        ("[null, coarse]", List(COARSE, 2)),
        ('if flag then grades else ["S"]', List(GRADE, 3)),
        ('[grade, if flag then "A" else "S"]', List(GRADE, 2)),
    ],
)
def test_the_type_of_several_holds_each(text: str, kind: types.Type) -> None:
    node, faults = checked(text)
    assert faults == []
    assert node is not None
    assert node.type == kind


def test_a_branch_is_converted_and_the_one_of_that_type_stays() -> None:
    node, _ = checked("if flag then coarse else finer")
    assert isinstance(node, typed.If)
    assert node.then == typed.Convert(JOINED, SCOPE.names["coarse"])
    assert node.otherwise == SCOPE.names["finer"]


def test_other_bounds_or_another_order_of_fields_need_no_conversion() -> None:
    wider = Record((("g", Text()), ("n", Number(2, -5, 10**6))))
    assert conversion(FINER, wider) is None
    assert conversion(List(FINER, 1), List(wider, 9)) is None


def test_constants_are_converted_once() -> None:
    node, _ = checked("if flag then [[1, null]] else [[2.5]]")
    assert isinstance(node, typed.If)
    assert isinstance(node.then, typed.ListOf)
    (inner,) = node.then.items
    assert isinstance(inner.value, typed.ListOf)
    assert [i.value for i in inner.value.items if isinstance(i.value, typed.Const)] == [
        typed.Const(Number(1, 10, 10), 10),
        typed.Const(types.Null(), None),
    ]


def test_null_stays_null_wherever_it_stands() -> None:
    change = conversion(List(COARSE, 3), List(FINER, 3))
    assert change is not None
    assert change([{"n": 3, "g": "S"}, None, {"n": None, "g": None}]) == [
        {"n": 300, "g": "S"},
        None,
        {"n": None, "g": None},
    ]


MEMBER = "declare it `enum(S, A)` too"
SAME = "two enumerations have no common order: declare the members once, in types.yaml"


@pytest.mark.parametrize(
    ("text", "code", "message", "hint"),
    [
        ("if flag then coarse else texts", "L202", "field `g`: a text may be none of S, A", MEMBER),
        ("[texts, coarse]", "L202", "field `g`: a text may be none of S, A", MEMBER),
        ("if flag then [[texts]] else [coarses]", "L202", "field `g`: a text may be none of S, A", MEMBER),
        ("if flag then grade else name", "L202", "a text may be none of S, A", MEMBER),
        ("[name, grade]", "L202", "a text may be none of S, A", MEMBER),
        ("if flag then grades else [name]", "L202", "a text may be none of S, A", MEMBER),
        ('if flag then grades else ["B"]', "L201", "`B` is not a member of the enumeration", "one of S, A"),
        ('[grade, if flag then "A" else "B"]', "L201", "`B` is not a member of the enumeration", "one of S, A"),
        ("if flag then grade else level", "L202", "enum(S, A) and enum(S, B) are two enumerations", SAME),
        ("[coarse, other]", "L202", "field `g`: enum(S, A) and enum(A, S) are two enumerations", SAME),
        ("if flag then hours else yuan", "L203", "field `n`: `hour` and `yuan` do not add up", None),
        ("[hours, yuan]", "L203", "field `n`: `hour` and `yuan` do not add up", None),
        ("[1, true]", "L202", "one element is a number, another a boolean", None),
        ("if flag then coarse else days", "L202", "field `n`: `then` is a number, `else` a date", None),
        ("if flag then coarse else short", "L202", "one record has a field `g`, the other has none", None),
        ("[short, coarse]", "L202", "one record has a field `g`, the other has none", None),
        ("if flag then coarse else 1", "L202", "`then` is a record, `else` a number", None),
        (
            "[huge, tiny]",
            "L205",
            "field `n`: the value may become too large to stay exact",
            "narrow the range of the facts, or round earlier",
        ),
        ("list contains(coarses, texts)", "L202", "field `g`: a text may be none of S, A", MEMBER),
    ],
)
def test_a_fault_names_the_field(text: str, code: str, message: str, hint: str | None) -> None:
    assert checked(text) == (None, [(code, message, hint)])


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (List(Number(1, -99, 99), 9), "a number is needed, this is a record"),
        (List(Record((("n", Number(1, 0, 99)), ("g", GRADE))), 9), "field `n`: a number with 2 decimals does not fit"),
        (List(Record((("n", Number(2, 0, 99)), ("g", GRADE))), 9), "field `n`: values from 0.00 to 5.00 do not fit"),
        (
            List(Record((("n", Number(2, 0, 500)), ("g", Enum(("S",))))), 9),
            "field `g`: enum(S, A) does not fit enum(S)",
        ),
        (List(Record((("n", FINE),)), 9), "one record has a field `g`, the other has none"),
    ],
)
def test_a_list_of_records_fits_a_type_or_says_where_it_does_not(expected: types.Type, message: str) -> None:
    _, ((_, found, _),) = checked("finers", expected)
    assert found.startswith(message)


def test_a_record_is_looked_for_among_finer_ones() -> None:
    node, faults = checked("list contains(finers, coarse)")
    assert faults == []
    assert isinstance(node, typed.Call)
    assert isinstance(node.operands[1], typed.Convert)

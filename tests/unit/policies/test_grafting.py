"""The rules of one bundle with the parameters of another."""

from policy_service.policies.grafting import with_parameters_of

POLICY = """\
policy: a.b
effective: {from: 2023-01-01, basis: assumed}
parameters:
  hours: {type: decimal(2), values: [{from: 2023-01-01, value: 5.00}]}  # a comment
rules: "on"
"""


def test_values_are_taken_over_as_they_are_written() -> None:
    found = with_parameters_of({"a.yaml": POLICY}, {"other.yaml": POLICY.replace("5.00", "7.50")})["a.yaml"]
    assert "value: 7.50" in found
    assert 'rules: "on"' in found
    assert "type: decimal(2)" in found


def test_equal_values_leave_the_text_as_it_is() -> None:
    assert with_parameters_of({"a.yaml": POLICY}, {"a.yaml": POLICY}) == {"a.yaml": POLICY}


def test_files_that_are_no_policies_and_parameters_of_one_side_stay() -> None:
    rules = {"a.yaml": POLICY, "facts.yaml": "basis: stated\n", "empty.yaml": ""}
    other = {"a.yaml": POLICY.replace("hours:", "days:"), "facts.yaml": "basis: assumed\n"}
    assert with_parameters_of(rules, other) == rules


def test_the_file_of_the_same_period_gives_the_values() -> None:
    later = POLICY.replace("2023-01-01, basis", "2024-01-01, basis").replace("5.00", "6.00")
    other = {"a.yaml": POLICY.replace("5.00", "7.00"), "a@2024.yaml": later.replace("6.00", "8.00")}
    found = with_parameters_of({"a.yaml": POLICY, "a@2024.yaml": later}, other)
    assert "value: 7.00" in found["a.yaml"]
    assert "value: 8.00" in found["a@2024.yaml"]


def test_a_moved_period_is_the_same_policy_where_each_side_has_one_file() -> None:
    moved = POLICY.replace("2023-01-01, basis", "2023-02-01, basis").replace("5.00", "7.00")
    assert "value: 7.00" in with_parameters_of({"a.yaml": POLICY}, {"a.yaml": moved})["a.yaml"]


def test_a_moved_period_among_several_files_is_another() -> None:
    later = POLICY.replace("2023-01-01, basis", "2024-01-01, basis")
    rules = {"a.yaml": POLICY, "a@2024.yaml": later}
    moved = POLICY.replace("2023-01-01, basis", "2023-02-01, basis").replace("5.00", "7.00")
    assert with_parameters_of(rules, {"a.yaml": moved}) == rules

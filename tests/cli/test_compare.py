"""`policyctl compare`: why two decisions differ."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]
TABLE = "| >= min_hours          | >= 100      | 10  "


def test_counterfactuals_and_shares_are_shown(
    run: Run, rules: Path, request_file: Callable[..., Path], edit: Callable[[str, str, str], None]
) -> None:
    def decide(orders: int) -> str:
        facts = json.loads(request_file({}).read_text("utf-8"))["facts"]
        facts["live"]["orders"] = orders
        made = run("evaluate", request_file({"facts": facts, "policies": ["shop.hours"]}), "--rules", rules, "--decide")
        id_: str = json.loads(made.stdout)["decision_id"]
        return id_

    one = decide(50)
    edit("shop/hours.yaml", TABLE, TABLE.replace("10  ", "12  "))
    two = decide(120)
    found = run("compare", one, two, "--format", "json")
    assert found.exit_code == 0, found.stderr
    rewards = {reward["id"]: reward for reward in json.loads(found.stdout)["rewards"]}
    traffic = rewards["traffic"]
    assert (traffic["from"], traffic["to"]) == (5, 12)
    assert traffic["with_old"] == {"facts": 5, "rules": 10, "parameters": 12, "calendar": 12}
    assert {name: share["amount"] for name, share in traffic["shares"].items()} == {
        "facts": 6,  # 5 before the rules, 7 after them
        "rules": 1,
        "parameters": 0,
        "calendar": 0,
    }
    lines = [line.split() for line in run("compare", one, two).stdout.splitlines()]
    assert ["shop.hours/traffic", "merchant:m-1", "5", "12", "5", "10", "12", "12"] in lines
    assert ["shop.hours/traffic", "merchant:m-1", "7", "6", "1", "0", "0"] in lines


def test_a_decision_that_does_not_exist_is_told(run: Run) -> None:
    found = run("compare", "a", "b")
    assert (found.exit_code, found.stderr) == (1, "error: there is no decision `a`\n")
    assert run("compare", "a").exit_code == 2

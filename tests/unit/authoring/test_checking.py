"""A check that remembers finds what a check that does not would find, whatever was changed in between."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from policy_service.authoring import checking
from policy_service.authoring.checking import Check, Checked
from policy_service.authoring.folder import Folder
from policy_service.authoring.memory import Memory
from policy_service.decisions.bundles import checking as plain
from policy_service.policies.bundle import load_folder
from policy_service.policies.loader import read_folder

Again = Callable[[], Checked]
Edit = Callable[[str, str, str], None]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return Path(shutil.copytree(Path(__file__).parent / "rules", tmp_path / "rules"))


@pytest.fixture
def edit(rules: Path) -> Edit:
    def change(file: str, old: str, new: str) -> None:
        text = (rules / file).read_text("utf-8")
        assert old in text
        (rules / file).write_text(text.replace(old, new), "utf-8")

    return change


def remembering(rules: Path) -> Check:
    memory = Memory(rules.parent / "cache", "program")
    return Check(Folder(read_folder(rules), rules.as_posix(), memory), memory)


def without(rules: Path) -> Checked:
    found, diagnostics, sources = load_folder(rules)
    all_of_them = plain.check(found, diagnostics, sources, rules.as_posix())
    has_error = any(one.severity == "error" for one in all_of_them)
    return Checked(None if has_error or found is None else found.id, all_of_them)


@pytest.fixture
def again(rules: Path) -> Again:
    """Check the folder with what earlier checks remember; it must be what a check without finds."""

    def check() -> Checked:
        found = remembering(rules).run()
        assert found == without(rules)
        return found

    assert check().diagnostics == []
    return check


# ---- what is not done again


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The policy files of each load of a part of the folder; `*` for a load of all of it."""
    found: list[list[str]] = []
    part, whole = checking.load, checking.bundle

    def load(sources: dict[str, str], folder: str) -> object:
        found.append([path for path in sources if "/" in path])
        return part(sources, folder)

    def bundle(sources: dict[str, str], folder: str) -> object:
        found.append(["*"])
        return whole(sources, folder)

    monkeypatch.setattr(checking, "load", load)
    monkeypatch.setattr(checking, "bundle", bundle)
    return found


@pytest.mark.parametrize(
    ("file", "loaded"),
    [
        (None, []),
        ("second/season.yaml", [["first/hours.yaml", "second/bonus.yaml", "second/season.yaml"]]),
        ("second/season.test.yaml", [["second/season.yaml"]]),
        ("first/hours.test.yaml", [["first/hours.yaml"]]),
        ("bundle.yaml", [["*"]]),
    ],
)
def test_only_what_may_have_changed_is_loaded(
    rules: Path, again: Again, loads: list[list[str]], file: str | None, loaded: list[list[str]]
) -> None:
    if file is not None:
        (rules / file).write_text((rules / file).read_text("utf-8") + "# a note\n", "utf-8")
    remembering(rules).run()
    assert [[*map(str, files)] for files in loads] == loaded
    loads.clear()
    remembering(rules).run()
    assert loads == []


def test_the_cases_of_a_file_come_with_the_policies_that_they_need(rules: Path, again: Again) -> None:
    check = remembering(rules)
    check.run()
    found, cases = check.cases(["second/season.test.yaml"])
    assert [case.name for case in cases] == ["a few orders"]
    assert found.order == ("second.season",)
    found, cases = check.cases(["first/hours.test.yaml"])
    assert set(found.order) == {"first.hours", "second.bonus"}  # they stack


# ---- what makes it stale


STALE: dict[str, tuple[str, str, str]] = {
    "a fact that a policy reads is gone": ("facts.yaml", "      orders: {", "      order: {"),
    "a fact that a case posts is of another type": ("facts.yaml", "frozen: {type: boolean", "frozen: {type: integer"),
    "a fact has another range": ("facts.yaml", "range: [0, 24]", "range: [0, 3]"),
    "a decision that another policy reads is gone": ("first/hours.yaml", "  granted:\n    hit", "  given:\n    hit"),
    "a decision that another policy reads is of another type": (
        "first/hours.yaml",
        "=> level: level",
        "=> level: text",
    ),
    "a row that gives a decision is gone": ("first/hours.yaml", "| high            |", "| low             |"),
    "the period of what another policy reads ends": ("first/hours.yaml", "to: 2024-01-01", "to: 2023-05-01"),
    "an exclusion reads what is not declared": ("bundle.yaml", "when: merchant.frozen", "when: merchant.frosen"),
    "a stacking group has another unit": ("bundle.yaml", "unit: hour", "unit: yuan"),
    "a stacking group is gone": ("bundle.yaml", "  day: {", "  night: {"),
    "a ceiling is lower": ("bundle.yaml", "per_reward: 1000", "per_reward: 5"),
    "a policy that is not there is suspended": (
        "bundle.yaml",
        "suspended: []",
        "suspended: [{policy: a.b, reason: r}]",
    ),
    "a campaign is gone": ("campaigns.yaml", "spring:", "summer:"),
    "a campaign has another end": ("campaigns.yaml", "2023-04-30", "2023-05-30"),
    "a member of a type is gone": ("types.yaml", "members: [low, high]", "members: [low, top]"),
    "a type is not used any more": ("first/hours.yaml", "=> level: level", "=> level: enum(low, high)"),
    "a case expects a row that is gone": ("first/hours.test.yaml", "granted: 10", "given: 10"),
    "a case names a decision that is gone": ("first/hours.yaml", "  level:\n    hit", "  grade:\n    hit"),
    "a policy needs one that needs it": (
        "first/hours.yaml",
        "when: granted > 0",
        "when: decision(second.bonus.points) > 0",
    ),
    "a policy has another id": ("first/hours.yaml", "policy: first.hours", "policy: first.hour"),
    "a policy's id reads as a decision of another": ("second/season.yaml", "second.season", "second.bonus.season"),
    "two files are of one policy": ("second/season.yaml", "second.season", "second.bonus"),
    "a file is no YAML": ("second/season.yaml", "title: {", "title: ["),
    "a file warns": (
        "second/season.yaml",
        "basis: assumed\nrewards",
        "basis: assumed\noptional: [merchant.frozen]\nrewards",
    ),
}


@pytest.mark.parametrize("change", STALE.values(), ids=list(STALE))
def test_each_thing_that_a_finding_rests_on_is_noticed(again: Again, edit: Edit, change: tuple[str, str, str]) -> None:
    before = again()
    edit(*change)
    changed = again()
    assert changed != before
    assert again() == changed  # what was found is not taken for fine the next time
    file, old, new = change
    edit(file, new, old)
    assert again() == before


@pytest.mark.parametrize("file", ["first/hours.yaml", "second/season.yaml", "facts.yaml", "bundle.yaml", "types.yaml"])
def test_a_file_that_goes_is_noticed(rules: Path, again: Again, file: str) -> None:
    (rules / file).rename(rules.parent / "away")
    assert again().diagnostics
    (rules.parent / "away").rename(rules / file)
    assert again().diagnostics == []


def test_a_file_that_comes_is_noticed(rules: Path, again: Again) -> None:
    text = (rules / "second/season.yaml").read_text("utf-8")
    (rules / "second" / "bonus").mkdir()
    (rules / "second" / "bonus" / "more.yaml").write_text(text.replace("second.season", "second.bonus.more"), "utf-8")
    assert again().diagnostics
    (rules / "second" / "bonus" / "more.yaml").unlink()
    (rules / "third.test.yaml").write_text((rules / "second/season.test.yaml").read_text("utf-8"), "utf-8")
    assert again().diagnostics
    (rules / "third.yaml").write_text(text.replace("second.season", "third"), "utf-8")
    again()


def test_a_folder_of_another_name_is_told_with_its_own_name(rules: Path, again: Again, edit: Edit) -> None:
    edit("second/season.yaml", "orders >= 5", "order >= 5")
    again()
    moved = rules.rename(rules.parent / "moved")
    assert remembering(moved).run() == without(moved)


def test_a_folder_that_is_too_large_is_told(again: Again, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy_service.policies.loader.budget.MOST_FILES", 3)
    assert again().diagnostics


def test_what_the_engine_cannot_hold_is_told_each_time(again: Again, edit: Edit) -> None:
    many = " or ".join(f"(live.orders = {n} and live.hours < {n % 24})" for n in range(300))
    edit("second/season.yaml", "when: live.orders >= 5", f"when: {many}")
    assert again() == again()


# ---- anything at all


def _changed(draw: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or ["\n"]
    at = draw.randrange(len(lines))
    match draw.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, draw.choice(lines))
        case 2:
            digits = [i for i, sign in enumerate(lines[at]) if sign.isdigit()]
            if digits:
                place = draw.choice(digits)
                lines[at] = lines[at][:place] + str(draw.randrange(10)) + lines[at][place + 1 :]
        case 3:
            words = [
                "granted",
                "level",
                "hours",
                "orders",
                "first",
                "second",
                "bonus",
                "season",
                "spring",
                "day",
                "low",
            ]
            lines[at] = lines[at].replace(draw.choice(words), draw.choice(words))
        case 4:
            lines.append("# a note\n")
    return "".join(lines)


@pytest.mark.parametrize("seed", range(4))
def test_after_any_change_it_is_what_a_check_without_memory_finds(rules: Path, again: Again, seed: int) -> None:
    draw, clean = random.Random(seed), 0
    files = sorted(rules.rglob("*.yaml"))
    for _ in range(60):
        path = draw.choice(files)
        before = path.read_text("utf-8")
        path.write_text(_changed(draw, before), "utf-8")
        if again().diagnostics:  # a change stays where it is no fault, so that most checks have something to remember
            path.write_text(before, "utf-8")
        else:
            clean += 1
    assert clean > 10

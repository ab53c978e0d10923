"""Nothing that a reader can use is undocumented: the live registries compared with the pages."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest

from policy_service import sources
from policy_service.api.schemas.answer import REASONS, STATUSES
from policy_service.cli.main import main
from policy_service.decisions.rule_tests import expecting
from policy_service.decisions.rule_tests.cases import read_cases
from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import ALL
from policy_service.language.builtins import BUILTINS
from policy_service.policies import model
from policy_service.policies.loader import load, read_folder
from policy_service.problems.kinds import KINDS
from policy_service.settings import Settings
from tools.docs.shipped import Shipped

ROOT = Path(__file__).parents[2]


def commands(group: click.Group, before: str = "") -> list[tuple[str, click.Command]]:
    """All by their names, those of groups too: `keys create`."""
    found = []
    for name in group.list_commands(context := click.Context(group)):
        command = group.get_command(context, name)
        assert command is not None
        found.append((f"{before}{name}", command))
        found += commands(command, f"{before}{name} ") if isinstance(command, click.Group) else []
    return found


COMMANDS = commands(main)


def text(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def part(path: str, heading: str) -> str:
    """A page from a heading to the next of its level."""
    level = heading.split()[0]
    found = re.search(rf"^{re.escape(heading)}$.*?(?=^{level} |\Z)", text(path), re.MULTILINE | re.DOTALL)
    assert found is not None, f"{path} has no heading `{heading}`"
    return found[0]


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[n for n, _ in COMMANDS])
def test_every_command_with_its_options(name: str, command: click.Command) -> None:
    page = part("docs/cli.md", f"### policyctl {name}")
    assert f"Usage: policyctl {name} " in page
    for parameter in command.params:
        for word in (
            parameter.opts if isinstance(parameter, click.Option) else [parameter.make_metavar(click.Context(command))]
        ):
            assert word in page, word
    assert f"[`{name}`]" in text("docs/cli.md")


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda f: f.name)
def test_every_setting_with_its_default(setting: Any) -> None:
    head = f"| `{setting.metadata['variable']}` |"
    row = next(line for line in text("docs/operations.md").splitlines() if line.startswith(head))
    assert (f"| `{setting.default}` |" if str(setting.default) else "| – |") in row
    assert setting.metadata["meaning"] in row


def test_every_fact_in_its_section(rules: Shipped) -> None:
    for section in rules.rules.dictionary.sections.values():
        page = part("docs/facts.md", f"### {section.name}")
        for fact in section.facts.values():
            row = next(line for line in page.splitlines() if line.startswith(f"| `{fact.key}` |"))
            assert fact.label["zh"] in row
            assert fact.label["en"] in row
            assert ("sensitive" in row) == fact.sensitive
            assert all(f"`{member}`" in row for member in fact.values)


@pytest.mark.parametrize("code", ALL, ids=str)
def test_every_code_has_a_page_and_a_line_in_the_index(code: Any) -> None:
    assert text(f"docs/diagnostics/{code.code}.md").startswith(f"# {code}\n")
    row = next(r for r in text("docs/diagnostics/index.md").splitlines() if r.startswith(f"| [{code.code}]"))
    assert code.name in row
    assert code.explanation in row


def test_every_route_with_its_methods(rules: Shipped) -> None:
    page = text("docs/http.md")
    for rule in rules.client.application.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert path == "/docs/{name}" or f"{method} {path}" in page


def test_every_problem_status_and_reason() -> None:
    page = text("docs/http.md")
    for kind in KINDS.values():
        assert f"| {kind.status} | `{kind.type}` |" in page
    for word in (*STATUSES, *REASONS):
        assert f"| `{word}` |" in page, word


def test_every_key_of_requests_and_answers(rules: Shipped) -> None:
    page = text("docs/http.md")
    schemas = rules.client.get("/openapi.json").get_json()["components"]["schemas"]
    for name in (
        "EvaluateRequest",
        "Options",
        "Provenance",
        "Answer",
        "Reward",
        "NotGranted",
        "Recommendation",
        "Claim",
    ):
        for key in schemas[name]["properties"]:
            assert f"| `{key}` |" in page, f"{name}.{key}"


def test_every_builtin_with_its_signature() -> None:
    page = part("docs/language.md", "## Builtins")
    for one in BUILTINS.values():
        assert f"`{one.signature}`" in page
        assert one.meaning in page


def test_every_hit_policy_kind_and_period_of_claims() -> None:
    page = text("docs/rule_files.md")
    hits = {*model.HIT_POLICIES, *(f"collect {a}" for a in model.AGGREGATIONS)}
    for word in (*hits, *model.ADDITIVE_KINDS, *model.STANDING_KINDS, *model.Per.__args__, *expecting.WORDS):
        assert f"`{word}`" in page, word


@pytest.mark.slow
def test_every_key_of_every_rule_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the readers of rule files allow, seen while they read folders that use all of it."""
    allowed: set[str] = set()
    plain = sources.Form.__init__

    def noting(self: Any, node: Any, what: str, report: Any, span: Any, keys: Any) -> None:
        allowed.update(keys)
        plain(self, node, what, report, span, keys)

    monkeypatch.setattr(sources.Form, "__init__", noting)
    for folder in ("rules", "tests/conformance/language"):
        # Other texts than those that this process may have read before, and remembers.
        files = {path: f"{text}\n# read anew\n" for path, text in read_folder(ROOT / folder).items()}
        found, _ = load(files, folder)
        read_cases(files, folder, found, Report())
    page = text("docs/rule_files.md")
    assert {"each", "per_reward", "on_decrease", "monotone", "given", "day_starts", "direction"} <= allowed
    assert sorted(key for key in allowed if f"`{key}`" not in page) == []


def test_every_policy_with_all_that_it_names(rules: Shipped) -> None:
    for policy in rules.rules.policies:
        page = text(f"docs/policies/{policy.id.replace('.', '/')}.md")
        named = [*policy.parameters, *policy.decisions, *(r.id for r in policy.readings)]
        named += [answer.id for answer in (*policy.rewards, *policy.recommendations)]
        assert [name for name in named if f"`{name}`" not in page] == []
        assert policy.title["zh"] in page
        assert all(text in page for reading in policy.readings for text in reading.text.values())
        assert "## Example" in page


def test_every_family_has_an_index_with_its_policies(rules: Shipped) -> None:
    for id_ in rules.rules.order:
        family, _, name = id_.partition(".")
        assert f"[`{id_}`]({name}.md)" in text(f"docs/policies/{family}/index.md")
        assert f"({family}/index.md)" in text("docs/policies/index.md")
        assert f"(docs/policies/{family}/index.md)" in text("README.md")

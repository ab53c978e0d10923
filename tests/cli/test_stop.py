"""`policyctl stop` and `resume`: the red button without HTTP, on the database that the service uses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from policy_service.assembly import Assembled, assemble
from policy_service.settings import Settings

Run = Callable[..., Result]
WHY = ("--reason", "pays twice")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store' / 'policy.sqlite3'}"


@pytest.fixture
def on_store(run: Run, rules: Path, url: str) -> Run:
    """`policyctl` on a database where the shop is active."""
    call: Run = lambda *words: run(*words, POLICY_DATABASE_URL=url, POLICY_ENGINE="reference")  # noqa: E731
    id_ = json.loads(call("bundle", "publish", rules, "--format", "json").stdout)["id"]
    assert call("bundle", "activate", id_, "--reason", "first").exit_code == 0
    return call


@pytest.fixture
def service(on_store: Run, url: str) -> Assembled:
    """A running service that looks at the database at every request."""
    return assemble(Settings(database_url=url, engine="reference", bundle_refresh_ms=0))


def suspended(service: Assembled) -> set[tuple[str, str | None]]:
    active = service.service.evaluators.active()
    assert active is not None
    return {(s.policy, s.reward) for s in active.bundle.rules.settings.suspended}


def test_a_running_service_follows(on_store: Run, service: Assembled) -> None:
    before = suspended(service)
    found = on_store("stop", "shop.spring", *WHY)
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout.startswith("shop.spring is stopped\nactive: sha256:")
    assert suspended(service) == before | {("shop.spring", None)}
    assert on_store("resume", "shop.spring", *WHY).stdout.startswith("shop.spring is resumed\n")
    assert suspended(service) == before
    assert [(one.action, one.actor) for one in service.trail.trail()[:2]] == [
        ("policy.resume", "policyctl"),
        ("policy.stop", "policyctl"),
    ]


def test_a_single_reward_as_json(on_store: Run, service: Assembled) -> None:
    found = json.loads(on_store("stop", "shop.hours", "--reward", "traffic", *WHY, "--format", "json").stdout)
    assert (found["event"]["policy"], found["event"]["reward"], found["new"]) == ("shop.hours", "traffic", True)
    assert ("shop.hours", "traffic") in suspended(service)


def test_a_second_stop_says_since_when(on_store: Run) -> None:
    on_store("stop", "shop.spring", *WHY)
    found = on_store("stop", "shop.spring", "--reason", "other")
    assert found.exit_code == 0
    assert "is stopped already, since " in found.stdout
    assert "by policyctl: pays twice" in found.stdout


def test_what_the_file_suspends_stays_so_and_that_is_told(on_store: Run) -> None:
    on_store("stop", "shop.stopped", *WHY)
    found = on_store("resume", "shop.stopped", *WHY)
    assert found.exit_code == 0
    assert found.stderr.startswith("warning: bundle.yaml")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stop", "shop.gone"), "there is no policy `shop.gone`"),
        (("stop", "shop.hours", "--reward", "gone"), "`shop.hours` has no reward `gone`"),
        (("resume", "shop.gone"), "there is no policy `shop.gone`"),
        (("resume", "shop.hours"), "it is not stopped"),
    ],
)
def test_what_cannot_be_done_is_told(on_store: Run, words: tuple[str, ...], message: str) -> None:
    found = on_store(*words, *WHY)
    assert (found.exit_code, found.stdout, found.stderr) == (1, "", f"error: {message}\n")


def test_a_reason_is_needed(run: Run) -> None:
    assert run("stop", "shop.spring").exit_code == 2
    assert run("resume", "shop.spring").exit_code == 2

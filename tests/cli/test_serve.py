"""`policyctl serve`: its words become what the server is started with."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from policy_service.cli import serve
from policy_service.settings import Settings

Run = Callable[..., Result]
Started = list[tuple[Settings, str, int, int]]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """What the server would have been started with; it ends with 0, or with 1 on port 1."""
    found: Started = []

    def run(settings: Settings, host: str, port: int, workers: int) -> int:
        found.append((settings, host, port, workers))
        return 1 if port == 1 else 0

    monkeypatch.setattr(serve, "run", run)
    return found


def test_it_serves_the_rules_folder_on_loopback(run: Run, started: Started) -> None:
    assert run("serve").exit_code == 0
    ((settings, host, port, workers),) = started
    assert (settings, host, port, workers) == (replace(Settings(), cache=settings.cache), "127.0.0.1", 8000, 2)


def test_its_words_are_handed_on(run: Run, started: Started) -> None:
    words = ("--rules", "elsewhere", "--host", "::1", "--port", "0", "--workers", "4")
    run("serve", *words, POLICY_ENGINE="reference")
    ((settings, host, port, workers),) = started
    assert (settings.rules, settings.engine) == (Path("elsewhere"), "reference")
    assert (host, port, workers) == ("::1", 0, 4)


def test_it_ends_as_the_server_ends(run: Run, started: Started) -> None:
    assert run("serve", "--port", "1").exit_code == 1


def test_a_wrong_setting_is_one_clear_line(run: Run, started: Started) -> None:
    found = run("serve", POLICY_THREADS="many")
    assert found.exit_code == 1
    assert "POLICY_THREADS must be a whole number, it is `many`" in found.stderr
    assert not started


@pytest.mark.parametrize("words", [("--port", "65536"), ("--port", "http"), ("--workers", "0"), ("rules",)])
def test_a_wrong_word_is_a_wrong_command_line(run: Run, started: Started, words: tuple[str, ...]) -> None:
    assert run("serve", *words).exit_code == 2
    assert not started


def test_rules_with_errors_are_not_served(run: Run, tmp_path: Path) -> None:
    found = run("serve", "--rules", tmp_path / "nowhere")
    assert found.exit_code == 1
    assert "error P117 rules-folder" in found.stderr


def test_a_host_that_others_can_reach_is_refused(run: Run, rules: Path) -> None:
    found = run("serve", "--host", "0.0.0.0")
    assert found.exit_code == 1
    assert "0.0.0.0" in found.stderr

"""Two hosts an hour apart whose clocks jump both ways pay nothing that is stopped; at length it is `make clocks`."""

from pathlib import Path

import pytest

from tests.hosts.clocks import Outcome, run


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'clocks.db'}"
    found: str = request.getfixturevalue("postgresql_url")
    return found


def judged(url: str, folder: Path, decisions: int) -> Outcome:
    """A run in which there was something to see, and nothing wrong was seen."""
    found = run(url, folder, decisions)
    print(found.line(url.partition(":")[0]))
    assert found.findings == []
    assert found.read.decisions >= decisions
    assert 0 < found.read.while_stopped < found.read.decisions
    assert set(found.counted("decided")) == {"single", "batch", "pinned"}
    return found


@pytest.mark.slow
def test_no_decision_behind_a_stop_pays_what_it_stops_whatever_the_clocks_say(url: str, tmp_path: Path) -> None:
    judged(url, tmp_path, 200)


@pytest.mark.long
def test_at_length_none_does_either_while_bundles_are_activated_for_now_and_for_later(url: str, tmp_path: Path) -> None:
    found = judged(url, tmp_path, 10_000)
    assert {"stop", "resume", "activate", "schedule", "rollback"} <= set(found.counted("orders"))
    assert 0 < found.read.acts["policy.stop"] < found.counted("orders")["stop"], "some stops were repeated"

"""Two hosts an hour apart whose clocks jump both ways pay nothing that is stopped; at length it is `make clocks`."""

from pathlib import Path

import pytest

from tests.hosts.clocks import run

# Short runs have some fifty orders; the long one is the figure that the documentation states.
COUNTS = [400, pytest.param(10_000, marks=pytest.mark.long)]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'clocks.db'}"
    found: str = request.getfixturevalue("postgresql_url")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("decisions", COUNTS)
def test_no_decision_behind_a_stop_pays_what_it_stops_whatever_the_clocks_say(
    url: str, tmp_path: Path, decisions: int
) -> None:
    found = run(url, tmp_path, decisions)
    print(found.line(url.partition(":")[0]))
    assert found.findings == []
    assert found.read.decisions >= decisions
    assert 0 < found.read.while_stopped < found.read.decisions
    assert set(found.counted("decided")) == {"single", "batch", "pinned"}
    assert {"stop", "resume", "activate", "schedule"} <= set(found.counted("orders"))
    assert found.read.acts["policy.stop"] < found.counted("orders")["stop"], "some stops were repeated"

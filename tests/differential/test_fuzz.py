"""The fuzzer counts, stops by itself, and cuts down and keeps what it finds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

HERE = Path(__file__).parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=HERE.parents[1], capture_output=True, text=True, timeout=1800, check=False
    )


@pytest.mark.parametrize("count", [60, pytest.param(6_000, marks=pytest.mark.long)])
def test_it_stops_by_itself_and_says_what_it_did(count: int) -> None:
    done = run(str(HERE / "fuzz.py"), "--count", str(count), "--seed", "1", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    told = rf"{count} evaluations, {count} against the reference, \d+ against the oracle, 0 differences\n$"
    assert re.search(told, done.stdout)


BROKEN = f"""
    import sys
    from pathlib import Path
    sys.path.insert(0, {str(HERE.parents[1])!r})
    from tests.differential import fuzz, generate, judging

    small = generate.Size(policies=2, decisions=3, rows=3, depth=1)
    generate.write_any = lambda rng: generate.write_folder(rng, small)
    right = judging.Judge.agreed

    def agreed(self, posted, as_of, shown=None):
        answer = right(self, posted, as_of, shown)
        if any(p["decisions"].get("tab1") is not None for p in answer["policies"]):
            raise judging.Fault("the engines differ", {{"rete": b"1", "reference": b"2"}})
        return answer

    judging.Judge.agreed = agreed
    fuzz.DRAWS = 1
    fuzz.HERE, fuzz.FAILURES = Path(sys.argv[1]), Path(sys.argv[1]) / "failures"
"""


def test_it_cuts_down_and_keeps_what_it_finds(tmp_path: Path) -> None:
    """An engine that goes wrong wherever a decision `tab1` has a value: one policy and little more are left."""
    hunt = dedent(BROKEN) + "fuzz.report(next(o.failed for s in range(99) if (o := fuzz.look(s, 9)).failed))\n"
    done = run("-c", hunt, str(tmp_path))
    assert done.returncode == 0, done.stderr
    (kept,) = (tmp_path / "failures").iterdir()
    policies = list((kept / "rules").glob("*/*.yaml"))
    assert len(policies) == 1
    assert len(policies[0].read_text("utf-8").splitlines()) < 30
    assert (kept / "rete.json").read_bytes() == b"1"
    assert json.loads((kept / "case.json").read_text("utf-8"))["facts"]
    again = run("-c", dedent(BROKEN) + "sys.exit(fuzz.replay(Path(sys.argv[2])))\n", str(tmp_path), str(kept))
    assert again.returncode == 1, again.stderr
    assert again.stdout.startswith("Fault: the engines differ\nrete: 1\nreference: 2\n")
    fixed = run(str(HERE / "fuzz.py"), "--replay", str(kept))
    assert (fixed.returncode, fixed.stdout) == (0, "0 differences\n")

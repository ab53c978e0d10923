"""Evaluators come and go, are shared by threads and live on in forked processes; the answers stay the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from random import Random
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from policy_service import canonical
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.engines.registry import engine
from policy_service.policies.bundle import Bundle, bundle

ROOT = Path(__file__).parents[2]


def run(program: str, *arguments: str) -> str:
    """What a program prints in a process of its own, where what C code does to it is seen."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(program), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-3000:]}"
    return done.stdout


PRELUDE = """
    import gc, os, sys
    from datetime import date
    from pathlib import Path
    from policy_service import canonical
    from policy_service.assembly import load_folder
    from policy_service.decisions.answers.evaluate import Evaluator, Question
    from policy_service.engines.registry import engine

    RULES, DAY = load_folder(Path("rules"))[0], date(2023, 4, 1)
    FAMILY = [p for p in RULES.rules.order if p.startswith("chuanliu.")]
    POSTED = {"merchant": {"id": "m-1", "chuanliu_enrolled_on": "2023-01-01", "live_frozen": False},
              "live": {"hours_today": 5}, "distribution": {"orders_180d": 9, "buyer_hours_180d": 12},
              "products": [{"id": "p-1", "public_price": 3, "distribution_price": 2}]}

    def ask(evaluator):
        return canonical.trusted(evaluator.evaluate(evaluator.reader.read(POSTED, DAY), Question(DAY, shown=FAMILY)))
"""


@pytest.mark.parametrize("end", ["dropped", "closed"])
def test_a_thousand_reloads_leave_no_memory_behind(
    end: str, sources: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    """An evaluator of one small policy holds about a megabyte of C; a thousand that stayed would be seen."""
    policy = """
        decisions:
          tier:
            hit: first
            default: 0
            table: |
              | row | merchant.orders | merchant.open | => n: integer |
              | a   | > 100           | true          | 2             |
              | b   | > 10            | -             | 1             |
        rewards:
          gift: {title: {zh: 礼, en: Gift}, kind: cash, amount: tier, when: merchant.open, claim: {per: once}}
    """
    for path, text in sources({"a.p": policy}).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    out = run(
        dedent(PRELUDE)
        + dedent("""
            RULES = load_folder(Path(sys.argv[1]))[0]
            POSTED, FAMILY = {"merchant": {"id": "m-1", "orders": 50, "open": True}}, None

            def resident():
                return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

            answers, sizes = set(), []
            for turn in range(1000):
                evaluator = Evaluator(RULES, engine("rete"))
                answers.add(ask(evaluator))
                if sys.argv[2] == "closed":
                    evaluator.close()
                del evaluator
                if turn in (199, 999):
                    gc.collect()
                    sizes.append(resident())
            print(len(answers), sizes[1] - sizes[0])
        """),
        str(tmp_path),
        end,
    )
    answers, growth = map(int, out.split())
    assert answers == 1
    assert growth < 20_000_000


def test_a_forked_process_uses_what_was_prepared_before() -> None:
    out = run(
        dedent(PRELUDE)
        + dedent("""
            evaluator = Evaluator(RULES, engine("rete"))
            before = ask(evaluator)
            children = []
            for _ in range(3):
                child = os.fork()
                if child == 0:
                    same = all(ask(evaluator) == before for _ in range(50))
                    os._exit(0 if same else 1)
                children.append(child)
            codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
            print(codes, ask(evaluator) == before)
        """)
    )
    assert out.split("\n")[0] == "[0, 0, 0] True"


def ask(evaluator: Evaluator, posted: dict[str, Any], as_of: date) -> bytes:
    state = evaluator.reader.read(posted, as_of)
    return canonical.trusted(evaluator.evaluate(state, Question(as_of, trace="full")))


def test_four_threads_share_an_evaluator(
    shipped: Bundle, judge_of: Callable[[Bundle], Any], states: ModuleType
) -> None:
    rng, judge = Random(4), judge_of(shipped)
    poster = states.Poster(shipped.rules, judge.plan, rng, most=2)
    cases = [(poster.state(rng, day), day) for day in (poster.as_of(rng) for _ in range(12))]
    alone = Evaluator(shipped, engine("rete"))
    expected = [ask(alone, *case) for case in cases]
    shared = Evaluator(shipped, engine("rete"))

    def work(seed: int) -> list[tuple[int, bytes]]:
        order = [place for _ in range(2) for place in Random(seed).sample(range(len(cases)), len(cases))]
        return [(place, ask(shared, *cases[place])) for place in order]

    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = [answer for answers in pool.map(work, range(4)) for answer in answers]
    finally:
        sys.setswitchinterval(switch)
    assert all(answer == expected[place] for place, answer in found)
    alone.close()
    shared.close()


def test_threads_keep_an_epoch_that_is_pushed_out(loaded: Callable[..., Bundle]) -> None:
    """Each day of a parameter's life is an epoch of its own; more of them than an evaluator keeps."""
    days = [date(2023, 1, 1) + timedelta(days=n) for n in range(20)]
    values = ", ".join(f"{{from: {day}, value: {n}}}" for n, day in enumerate(days))
    found = loaded(
        {
            "a.p": f"""
        parameters:
          bonus: {{type: integer, values: [{values}]}}
        decisions:
          n: {{expression: merchant.visits + bonus}}
          more: {{expression: merchant.visits > bonus}}
        """
        }
    )
    evaluator = Evaluator(found, engine("rete"))

    def work(seed: int) -> bool:
        rng = Random(seed)
        for _ in range(150):
            place, visits = rng.randrange(20), rng.randrange(30)
            state = evaluator.reader.read({"merchant": {"id": "m-1", "visits": visits}}, days[place])
            answer = evaluator.evaluate(state, Question(days[place]))
            if answer["policies"][0]["decisions"] != {"n": visits + place, "more": visits > place}:
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
    evaluator.close()


def test_an_evaluator_of_a_random_folder_can_be_made_again(generate: ModuleType, states: ModuleType) -> None:
    """The same sources give the same id and the same answers, whatever was evaluated between."""
    folders = [
        (seed, found)
        for seed in range(8)
        if (found := bundle(generate.write_folder(Random(seed)).sources())[0]) is not None
    ]
    first: dict[int, list[bytes]] = {}
    for turn in range(2):
        for seed, found in folders:
            again, _ = bundle(found.sources)
            assert again is not None
            assert again.id == found.id
            evaluator = Evaluator(again, engine("rete"))
            rng = Random(seed)
            poster = states.Poster(again.rules, lambda day, e=evaluator: e.epoch_program(day).plan, rng, most=1)
            answers = []
            for _ in range(3):
                as_of = poster.as_of(rng)
                answers.append(ask(evaluator, poster.state(rng, as_of), as_of))
            evaluator.close()
            assert first.setdefault(seed, answers) == answers, turn

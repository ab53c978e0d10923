"""schemathesis, with all its checks, against the real server: it does what the contract says, and refuses the rest."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from policy_service.access.principals import ROLES
from policy_service.api import examples
from tests.bundles import one_family

ROOT = Path(__file__).parents[2]
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
CONFIG = Path(__file__).with_name("schemathesis.toml")
BESIDE_A_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # when the test ends, however it ends, so does this
if os.getppid() != int(sys.argv.pop(1)):
    sys.exit("the test has ended")
"""
SERVE = f"""{BESIDE_A_PARENT}
from policy_service.serving import serve
from policy_service.settings import read_settings
sys.exit(serve(read_settings(), "127.0.0.1", 0, 1))
"""
RUN = f"""{BESIDE_A_PARENT}
from schemathesis.cli import schemathesis
schemathesis()
"""
EXAMPLES = 5
"""Per operation and phase, so that the whole takes about a minute."""
SEALED_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Served:
    """A running service, and a key with every role: without one, the first key that is made closes it."""

    url: str
    key: str

    def ask(self, path: str, body: Any = None) -> Any:
        """The JSON of an answer; asked again while the decisions wait to be sealed."""
        host = self.url.removeprefix("http://")
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        until = time.monotonic() + SEALED_SECONDS
        while True:
            with closing(HTTPConnection(host, timeout=60)) as connection:
                connection.request("GET" if body is None else "POST", path, body and json.dumps(body), headers)
                answer = connection.getresponse()
                found = json.loads(answer.read())
            if answer.status < 300:
                return found
            assert found["type"] == "/problems/not-sealed", found
            assert time.monotonic() < until, found
            time.sleep(0.05)


def command(program: str, *words: str) -> list[str]:
    return [sys.executable, "-c", program, str(os.getpid()), *words]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("POLICY_", "GUNICORN"))}
    environment |= {
        "POLICY_DATABASE_URL": f"sqlite:///{tmp_path / 'policy.sqlite3'}",
        "POLICY_RULES": str(one_family(tmp_path)),
    }
    made = subprocess.run(
        [
            sys.executable, "-m", "policy_service", "keys", "create", "--name", "tester", "--format", "json",
            "--rate", "1000000", *(word for role in ROLES for word in ("--role", role)),
        ],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    key = re.search(r"psk_[A-Za-z0-9_-]+", made.stdout)
    assert key
    with (tmp_path / "errors.txt").open("w") as errors:
        process = subprocess.Popen(
            command(SERVE), cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True,
            start_new_session=True,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found, (tmp_path / "errors.txt").read_text()
        yield Served(found[0], key[0])
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


@pytest.fixture
def seeds(served: Served) -> Mapping[str, Any]:
    """Ids of what there is, so that every operation can be asked for something; as much of it as they use up."""
    decisions = [served.ask("/v1/evaluate", {**examples.REQUEST, "as_of": day})["decision_id"] for day in DAYS]
    for id_ in decisions:
        served.ask(f"/v1/decisions/{id_}/proof")
    size = served.ask("/v1/log/head")["size"]
    path = "chuanliu/traffic_hours.yaml"
    (active,) = served.ask("/v1/bundles")["bundles"]
    shown = served.ask(f"/v1/bundles/{active['id']}?sources=true")["files"]
    files = {one["path"]: one["text"] for one in shown}
    assert files[path].count(CELL) == 1
    files[path] = files[path].replace(CELL, CELL.replace("10  ", "11  "))
    other = served.ask("/v1/bundles", {"files": files})["id"]
    for policy in STOPPED:
        served.ask(f"/v1/policies/{policy}/stop", {"reason": "to be resumed"})
    served.ask(f"/v1/bundles/{other}/activate", {"reason": "to be rolled back"})
    served.ask(f"/v1/bundles/{other}/shadow", {"share": "0.000001", "reason": "to be shown"})
    keys = {
        operation: served.ask("/v1/keys", {"name": operation, "roles": ["read"]})["id"]
        for operation in ("rotateKey", "revokeKey")
    }
    return {"decisions": decisions, "size": size, "bundle": other, "stopped": STOPPED, **keys}


DAYS = ("2023-04-01", "2023-04-02")
STOPPED = ("chuanliu.advice", "chuanliu.product_advice")
CELL = "| [10..30)                      | 10  "


@pytest.mark.slow
def test_the_service_does_what_its_contract_says_and_refuses_the_rest(
    served: Served, seeds: Mapping[str, Any], tmp_path: Path
) -> None:
    """Every operation of the contract, every check, valid and invalid data, and sequences that follow the links.

    Checks that are not told of are done: schemathesis.toml names the one that is left out, where and why.
    """
    (tmp_path / "seeds.json").write_text(json.dumps(seeds))
    answered = tmp_path / "answered.txt"
    ran = subprocess.run(
        command(
            RUN, "--config-file", str(CONFIG), "run", f"{served.url}/openapi.json", "--no-color",
            "--mode", "all", "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", str(EXAMPLES),
            "--generation-deterministic", "--continue-on-failure", "--no-shrink",
            "--request-timeout", "60", "--header", f"Authorization: Bearer {served.key}",
        ),
        cwd=tmp_path,
        env=os.environ
        | {
            "SCHEMATHESIS_HOOKS": str(HOOKS),
            "PYTHONPATH": str(ROOT),
            "SEEDS": str(tmp_path / "seeds.json"),
            "ANSWERED": str(answered),
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Unsupported regex" not in ran.stdout, ran.stdout
    assert untested(served.ask("/openapi.json"), answered.read_text()) == {}


def untested(contract: Mapping[str, Any], answered: str) -> dict[str, list[str]]:
    """The operations that never did what they are for, with the statuses they answered instead."""
    statuses = defaultdict(set)
    for line in answered.splitlines():
        operation, status = line.split()
        statuses[operation].add(status)
    operations = {
        one["operationId"] for path in contract["paths"].values() for one in path.values() if "operationId" in one
    }
    return {name: sorted(statuses[name]) for name in sorted(operations) if not any(s[0] == "2" for s in statuses[name])}

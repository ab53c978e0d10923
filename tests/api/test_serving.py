"""The real server: gunicorn with its worker processes, on a free port."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pytest

from policy_service.api import examples
from policy_service.assembly import assemble
from policy_service.proofs import keys
from policy_service.serving import serve
from policy_service.settings import Settings
from tests.agents import starting_agents, write_public
from tests.bundles import one_family

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
SERVE = """
import sys
from policy_service.serving import serve
from policy_service.settings import read_settings
sys.exit(serve(read_settings(), sys.argv[1], 0, int(sys.argv[2])))
"""
DEADLINE = 180.0
Answer = tuple[int, Any, dict[str, str]]


def until(condition: Callable[[], bool], what: str) -> None:
    """Polls; what never comes true fails."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.01)


class Server:
    """A server under way. Its standard error goes to a file, which can be read while it runs."""

    def __init__(self, folder: Path, rules: Path, command: list[str], environment: dict[str, str]) -> None:
        self.database = f"sqlite:///{folder / 'policy.sqlite3'}"
        self.errors = folder / "errors.txt"
        known = {k: v for k, v in os.environ.items() if not k.startswith(("POLICY_", "GUNICORN"))}
        known |= {"POLICY_DATABASE_URL": self.database, "POLICY_RULES": str(rules)} | environment
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=known, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
            )
        self.port = 0

    def announced(self) -> str:
        """What it prints when it listens; empty if it ended before."""
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", first):
            self.port = int(found[1])
            return first + self.process.stdout.readline()
        return first

    def stderr(self) -> str:
        return self.errors.read_text()

    def workers(self) -> set[int]:
        """All workers that were ever begun."""
        return {int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", self.stderr())}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            data = None if body is None else json.dumps(body)
            kinds = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, data, kinds | {k.replace("_", "-"): v for k, v in headers.items()})
            response = connection.getresponse()
            return response.status, json.loads(response.read()), dict(response.getheaders())
        finally:
            connection.close()

    def evaluate(self, **headers: str) -> Answer:
        return self.ask("POST", "/v1/evaluate", examples.REQUEST, **headers)

    def raw(self, data: bytes) -> bytes:
        """What comes back for bytes on a connection, up to its end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def kill(self) -> None:
        """SIGKILL to the master and every worker at once."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE)
        assert self.process.stdout is not None
        self.process.stdout.close()


Start = Callable[..., Server]


@contextmanager
def starting(folder: Path, rules: Path) -> Iterator[Start]:
    """Starts servers on a store in a folder; they end with it."""
    servers: list[Server] = []

    def begin(
        host: str = "127.0.0.1", workers: int = 2, command: list[str] | None = None, **environment: str
    ) -> Server:
        made = command or [sys.executable, "-c", SERVE, host, str(workers)]
        servers.append(Server(folder, rules, made, environment))
        return servers[-1]

    try:
        yield begin
    finally:
        for server in servers:
            server.kill()


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return one_family(tmp_path_factory.mktemp("served"))


@pytest.fixture
def start(tmp_path: Path, rules: Path) -> Iterator[Start]:
    with starting(tmp_path, rules) as begin:
        yield begin


@pytest.fixture
def server(start: Start) -> Server:
    """One that a test has for itself."""
    begun = start()
    assert begun.announced(), begun.stderr()
    return begun


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, rules: Path) -> Iterator[Server]:
    """For tests that only ask."""
    with starting(tmp_path_factory.mktemp("shared"), rules) as begin:
        begun = begin()
        assert begun.announced(), begun.stderr()
        yield begun


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, rules: Path) -> Iterator[Server]:
    """One that waits a second for a request; for tests that only ask."""
    with starting(tmp_path_factory.mktemp("impatient"), rules) as begin:
        begun = begin(workers=1, POLICY_READ_SECONDS="1")
        assert begun.announced(), begun.stderr()
        yield begun


def stored(server: Server) -> Any:
    return assemble(Settings(database_url=server.database), signs=False).service.decisions


# ---- start


def test_it_says_where_it_listens_and_the_request_it_prints_earns_a_reward(start: Start) -> None:
    server = start()
    said = server.announced()
    words = shlex.split(said.splitlines()[1].removeprefix("try: "))
    assert words[:3] == ["curl", "-s", f"http://127.0.0.1:{server.port}/v1/evaluate"]
    assert words[3:5] == ["-H", "Content-Type: application/json"]
    status, answer, _ = server.ask("POST", "/v1/evaluate", json.loads(words[6]))
    assert status == 201
    assert [r["id"] for r in answer["rewards"]] == ["chuanliu_traffic"]
    assert server.ask("GET", "/readyz")[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_without_keys_no_other_host_is_bound(capsys: pytest.CaptureFixture[str], tmp_path: Path, host: str) -> None:
    assert serve(Settings(database_url=f"sqlite:///{tmp_path / 'policy.sqlite3'}"), host, 0, 1) == 1
    said = (
        f"without keys the service binds loopback only: `{host}` is refused; make a key first: "
        "policyctl keys create --name admin --role admin\n"
    )
    assert capsys.readouterr() == ("", said)


GIVEN = """
import os, socket, sys
sys.path.insert(0, os.getcwd())
bound = socket.create_server((sys.argv[1], 0))
print(f"bound http://127.0.0.1:{bound.getsockname()[1]}\\nto be given", flush=True)
os.dup2(bound.fileno(), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
command = [sys.executable, *sys.argv[2:]]
os.execv(command[0], command)
"""
"""As systemd starts a service whose socket it has bound."""
GUNICORN = ("-m", "gunicorn", "policy_service.wsgi:app")
OURS = ("-c", SERVE, "127.0.0.1", "1")


@pytest.mark.parametrize("command", [GUNICORN, OURS], ids=["gunicorn", "serve"])
def test_without_keys_no_other_socket_of_systemd_is_used(start: Start, command: tuple[str, ...]) -> None:
    server = start(command=[sys.executable, "-c", GIVEN, "0.0.0.0", *command])
    until(lambda: server.process.poll() is not None or server.workers() != set(), "it ends, or serves")
    assert server.process.poll() == 1
    assert "without keys the service binds loopback only: `0.0.0.0` is refused" in server.stderr()
    assert "First-Key-Token" not in server.stderr()


@pytest.mark.parametrize("command", [GUNICORN, OURS], ids=["gunicorn", "serve"])
def test_a_loopback_socket_of_systemd_is_used(start: Start, command: tuple[str, ...]) -> None:
    server = start(command=[sys.executable, "-c", GIVEN, "127.0.0.1", *command])
    assert server.announced(), server.stderr()
    assert server.ask("GET", "/healthz")[0] == 200


def test_with_a_key_any_socket_of_systemd_is_used_and_no_token_is_told(start: Start, tmp_path: Path) -> None:
    signing = {"POLICY_SIGNING_KEY": str(tmp_path / "signing.pem")}
    keys.make(tmp_path / "signing.pem", "any")
    environment = os.environ | {"POLICY_DATABASE_URL": start(command=["true"]).database} | signing
    made = [sys.executable, "-m", "policy_service", "keys", "create", "--name", "a", "--role", "read"]
    subprocess.run(made, cwd=ROOT, env=environment, check=True, capture_output=True)
    server = start(command=[sys.executable, "-c", GIVEN, "0.0.0.0", *GUNICORN], **signing)
    assert server.announced(), server.stderr()
    assert server.ask("GET", "/v1/facts")[0] == 401
    assert "First-Key-Token" not in server.stderr()


def test_a_reload_that_binds_another_host_without_keys_ends_the_service(start: Start, tmp_path: Path) -> None:
    bind, ours = tmp_path / "bind", (ROOT / "gunicorn.conf.py").read_text()
    (tmp_path / "own.conf.py").write_text(f"{ours}\nbind = open({str(bind)!r}).read()\n")
    bind.write_text("127.0.0.1:0")
    server = start(command=[sys.executable, *GUNICORN, "-c", str(tmp_path / "own.conf.py")])
    until(lambda: len(server.workers()) == 2 or server.process.poll() is not None, "workers are begun")
    bind.write_text("0.0.0.0:0")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.process.poll() is not None or len(server.workers()) > 2, "it ends, or begins new workers")
    assert server.process.poll() == 1
    assert "without keys the service binds loopback only: `0.0.0.0` is refused" in server.stderr()


def test_the_first_key_is_made_once_with_what_the_start_told(start: Start) -> None:
    server = start()
    assert server.announced(), server.stderr()
    (line,) = [one for one in server.stderr().splitlines() if one.startswith("curl ")]
    words = shlex.split(line)
    assert words[:3] == ["curl", "-s", f"http://127.0.0.1:{server.port}/v1/keys"]
    name, token = words[6].split(": ")
    body = json.loads(words[8])
    assert (words[4], name, body) == (
        "Content-Type: application/json", "First-Key-Token", {"name": "admin", "roles": ["admin"]},
    )  # fmt: skip
    assert server.ask("POST", "/v1/keys", body)[0] == 403
    assert server.ask("POST", "/v1/keys", body, First_Key_Token=token[::-1])[0] == 403
    with ThreadPoolExecutor(8) as pool:
        bodies = [body | {"name": f"admin-{number}"} for number in range(40)]
        answers = list(pool.map(lambda one: server.ask("POST", "/v1/keys", one, First_Key_Token=token), bodies))
    (made,) = [answer for status, answer, _ in answers if status == 201]
    assert {status for status, _, _ in answers} <= {201, 401, 403}
    listed = server.ask("GET", "/v1/keys", Authorization=f"Bearer {made['key']}")[1]["keys"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert server.stderr().count(token) == 1


def test_rules_with_errors_are_refused_with_every_place(start: Start, tmp_path: Path) -> None:
    rules = shutil.copytree(ROOT / "rules", tmp_path / "rules")
    broken = rules / "chuanliu" / "traffic_hours.yaml"
    broken.write_text(
        broken.read_text().replace("[10..30)", "[5..30)").replace("granted_hours > 0", "granted_hour > 0")
    )
    server = start(POLICY_RULES=str(rules))
    assert server.announced() == ""
    assert server.process.wait(DEADLINE) == 1
    place = re.escape(broken.as_posix())
    assert re.search(rf"{place}:\d+:\d+: error L201", server.stderr())
    assert server.stderr().endswith(f"not started: the rules in `{rules}` have errors\n")
    assert "Traceback" not in server.stderr()


def test_a_folder_without_rules_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert serve(Settings(rules=tmp_path / "nothing"), "localhost", 0, 1) == 1
    out, err = capsys.readouterr()
    assert (out, "P117" in err) == ("", True)


def test_a_store_that_cannot_be_opened_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    url = f"sqlite:///{tmp_path}/file/policy.sqlite3"
    assert serve(Settings(rules=ROOT / "rules", database_url=url), "localhost", 0, 1) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("not started: the store cannot be used: ")


def test_a_port_that_is_taken_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert serve(Settings(), "127.0.0.1", port, 1) == 1
    assert capsys.readouterr() == (
        "",
        f"not started: cannot listen on 127.0.0.1, port {port}: Address already in use\n",
    )


def test_gunicorn_started_by_itself_serves_and_refuses_alike(start: Start) -> None:
    gunicorn = [sys.executable, "-m", "gunicorn", "policy_service.wsgi:app"]
    server = start(command=[*gunicorn, "--bind", "127.0.0.1:0"])
    until(lambda: "Listening at" in server.stderr() or server.process.poll() is not None, "gunicorn listens")
    server.port = int(re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", server.stderr())[1])
    assert server.evaluate()[0] == 201
    server.process.terminate()
    assert server.process.wait(DEADLINE) == 0
    other = start(command=[*gunicorn, "--bind", "0.0.0.0:0"])
    assert other.process.wait(DEADLINE) == 1
    assert "without keys the service binds loopback only" in other.stderr()


# ---- the key that signs the log


ISSUER = {"oidc_issuer": "https://issuer.example", "oidc_audience": "policy-service"}


@pytest.fixture
def asked(tmp_path: Path) -> Settings:
    """With an issuer of tokens, so that any host may be bound."""
    url = f"sqlite:///{tmp_path / 'policy.sqlite3'}"
    return Settings(rules=tmp_path / "nothing", database_url=url, **ISSUER)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_loopback_no_key_is_made_beside_the_database(
    capsys: pytest.CaptureFixture[str], asked: Settings, tmp_path: Path, host: str
) -> None:
    assert serve(asked, host, 0, 1) == 1
    said = (
        f"not started: beyond loopback, as on `{host}`, make the key that signs the log, apart from the database: "
        "`policyctl audit new-key signing.pem`, `export POLICY_SIGNING_KEY=signing.pem`\n"
    )
    assert capsys.readouterr() == ("", said)
    assert not (tmp_path / "policy.sqlite3.signing-key.pem").exists()


def test_beyond_loopback_no_key_is_taken_from_beside_the_database(
    capsys: pytest.CaptureFixture[str], asked: Settings, tmp_path: Path
) -> None:
    assemble(asked)
    assert serve(asked, "0.0.0.0", 0, 1) == 1
    beside = tmp_path / "policy.sqlite3.signing-key.pem"
    assert f": `mv {beside} signing.pem`, `export POLICY_SIGNING_KEY=signing.pem`" in capsys.readouterr().err
    named = replace(asked, signing_key=str(beside.rename(tmp_path / "signing.pem")))
    assert serve(named, "0.0.0.0", 0, 1) == 1
    assert "P117" in capsys.readouterr().err, "it came as far as the rules"


def test_gunicorn_started_by_itself_wants_a_key_too(start: Start) -> None:
    command = [sys.executable, "-m", "gunicorn", "policy_service.wsgi:app", "--bind", "0.0.0.0:0"]
    other = start(command=command, **{f"POLICY_{name.upper()}": value for name, value in ISSUER.items()})
    assert other.process.wait(DEADLINE) == 1
    assert "`policyctl audit new-key signing.pem`" in other.stderr()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[tuple[Callable[[], subprocess.Popen[str]], dict[str, str]]]:
    """What starts an agent with a key, and the settings of a service that has it sign."""
    keys.make(tmp_path / "key.pem", "any")
    with TemporaryDirectory() as short, starting_agents() as begin:  # the path of a socket must be short
        public = write_public(tmp_path / "key.pem", tmp_path / "key.pub")
        settings = {"POLICY_SIGNING_KEY": str(public), "POLICY_SIGNING_AGENT": f"{short}/agent"}
        yield lambda: begin(f"{short}/agent", tmp_path / "key.pem"), settings


def test_one_agent_signs_for_all_workers_and_while_it_is_gone_nothing_is_decided(start: Start, agent: Any) -> None:
    begin, settings = agent
    signing = begin()
    server = start(**settings)
    assert server.announced(), server.stderr()
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: server.evaluate()[0], range(40)))
    assert statuses == [201] * 40
    signing.kill()
    signing.wait()
    status, problem, _ = server.evaluate()
    assert (status, problem["type"]) == (503, "/problems/store-unavailable")
    until(lambda: server.ask("GET", "/readyz")[0] == 503, "it is not ready")
    begin()
    assert server.evaluate()[0] == 201
    assert server.ask("GET", "/readyz")[0] == 200
    assert stored(server).count() == 41


def test_without_its_agent_it_does_not_start(start: Start, agent: Any) -> None:
    _, settings = agent
    server = start(**settings)
    assert server.announced() == ""
    assert server.process.wait(DEADLINE) == 1
    assert server.stderr().startswith(f"not started: the agent at `{settings['POLICY_SIGNING_AGENT']}` does not sign:")


# ---- end


@pytest.mark.parametrize("end", ["a terminal's Ctrl-C", "SIGTERM"])
def test_a_request_under_way_is_finished_and_logged_before_the_end(server: Server, end: str) -> None:
    body = json.dumps(examples.REQUEST).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as connection:
        head = b"POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")  # a worker has it
        if end == "SIGTERM":
            server.process.terminate()
        else:
            os.killpg(server.process.pid, signal.SIGINT)
        until(lambda: "Worker exiting" in server.stderr(), "the other worker has ended")
        connection.sendall(body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 201 ")
    decision = json.loads(answer.partition(b"\r\n\r\n")[2])["decision_id"]
    assert server.process.wait(DEADLINE) == 0
    assert stored(server).decision(decision) is not None


def test_a_kill_loses_no_decision_that_was_answered(server: Server, start: Start) -> None:
    answered: list[str] = []

    def post(_: int) -> None:
        try:
            while len(answered) < 10_000:
                status, answer, _ = server.evaluate()
                assert status == 201
                answered.append(answer["decision_id"])
        except (OSError, HTTPException, json.JSONDecodeError):
            return  # killed under way: not answered

    with ThreadPoolExecutor(6) as pool:
        clients = [pool.submit(post, i) for i in range(6)]
        until(lambda: len(answered) >= 50, "fifty decisions are answered")
        server.kill()
        for client in clients:
            client.result(DEADLINE)
    decisions = stored(server)
    assert len(set(answered)) == len(answered) >= 50
    assert [id_ for id_ in answered if decisions.decision(id_) is None] == []
    again = start()
    assert again.announced()
    assert again.ask("GET", f"/v1/decisions/{answered[-1]}")[0] == 200
    assert again.evaluate()[0] == 201


def test_a_worker_that_dies_is_replaced_and_nothing_answered_is_lost(server: Server) -> None:
    first = server.evaluate()[1]["decision_id"]
    workers = server.workers()
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    until(lambda: len(server.workers()) == 4, "new workers are there")
    assert server.ask("GET", f"/v1/decisions/{first}")[0] == 200
    assert server.evaluate()[0] == 201


# ---- several processes, one store


def test_under_one_key_all_workers_together_decide_once(shared: Server) -> None:
    before = stored(shared).count()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shared.evaluate(Idempotency_Key="order-1"), range(40)))
    assert {status for status, _, _ in answers} == {201}
    assert len({json.dumps(answer, sort_keys=True) for _, answer, _ in answers}) == 1
    assert sum("Idempotent-Replayed" not in headers for _, _, headers in answers) == 1
    assert stored(shared).count() == before + 1


# ---- HTTP as it should not be

HEAD = b"POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = json.dumps(examples.REQUEST).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_a_body_in_chunks_is_read(shared: Server) -> None:
    data = CHUNKED + _chunk(BODY[:50]) + _chunk(BODY[50:]) + b"0\r\n\r\n"
    assert shared.raw(data).startswith(b"HTTP/1.1 201 ")


def test_every_request_that_is_no_http_gets_a_problem_and_harms_nothing(shared: Server) -> None:
    before = stored(shared).count()
    too_large = CHUNKED + b"".join(_chunk(b" " * 65536) for _ in range(17)) + b"0\r\n\r\n"
    bad = {
        b"nonsense\r\n\r\n": 400,
        b"GET / HTTP/9.9\r\n\r\n": 400,
        b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n": 414,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n": 431,
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: example.com\r\n\r\n": 400,
        b"GET /healthz HTTP/1.1\r\n\r\n": 421,
        HEAD + b"Content-Length: -1\r\n\r\n" + BODY: 400,
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" + _chunk(BODY): 400,
        HEAD + b"Content-Length: %d\r\n\r\n" % (len(BODY) + 1) + BODY: 400,
        HEAD + b"Content-Length: 99999999\r\n\r\n" + BODY: 413,
        HEAD + b"\r\n": 400,
        CHUNKED + b"zz\r\n": 400,
        CHUNKED + b"f" * 18 + b"\r\n" + BODY: 400,
        CHUNKED + _chunk(BODY) + b"zz\r\n": 400,
        CHUNKED + _chunk(BODY): 400,
        CHUNKED + b"5\r\n{": 400,
        too_large: 413,
    }
    for data, status in bad.items():
        head, _, body = shared.raw(data).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), (data[:99], head)
        assert b"Content-Type: application/problem+json" in head, data[:99]
        problem = json.loads(body)
        assert (problem["status"], problem["errors"]) == (status, problem["errors"])
    assert stored(shared).count() == before
    assert shared.evaluate()[0] == 201
    assert "Traceback" not in shared.stderr()


# ---- slow clients


def test_clients_that_trickle_hold_no_thread(start: Start) -> None:
    """Fifty of them, where a worker with one thread answers others all the while."""
    server = start(workers=1, POLICY_THREADS="1", POLICY_READ_SECONDS="100")
    assert server.announced(), server.stderr()
    parts = [
        HEAD,
        HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY),
        HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY),
        CHUNKED,
        b"",
    ]
    trickling = [socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) for _ in range(50)]
    try:
        for at, connection in enumerate(trickling):
            connection.sendall(parts[at % len(parts)])
        for at in range(5):
            for connection in trickling:
                connection.sendall(b"5\r\n" if at == 0 else b" ")
            assert server.evaluate()[0] == 201
        whole = trickling[1]
        whole.sendall(BODY[len(b"5\r\n    ") :])  # what began badly is answered too, once it is whole
        assert whole.recv(65536).startswith(b"HTTP/1.1 400 ")
    finally:
        for connection in trickling:
            connection.close()


def test_a_request_in_single_bytes_is_answered(shared: Server) -> None:
    data = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    with socket.create_connection(("127.0.0.1", shared.port), timeout=DEADLINE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            connection.send(bytes([byte]))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 201 ")


def test_requests_sent_ahead_are_all_answered_in_order(shared: Server) -> None:
    one = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    answer = shared.raw(one + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + one)
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answer) == [b"201", b"200", b"201"]


@pytest.mark.parametrize("begun", [HEAD, HEAD + b"Content-Length: 9\r\n\r\n{", CHUNKED + b"9\r\n{"])
def test_a_request_that_does_not_arrive_in_time_is_a_timeout(impatient: Server, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=DEADLINE) as connection:
        connection.sendall(begun)
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["type"] == "/problems/request-timeout"
    assert stored(impatient).count() == 0


LARGE = {
    "a batch of lines": b"POST /v1/evaluate/batch",
    "a bundle": b"POST /v1/bundles",
}


@pytest.mark.parametrize("line", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("threads", ["1", "4"])
def test_large_bodies_that_trickle_in_leave_half_of_the_threads_to_others(
    start: Start, line: bytes, threads: str
) -> None:
    server = start(workers=1, POLICY_THREADS=threads, POLICY_READ_SECONDS="1000", POLICY_MAX_BODY="100000")
    assert server.announced(), server.stderr()
    kind = b"x-ndjson" if b"batch" in line else b"zip"
    head = line + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/" + kind
    lengths = (b"Content-Length: 200000\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n30d40\r\n{")
    trickling = [socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) for _ in range(20)]
    try:
        for at, connection in enumerate(trickling):
            connection.sendall(head + b"\r\n" + lengths[at % 2])
        for _ in range(3):
            for connection in trickling:
                connection.sendall(b" ")
            assert server.evaluate()[0] == 201
            assert server.ask("GET", "/readyz")[0] == 200
    finally:
        for connection in trickling:
            connection.close()


@pytest.mark.parametrize("coding", ["length", "chunks"])
def test_bodies_that_may_be_larger_are_read_and_answered(start: Start, coding: str) -> None:
    server = start(workers=1, POLICY_MAX_BODY="10000", POLICY_THREADS="1")
    assert server.announced(), server.stderr()
    lines = BODY + b"\n"
    for path, kind, data, status in (
        (b"/v1/bundles", b"zip", b"x" * 20_000, 422),
        (b"/v1/evaluate/batch", b"x-ndjson", lines * (1 + 20_000 // len(lines)), 200),
    ):
        head = b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/" + kind + b"\r\n"
        body = b"Content-Length: %d\r\n\r\n%s" % (len(data), data)
        if coding == "chunks":
            body = b"Transfer-Encoding: chunked\r\n\r\n" + _chunk(data[:15_000]) + _chunk(data[15_000:]) + b"0\r\n\r\n"
        answer = server.raw(head + body)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:300]


@pytest.mark.parametrize("size", [b"fffffff", b"ffffffff", b"fffffffff"])
def test_a_chunk_too_large_to_read_is_refused_at_once_whatever_its_digits(shared: Server, size: bytes) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=DEADLINE) as connection:
        connection.sendall(CHUNKED + size + b"\r\n{")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))  # nothing more is sent, and nothing closed
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_is_refused_before_it_came_holds_no_thread(start: Start) -> None:
    server = start(workers=1, POLICY_THREADS="1", POLICY_READ_SECONDS="1000")
    assert server.announced(), server.stderr()
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as connection:
        connection.sendall(HEAD + b"Content-Length: 99999999\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        assert server.evaluate()[0] == 201


def test_of_connections_whose_request_is_not_there_the_oldest_makes_room(start: Start) -> None:
    server = start(workers=1, POLICY_UNFINISHED_PER_ADDRESS="2", POLICY_READ_SECONDS="1000")
    assert server.announced(), server.stderr()
    begun = []
    for _ in range(3):
        begun.append(socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE))
        begun[-1].sendall(HEAD)
    assert begun[0].recv(65536).startswith(b"HTTP/1.1 503 ")
    assert server.evaluate()[0] == 201
    assert begun[1].recv(65536).startswith(b"HTTP/1.1 503 ")
    for connection in begun:
        connection.close()


def test_where_no_more_connections_may_be_the_longest_idle_makes_room(start: Start) -> None:
    server = start(workers=1, POLICY_CONNECTIONS="2", POLICY_READ_SECONDS="1000")
    assert server.announced(), server.stderr()
    idle = [socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) for _ in range(2)]
    assert server.evaluate()[0] == 201
    assert idle[0].recv(1) == b""
    for connection in idle:
        connection.close()


def test_clients_that_do_not_read_hold_no_thread(start: Start) -> None:
    server = start(workers=1, POLICY_THREADS="1", POLICY_WRITE_SECONDS="100")
    assert server.announced(), server.stderr()
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    readers = []
    try:
        for _ in range(5):
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            reader.settimeout(DEADLINE)
            reader.connect(("127.0.0.1", server.port))
            reader.sendall(ask)
            readers.append(reader)
        assert server.evaluate()[0] == 201
        late = readers[0]
        late.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: late.recv(65536), b""))
        first, second = answer.split(b"HTTP/1.1 200 ")[1:]
        assert json.loads(first.partition(b"\r\n\r\n")[2])["openapi"] == "3.1.0"
        assert b'"status":"ok"' in second
    finally:
        for reader in readers:
            reader.close()


def test_beyond_what_may_wait_requests_are_refused_at_once_and_health_is_answered(start: Start) -> None:
    server = start(workers=1, POLICY_THREADS="1", POLICY_MAX_WAITING="0", POLICY_READ_SECONDS="100")
    assert server.announced(), server.stderr()
    batch = b"POST /v1/evaluate/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as holding:
        holding.sendall(batch + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{")
        found: list[Answer] = []
        until(lambda: found.append(server.evaluate()) or found[-1][0] == 503, "the thread is taken")
        _, problem, headers = found[-1]
        assert (problem["type"], headers["Retry-After"]) == ("/problems/overloaded", "1")
        assert server.ask("GET", "/healthz")[0] == 200
    until(lambda: server.evaluate()[0] == 201, "the thread is free again")


# ---- logs, metrics, reload


def test_nothing_that_was_posted_is_in_logs_or_metrics(start: Start) -> None:
    server = start(POLICY_LOG_LEVEL="debug")
    assert server.announced(), server.stderr()
    marker = "MARKER7f3a"
    body = json.loads(json.dumps(examples.REQUEST))
    body["facts"]["merchant"]["id"] = marker
    assert server.ask("POST", "/v1/evaluate", body, Idempotency_Key=marker, X_Request_Id="r-1")[0] == 201
    server.ask("POST", "/v1/evaluate", body | {"reason": marker, marker: marker})
    server.ask("GET", f"/v1/policies?as_of={marker}")
    server.ask("GET", f"/{marker}", Authorization=f"Bearer {marker}")
    server.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization " + marker.encode() + b": x\r\n\r\n")
    server.raw(b"GET /" + marker.encode() + b" HTTP/9.9\r\n\r\n")

    def logged() -> list[str | None]:
        # the line of a request is written after its answer was sent, so the last one may be half there
        whole = server.stderr().split("\n")[:-1]
        return [json.loads(line).get("request_id") for line in whole if line.startswith("{")]

    until(lambda: "r-1" in logged(), "the request is logged")

    def scraped() -> str:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    until(lambda: 'route="/v1/evaluate"' in scraped(), "the request is counted")
    assert marker not in scraped()
    server.process.terminate()
    out, _ = server.process.communicate(timeout=DEADLINE)
    assert marker not in out + server.stderr()


def test_the_counts_of_all_workers_that_ever_were_are_in_every_scrape(server: Server) -> None:
    def decisions() -> float:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        found = re.search(r'^policy_evaluations_total\{purpose="decide"\} (\S+)$', text, re.MULTILINE)
        return float(found[1]) if found else 0

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: server.evaluate(), range(20)))
    until(lambda: decisions() == 20, "both workers have told")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.stderr().count("Worker exiting") == 2, "both workers have ended")
    until(lambda: decisions() == 20, "what they counted is still there")


def test_a_reload_under_load_refuses_nobody(server: Server) -> None:
    statuses: list[int] = []
    over = Event()

    def ask() -> None:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
        data = json.dumps(examples.REQUEST)
        while not over.is_set():
            connection.request("POST", "/v1/evaluate", data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(ask) for _ in range(4)]
        try:
            for turn in (1, 2):
                seen = len(statuses)
                until(lambda seen=seen: len(statuses) > seen + 20, "requests are answered")
                server.process.send_signal(signal.SIGHUP)
                until(lambda wanted=2 * turn: server.stderr().count("Worker exiting") >= wanted, "workers are new")
        finally:
            over.set()
        for client in clients:
            client.result(DEADLINE)
    assert set(statuses) == {201}
    assert len(server.workers()) == 6

"""Keys that an agent holds: what signs is a process of its own, and whatever it does, nothing false is ever signed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from policy_service.assembly import assemble_on
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.sealed.agents import AgentSigner, SigningUnavailable
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs import keys, notes
from tests.agents import HOSTILE, REFERENCE, StartAgent, starting_agents, write_public
from tests.unit.decisions.conftest import BEGUN

ORIGIN = "log.example/policy"
MESSAGE = b"message\n" * 100
DEADLINE = 60.0


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an agent may listen: the path of a socket must be short."""
    return tmp_path_factory.mktemp("a") / "agent"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    keys.make(tmp_path / "key.pem", ORIGIN)
    return tmp_path / "key.pem"


@pytest.fixture
def signer(key: Path, agent: Path) -> AgentSigner:
    return AgentSigner(keys.load(key, ORIGIN).verifier, agent)


@pytest.fixture
def start() -> Iterator[StartAgent]:
    with starting_agents() as begin:
        yield begin


def test_an_agent_signs_as_the_key_in_a_file_would(
    start: StartAgent, signer: AgentSigner, key: Path, agent: Path
) -> None:
    start(agent, key)
    assert signer.sign(MESSAGE) == keys.load(key, ORIGIN).sign(MESSAGE)
    assert signer.sign(b"") == keys.load(key, ORIGIN).sign(b"")


def test_many_threads_get_each_its_own_signature(
    start: StartAgent, signer: AgentSigner, key: Path, agent: Path
) -> None:
    start(agent, key)
    messages = [b"%d" % number for number in range(200)]
    with ThreadPoolExecutor(16) as threads:
        signatures = list(threads.map(signer.sign, messages))
    assert signatures == [keys.load(key, ORIGIN).sign(message) for message in messages]


def test_an_agent_with_several_keys_signs_with_the_one_that_is_asked_for(
    start: StartAgent, tmp_path: Path, agent: Path
) -> None:
    files = [tmp_path / f"{number}.pem" for number in range(3)]
    made = [keys.make(file, ORIGIN) for file in files]
    start(agent, *files)
    head = notes.Head(ORIGIN, 0, bytes(32))
    note = notes.sign_head(head, [AgentSigner(one.verifier, agent) for one in made])
    assert note == notes.sign_head(head, made)


@pytest.mark.parametrize(
    ("habit", "told"),
    [
        ("refuses", "refuses, or has not this key"),
        ("answers nothing", "refuses, or has not this key"),
        ("speaks HTTP", r"its answer has \d+ bytes"),
        ("promises too much", r"its answer has \d+ bytes"),
        ("answers another question", "refuses, or has not this key"),
        ("signs too short", "no Ed25519 signature"),
        ("signs too long", "no Ed25519 signature"),
        ("adds to its answer", "no Ed25519 signature"),
        ("signs with RSA", "no Ed25519 signature"),
        ("signs with another key", "something else, or with another key"),
        ("signs something else", "something else, or with another key"),
        ("signs nothing", "something else, or with another key"),
        ("dies before it answers", "ended in the middle"),
        ("dies in its answer", "ended in the middle"),
        ("hangs", "timed out"),
        ("drips", "timed out"),
    ],
)
def test_what_is_no_signature_is_told_and_never_used(
    start: StartAgent, signer: AgentSigner, key: Path, agent: Path, habit: str, told: str
) -> None:
    start(agent, key, habit, program=HOSTILE)
    impatient = replace(signer, seconds=0.3) if told == "timed out" else signer
    with pytest.raises(SigningUnavailable, match=told):
        impatient.sign(MESSAGE)
    with pytest.raises(SigningUnavailable, match=told):
        impatient.try_now()


def test_an_agent_that_was_killed_is_told_and_found_again(
    start: StartAgent, signer: AgentSigner, key: Path, agent: Path
) -> None:
    with pytest.raises(SigningUnavailable, match=f"`{agent}` does not sign"):
        signer.sign(MESSAGE)
    first = start(agent, key)
    signer.sign(MESSAGE)
    first.kill()
    first.wait()
    with pytest.raises(SigningUnavailable, match=f"`{agent}` does not sign"):
        signer.sign(MESSAGE)
    start(agent, key)
    signer.sign(MESSAGE)


def test_an_agent_without_the_key_does_not_sign(start: StartAgent, signer: AgentSigner, tmp_path: Path) -> None:
    keys.make(tmp_path / "other.pem", ORIGIN)
    start(signer.agent, tmp_path / "other.pem")
    with pytest.raises(SigningUnavailable, match="has not this key"):
        signer.sign(MESSAGE)


def test_what_signed_a_moment_ago_is_not_tried_again(
    start: StartAgent, signer: AgentSigner, key: Path, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody who asks for readiness keeps a slow key busy."""
    clock = [100.0]
    monkeypatch.setattr("policy_service.decisions.sealed.agents.monotonic", lambda: clock[0])
    process = start(agent, key)
    signer.try_now()
    process.kill()
    process.wait()
    signer.try_now()
    clock[0] += 1
    with pytest.raises(SigningUnavailable):
        LogKeys(ORIGIN, (signer,)).try_now()


# ---- other people's programs


@pytest.fixture
def openssh(key: Path, tmp_path: Path) -> Path:
    """The key as OpenSSH's programs read it."""
    private = load_pem_private_key(key.read_bytes(), None)
    file = tmp_path / "id"
    file.touch(0o600)
    file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return file


needs_openssh = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("ssh-agent", "ssh-add", "ssh-keygen")),
    reason="OpenSSH is not installed, and nothing else here speaks its protocol",
)


def _asked(agent: Path, *words: str | Path, input: bytes = b"") -> bytes:
    environment = {"SSH_AUTH_SOCK": str(agent), "PATH": "/usr/bin:/bin:/usr/local/bin"}
    return subprocess.run(words, input=input, env=environment, capture_output=True, check=True).stdout


@needs_openssh
def test_the_agent_of_OpenSSH_signs_too(signer: AgentSigner, openssh: Path, key: Path, tmp_path: Path) -> None:
    with subprocess.Popen(["ssh-agent", "-D", "-a", signer.agent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            _asked(signer.agent, "ssh-add", openssh)
            listed = tmp_path / "listed.pub"
            listed.write_bytes(_asked(signer.agent, "ssh-add", "-L"))
            assert keys.load_public(listed, ORIGIN) == signer.verifier
            assert signer.sign(MESSAGE) == keys.load(key, ORIGIN).sign(MESSAGE)
        finally:
            process.kill()


@needs_openssh
def test_the_programs_of_OpenSSH_understand_the_reference(
    start: StartAgent, signer: AgentSigner, key: Path, tmp_path: Path
) -> None:
    start(signer.agent, key)
    public = tmp_path / "listed.pub"
    public.write_bytes(_asked(signer.agent, "ssh-add", "-L"))
    assert keys.load_public(public, ORIGIN) == signer.verifier
    signature = tmp_path / "signature"
    signature.write_bytes(_asked(signer.agent, "ssh-keygen", "-Y", "sign", "-f", public, "-n", "file", input=MESSAGE))
    check = ("ssh-keygen", "-Y", "check-novalidate", "-n", "file", "-s", signature)
    assert b"Good" in _asked(signer.agent, *check, input=MESSAGE)


# ---- the reference


def test_the_reference_says_which_keys_it_has(key: Path, agent: Path, tmp_path: Path) -> None:
    keys.make(tmp_path / "two.pem", ORIGIN)
    with running(agent, key, tmp_path / "two.pem") as process:
        assert process.stdout is not None
        for file in (key, tmp_path / "two.pem"):
            line = tmp_path / "line.pub"
            line.write_text(process.stdout.readline())
            assert keys.load_public(line, ORIGIN) == keys.load(file, ORIGIN).verifier
            assert line.read_text().split()[2] == str(file)


def test_the_reference_is_for_its_group_and_takes_its_socket_away(key: Path, agent: Path) -> None:
    with running(agent, key) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert agent.stat().st_mode & 0o777 == 0o660
        process.terminate()
        assert process.wait(DEADLINE) == 0
    assert not agent.exists()


@contextmanager
def running(*words: Path) -> Iterator[subprocess.Popen[str]]:
    """The reference; killed at the end, whatever the test found."""
    with subprocess.Popen([sys.executable, REFERENCE, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def refused(*words: Path) -> str:
    """What the reference says that does not start."""
    command = [sys.executable, REFERENCE, *words]
    found = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE)
    assert (found.returncode, found.stdout) == (1, "")
    return found.stderr


@pytest.mark.parametrize("content", [b"", b"words", None])
def test_the_reference_does_not_start_without_its_key(tmp_path: Path, agent: Path, content: bytes | None) -> None:
    file = tmp_path / "none.pem"
    if content is not None:
        file.write_bytes(content)
    assert refused(agent, file).startswith("no signer: ")
    assert not agent.exists()


@pytest.mark.parametrize("is_socket", [True, False])
def test_the_reference_takes_no_place_that_is_taken(
    start: StartAgent, signer: AgentSigner, key: Path, agent: Path, is_socket: bool
) -> None:
    if is_socket:
        start(agent, key)
    else:
        agent.write_text("kept")
    assert "Address already in use" in refused(agent, key)
    if is_socket:
        signer.sign(MESSAGE)
    else:
        assert agent.read_text() == "kept"


# ---- what is decided meanwhile


@pytest.fixture
def own(local_club: Any, agent: Path, tmp_path: Path) -> Any:
    """A club whose key an agent holds."""
    public = write_public(local_club.key, tmp_path / "club.pub")
    local_club.settings = replace(local_club.settings, signing_key=str(public), signing_agent=str(agent))
    local_club.assembled = assemble_on(local_club.engine, local_club.settings, now=local_club.now, elapsed=lambda: 0.0)
    return local_club


def test_decisions_by_an_agent_verify(own: Any, agent: Path, start: StartAgent) -> None:
    start(agent, own.key)
    own.member()
    own.seal()
    found = own.auditing.verify(verifiers=[keys.load(own.key, own.settings.log_origin).verifier])
    assert (found.records, found.heads, found.findings) == (BEGUN + 1, 2, ())


@pytest.mark.parametrize("habit", ["absent", "refuses", "signs with another key", "dies in its answer"])
def test_without_a_signature_nothing_is_recorded(own: Any, agent: Path, start: StartAgent, habit: str) -> None:
    if habit != "absent":
        start(agent, own.key, habit, program=HOSTILE)
    with pytest.raises(StoreUnavailable, match="sign"):
        own.member(key="once")
    assert own.assembled.service.decisions.count() == 0
    assert own.auditing.log.waiting() == 0


def test_a_request_that_was_not_signed_is_decided_under_its_key_later(own: Any, agent: Path, start: StartAgent) -> None:
    with pytest.raises(StoreUnavailable):
        own.member(key="once")
    start(agent, own.key)
    assert not own.member(key="once").replayed
    assert own.member(key="once").replayed
    assert own.assembled.service.decisions.count() == 1


def test_what_cannot_be_sealed_now_waits(own: Any, agent: Path, start: StartAgent) -> None:
    process = start(agent, own.key)
    own.member()
    process.kill()
    process.wait()
    with pytest.raises(StoreUnavailable):
        own.seal()
    assert (own.auditing.log.size(), own.auditing.log.waiting()) == (BEGUN, 1)
    start(agent, own.key)
    assert own.seal() == 1

"""Keys of the log: read from files and folders, and made beside an embedded database."""

import os
import threading
from pathlib import Path

import pytest

from policy_service.assembly import assemble
from policy_service.decisions.sealed.agents import AgentSigner
from policy_service.decisions.sealed.signing import LogKeys, beside, key_beside, load_keys, trusted_keys
from policy_service.proofs import keys
from policy_service.proofs.keys import KeyRefused
from policy_service.settings import SettingInvalid, Settings
from tests.agents import write_public

ORIGIN = "log.example/policy"


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "one.pem", tmp_path / "two.pem"]
    for path in paths:
        keys.make(path, ORIGIN)
    return paths


def test_keys_sign_in_the_order_in_which_they_are_named(two: list[Path]) -> None:
    found = load_keys(ORIGIN, two)
    assert [one.verifier for one in found.signers] == [keys.load(path, ORIGIN).verifier for path in two]
    assert found.verifiers == tuple(one.verifier for one in found.signers)


def test_retired_keys_are_trusted_and_do_not_sign(two: list[Path], tmp_path: Path) -> None:
    old = keys.load(two[1], ORIGIN).verifier
    retired = tmp_path / "retired"
    retired.write_text(f"# of 2022\n\n  # indented\n  {old.text}  \n")
    found = load_keys(ORIGIN, two[:1], retired)
    assert [one.verifier for one in found.signers] == [found.verifiers[0]]
    assert found.verifiers[1:] == (old,)


@pytest.mark.parametrize("text", ["nonsense\n", "a+b+c\n"])
def test_a_retired_key_that_is_none_is_refused(two: list[Path], tmp_path: Path, text: str) -> None:
    retired = tmp_path / "retired"
    retired.write_text(text)
    with pytest.raises(KeyRefused):
        load_keys(ORIGIN, two, retired)


def test_files_that_cannot_be_read_are_refused(two: list[Path], tmp_path: Path) -> None:
    with pytest.raises(KeyRefused):
        load_keys(ORIGIN, [tmp_path / "none.pem"])
    with pytest.raises(KeyRefused):
        load_keys(ORIGIN, two, tmp_path / "none")
    with pytest.raises(KeyRefused):
        load_keys(ORIGIN, [])


def test_a_key_that_others_may_read_is_refused(two: list[Path]) -> None:
    two[0].chmod(0o644)
    with pytest.raises(KeyRefused, match="600"):
        load_keys(ORIGIN, two)


def test_a_key_is_made_beside_a_database_once_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = key_beside(tmp_path / "policy.db")
    assert path.stat().st_mode & 0o777 == 0o600
    made = path.read_bytes()
    assert caplog.text.count("a key that signs the log was made") == 1
    assert key_beside(tmp_path / "policy.db") == path
    assert path.read_bytes() == made
    assert caplog.text.count("a key that signs the log was made") == 1
    assert load_keys(ORIGIN, [path]).signers


def test_all_that_come_at_once_get_one_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    together = threading.Barrier(8)

    def come() -> None:
        together.wait()
        found.append(key_beside(tmp_path / "policy.db").read_bytes())

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(list(tmp_path.iterdir())) == 1, "nothing is left over"


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused):
        key_beside(tmp_path / "none" / "policy.db")


# ---- folders, as secrets are mounted


def mount(folder: Path, **files: Path) -> Path:
    """A folder as Kubernetes mounts a secret for a group: its files are links into a folder that a link names."""
    (folder / "..2026_11_30").mkdir(parents=True)
    (folder / "..data").symlink_to("..2026_11_30")
    for name, file in files.items():
        there = folder / "..data" / f"{name}.pem"
        there.write_bytes(file.read_bytes())
        there.chmod(0o440)
        (folder / f"{name}.pem").symlink_to(Path("..data") / f"{name}.pem")
    return folder


def test_a_mounted_secret_is_all_its_keys_by_name(
    two: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: sorted(listed(path), reverse=True))  # the system has any order
    folder = mount(tmp_path / "mounted", b=two[0], a=two[1])
    (folder / "README").write_text("no key")
    (folder / ".hidden.pem").write_text("no key")
    found = load_keys(ORIGIN, [folder])
    assert [one.verifier for one in found.signers] == [keys.load(path, ORIGIN).verifier for path in reversed(two)]


@pytest.mark.parametrize("mode", [0o460, 0o444, 0o660])
def test_a_mounted_key_that_more_than_a_group_may_read_is_refused(two: list[Path], tmp_path: Path, mode: int) -> None:
    folder = mount(tmp_path / "mounted", a=two[0])
    (folder / "a.pem").chmod(mode)
    with pytest.raises(KeyRefused, match="440"):
        load_keys(ORIGIN, [folder])


def test_a_folder_without_keys_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("no key")
    with pytest.raises(KeyRefused, match="no key is named"):
        load_keys(ORIGIN, [tmp_path])


def test_a_key_that_is_named_twice_is_refused(two: list[Path], tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="twice"):
        load_keys(ORIGIN, [*two, two[0]])
    public = write_public(two[0], tmp_path / "one.pub")
    with pytest.raises(KeyRefused, match="twice"):
        load_keys(ORIGIN, [two[0], public], agent=tmp_path / "agent")


# ---- an agent


def test_with_a_public_key_an_agent_signs_and_is_not_asked_yet(two: list[Path], tmp_path: Path) -> None:
    public = write_public(two[0], tmp_path / "one.pub")
    found = load_keys(ORIGIN, [public, two[1]], agent=tmp_path / "nobody listens")
    assert found.signers[0] == AgentSigner(keys.load(two[0], ORIGIN).verifier, tmp_path / "nobody listens")
    assert found.verifiers == tuple(keys.load(path, ORIGIN).verifier for path in two)


def test_without_an_agent_a_public_key_does_not_sign(two: list[Path], tmp_path: Path) -> None:
    public = write_public(two[0], tmp_path / "one.pub")
    with pytest.raises(KeyRefused, match="POLICY_SIGNING_AGENT"):
        load_keys(ORIGIN, [public])


# ---- those who only read


def test_who_only_reads_trusts_the_same_keys_and_signs_with_none(two: list[Path], tmp_path: Path) -> None:
    public = write_public(two[1], tmp_path / "two.pub")
    made = keys.make(tmp_path / "old.pem", ORIGIN)
    retired = tmp_path / "retired"
    retired.write_text(made.verifier.text)
    found = trusted_keys(ORIGIN, [two[0], public], retired)
    assert found.signers == ()
    assert found.verifiers == (*(keys.load(path, ORIGIN).verifier for path in two), made.verifier)


def test_who_only_reads_needs_no_key_that_is_not_there(two: list[Path], tmp_path: Path) -> None:
    found = trusted_keys(ORIGIN, [tmp_path / "none.pem", two[0], tmp_path / "none" / "none.pem"])
    assert found.verifiers == (keys.load(two[0], ORIGIN).verifier,)


def test_who_only_reads_needs_no_key_that_others_may_read(two: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(keys, "load", refused)  # where tests run as root, no mode keeps them out
    assert trusted_keys(ORIGIN, two).verifiers == ()
    with pytest.raises(KeyRefused, match="Permission denied"):
        load_keys(ORIGIN, two)


def test_who_only_reads_is_still_told_of_a_file_that_is_no_key(two: list[Path], tmp_path: Path) -> None:
    two[0].write_text("words")
    with pytest.raises(KeyRefused):
        trusted_keys(ORIGIN, two)
    with pytest.raises(KeyRefused):
        trusted_keys(ORIGIN, [], tmp_path / "none")


# ---- a log that was begun


def test_for_a_log_with_records_no_key_is_made(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="the log has records"):
        key_beside(tmp_path / "policy.db", lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_a_log_with_records_goes_on_under_its_key(tmp_path: Path) -> None:
    made = key_beside(tmp_path / "policy.db", lambda: False)
    assert key_beside(tmp_path / "policy.db", lambda: True) == made


def test_a_log_that_another_process_begins_meanwhile_is_no_log_without_its_key(tmp_path: Path) -> None:
    def begun() -> bool:
        keys.make(beside(tmp_path / "policy.db"), ORIGIN)
        return True

    assert key_beside(tmp_path / "policy.db", begun) == beside(tmp_path / "policy.db")


# ---- a database on a server


def test_beside_a_server_there_is_no_place_and_the_command_is_told(postgresql_url: str) -> None:
    settings = Settings(database_url=postgresql_url)
    with pytest.raises(SettingInvalid, match=r"`policyctl audit new-key signing\.pem`, `export POLICY_SIGNING_KEY"):
        assemble(settings)
    found = assemble(settings, signs=False).auditing
    assert found is not None
    assert found.keys == LogKeys("policy-service", ())

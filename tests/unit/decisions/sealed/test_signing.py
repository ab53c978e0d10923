"""Keys of the log: read from files, and made beside an embedded database."""

import threading
from pathlib import Path

import pytest

from policy_service.decisions.sealed.signing import key_beside, load_keys
from policy_service.proofs import keys
from policy_service.proofs.keys import KeyRefused

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

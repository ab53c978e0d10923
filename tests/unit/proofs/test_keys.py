"""Keys are named and numbered as the specification says, and lie in files that nobody else can read."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from policy_service.proofs import keys
from policy_service.proofs.keys import KeyRefused, Verifier

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NAME = "log.example/decisions"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "signing.pem"


def test_a_made_key_is_loaded_again(file: Path) -> None:
    made = keys.make(file, NAME)
    assert keys.load(file, NAME).verifier == made.verifier
    assert made.verifier.verifies(b"message", keys.load(file, NAME).sign(b"message"))


def test_a_made_key_is_its_owners_alone_and_PKCS8(file: Path) -> None:
    keys.make(file, NAME)
    assert file.stat().st_mode & 0o777 == 0o600
    assert isinstance(load_pem_private_key(file.read_bytes(), None), Ed25519PrivateKey)
    assert file.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")


def test_two_made_keys_differ(tmp_path: Path) -> None:
    assert keys.make(tmp_path / "1", NAME).verifier != keys.make(tmp_path / "2", NAME).verifier


def test_a_key_is_not_made_over_a_file(file: Path) -> None:
    keys.make(file, NAME)
    before = file.read_bytes()
    with pytest.raises(FileExistsError):
        keys.make(file, NAME)
    assert file.read_bytes() == before


def test_no_file_is_made_for_a_name_that_is_none(file: Path) -> None:
    with pytest.raises(KeyRefused):
        keys.make(file, "two words")
    assert not file.exists()


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o660, 0o602, 0o610, 0o644, 0o444, 0o666])
def test_a_file_that_others_may_use_is_refused(file: Path, mode: int) -> None:
    keys.make(file, NAME)
    file.chmod(mode)
    with pytest.raises(KeyRefused, match="mode 600"):
        keys.load(file, NAME)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440])
def test_a_file_that_its_owner_or_group_alone_may_read_is_loaded(file: Path, mode: int) -> None:
    keys.make(file, NAME)
    file.chmod(mode)
    assert keys.load(file, NAME).verifier.name == NAME


def _pem(private: object, encryption: object) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"secret words",
        b"-----BEGIN PRIVATE KEY-----\nsecret words\n-----END PRIVATE KEY-----\n",
        _pem(generate_private_key(SECP256R1()), NoEncryption()),
        _pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret words")),
    ],
    ids=["empty", "words", "no key inside", "another curve", "encrypted"],
)
def test_a_file_without_an_Ed25519_key_is_refused_and_not_shown(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(KeyRefused) as refusal:
        keys.load(file, NAME)
    assert "secret" not in str(refusal.value)


def test_a_file_that_is_not_there_is_an_error_of_the_system(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        keys.load(file, NAME)


PUBLIC = Ed25519PrivateKey.from_private_bytes(b"1" * 32).public_key()


def _ssh(public: object) -> bytes:
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


@pytest.mark.parametrize("around", [b"%s", b"%s a comment", b"\n%s\n"])
def test_a_public_key_is_read_as_ssh_writes_it(file: Path, around: bytes) -> None:
    file.write_bytes(around % _ssh(PUBLIC))
    assert keys.load_public(file, NAME) == Verifier(NAME, PUBLIC.public_bytes(Encoding.Raw, PublicFormat.Raw))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"words",
        b"ssh-ed25519 AAAA",
        b"\xff\xfe",
        _ssh(generate_private_key(SECP256R1()).public_key()),
        _ssh(PUBLIC) + b"\n" + _ssh(PUBLIC),
        _pem(Ed25519PrivateKey.generate(), NoEncryption()),
    ],
    ids=["empty", "words", "cut", "no text", "another curve", "two lines", "a private key"],
)
def test_a_file_without_one_public_key_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(KeyRefused, match="one line"):
        keys.load_public(file, NAME)


def test_a_verifier_key_is_read_and_written_as_published() -> None:
    key = Verifier.parse(PETER)
    assert (key.name, key.id.hex(), key.text) == ("PeterNeumann", "c74f20a3", PETER)
    assert key.label == "PeterNeumann+c74f20a3"


def test_every_part_of_a_verifier_key_and_every_change_in_it_is_refused() -> None:
    """As TestNewVerifier of golang.org/x/mod/sumdb/note does."""
    parts = [PETER[i:j] for i in range(len(PETER) + 1) for j in range(i, len(PETER) + 1)]
    changed = [PETER[:i] + chr(ord(c) + 1) + PETER[i + 1 :] for i, c in enumerate(PETER)]
    for text in [*parts, *changed, PETER + "\n", " " + PETER]:
        if text != PETER:
            with pytest.raises(KeyRefused):
                Verifier.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # a key too long, its hash right
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # another kind of key, its hash right
        PETER.replace("c74f20a3", "C74F20A3"),
    ],
)
def test_a_verifier_key_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(KeyRefused):
        Verifier.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\nb", "a\x7f b", "a\x00", "\udcff"])
def test_a_name_that_no_signature_line_can_hold_is_refused(name: str) -> None:
    with pytest.raises(KeyRefused):
        Verifier(name, b"\0" * 32)


def test_a_public_key_has_32_bytes() -> None:
    with pytest.raises(KeyRefused, match="32 bytes"):
        Verifier("name", b"\0" * 31)


def test_a_signature_is_of_one_message_and_one_key(tmp_path: Path) -> None:
    one, two = keys.make(tmp_path / "1", NAME), keys.make(tmp_path / "2", NAME)
    signature = one.sign(b"message")
    assert one.verifier.verifies(b"message", signature)
    assert not one.verifier.verifies(b"messagE", signature)
    assert not two.verifier.verifies(b"message", signature)
    for changed in (b"", signature[:-1], signature + b"\0", signature[:3] + bytes([signature[3] ^ 1]) + signature[4:]):
        assert not one.verifier.verifies(b"message", changed)

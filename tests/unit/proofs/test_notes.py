"""Signed notes and heads are as specified: those of others are read, and ours are what they would have written."""

import hashlib
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_service.proofs import notes
from policy_service.proofs.keys import Signer, Verifier
from policy_service.proofs.notes import Head, NoteRefused
from tests.unit.proofs import published
from tests.unit.proofs.published import BY_ENOCH, BY_PETER, GO_HEADS, GO_ORIGIN, SECRET_OF_PETER, TEXT

PETER, ENOCH, GO = (Verifier.parse(text) for text in (published.PETER, published.ENOCH, published.GO))
OLD = Signer("log.example/decisions", Ed25519PrivateKey.from_private_bytes(b"1" * 32))
NEW = Signer("log.example/decisions", Ed25519PrivateKey.from_private_bytes(b"2" * 32))
HEAD = Head("log.example/decisions", 20852163, hashlib.sha256(b"root").digest())
SIGNED = notes.sign_head(HEAD, [NEW, OLD])


def test_the_published_note_is_signed_as_published() -> None:
    seed = b64decode(SECRET_OF_PETER)[1:]
    signer = Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(seed))
    assert signer.verifier == PETER
    assert signer.verifier.text == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert notes.sign(TEXT, [signer]) == f"{TEXT}\n{BY_PETER}"


@pytest.mark.parametrize(
    ("known", "signed"),
    [
        ([PETER], (PETER,)),
        ([ENOCH], (ENOCH,)),
        ([ENOCH, PETER], (PETER, ENOCH)),
        ([PETER, PETER], (PETER,)),
    ],
)
def test_the_published_note_is_opened_by_each_known_key(known: list[Verifier], signed: tuple[Verifier, ...]) -> None:
    assert notes.opened(f"{TEXT}\n{BY_PETER}{BY_ENOCH}", known) == (TEXT, signed)


@pytest.mark.parametrize("size", GO_HEADS)
def test_heads_of_the_checksum_database_of_go_are_opened(size: int) -> None:
    head = notes.open_head(GO_HEADS[size], [GO], GO_ORIGIN)
    assert (head.origin, head.size, len(head.root)) == (GO_ORIGIN, size, 32)
    with pytest.raises(NoteRefused, match="does not fit"):
        notes.open_head(GO_HEADS[size].replace(str(size), str(size + 1)), [GO], GO_ORIGIN)


def test_a_signature_of_an_unknown_key_is_ignored_even_if_it_shares_name_or_id() -> None:
    signed = f"{TEXT}\n{BY_PETER}"
    namesake = Signer("PeterNeumann", Ed25519PrivateKey.generate()).verifier
    assert notes.opened(signed + BY_ENOCH.replace("EnochRoot", "PeterNeumann"), [PETER]) == (TEXT, (PETER,))
    assert notes.opened(signed + BY_PETER.replace("PeterNeumann", "PeterNewman"), [PETER]) == (TEXT, (PETER,))
    with pytest.raises(NoteRefused, match="no known key"):
        notes.opened(signed, [namesake])
    with pytest.raises(NoteRefused, match="no known key"):
        notes.opened(signed, [])


def test_a_wrong_signature_of_a_known_key_refuses_the_note_though_another_is_right() -> None:
    wrong = BY_ENOCH[:40] + ("A" if BY_ENOCH[40] != "A" else "B") + BY_ENOCH[41:]
    with pytest.raises(NoteRefused, match=r"EnochRoot\+af0cfe78 does not fit"):
        notes.opened(f"{TEXT}\n{BY_PETER}{wrong}", [PETER, ENOCH])
    assert notes.opened(f"{TEXT}\n{BY_PETER}{wrong}", [PETER])[1] == (PETER,)


def test_a_known_key_must_have_signed_with_64_bytes() -> None:
    data = b64decode(BY_PETER.split()[2])
    for changed in (data[:-1], data + b"\0", data[:5]):
        line = f"— PeterNeumann {b64encode(changed).decode()}\n"
        with pytest.raises(NoteRefused, match="does not fit"):
            notes.opened(f"{TEXT}\n{line}", [PETER])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n",
        TEXT,
        TEXT + "\n",
        f"{TEXT}{BY_PETER}",
        f"{TEXT}\n{BY_PETER[:-1]}",
        f"{TEXT}\n{BY_PETER}\n",
        f"{TEXT}\n{BY_PETER}Unexpected line.\n",
        f"{TEXT}\n\n{BY_PETER}\n{BY_PETER}x\n",
        f"\x01{TEXT}\n{BY_PETER}",
        f"{TEXT}\n{BY_PETER}".replace("\n", "\r\n"),
        f"\udcff{TEXT}\n{BY_PETER}",
        f"{TEXT}\n{BY_PETER * 101}",
        f"{TEXT}\n" + BY_PETER.replace("PeterNeumann", "Bad Name"),
        f"{TEXT}\n" + BY_PETER.replace("PeterNeumann", "Bad\xa0Name"),
        f"{TEXT}\n" + BY_PETER.replace("PeterNeumann", "Bad+Name"),
        f"{TEXT}\n" + BY_PETER.replace("PeterNeumann ", " "),
        f"{TEXT}\n" + BY_PETER.replace("—", "–"),
        f"{TEXT}\n" + BY_PETER.replace("— ", ""),
        f"{TEXT}\n" + BY_PETER.replace("AM=", "AN="),
        f"{TEXT}\n" + BY_PETER.replace("=", ""),
        f"{TEXT}\n" + BY_PETER.replace("\n", " \n"),
        f"{TEXT}\n— PeterNeumann x08gow==\n",
        f"{TEXT}\n— PeterNeumann\n",
        f"{TEXT}\n— PeterNeumann \n",
        "x" * 1_000_000 + f"{TEXT}\n{BY_PETER}",
    ],
)
def test_what_has_not_exactly_the_form_of_a_note_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        notes.opened(text, [PETER])


def test_a_text_may_hold_empty_lines_and_chinese() -> None:
    text = "日志\n\n— 不是签名\n\n尾\n"
    note = notes.sign(text, [OLD])
    assert notes.opened(note, [OLD.verifier]) == (text, (OLD.verifier,))


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n"])
def test_what_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(NoteRefused):
        notes.sign(text, [OLD])


def test_a_note_has_a_signature() -> None:
    with pytest.raises(NoteRefused):
        notes.sign(TEXT, [])


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(SIGNED) - 1), st.characters(codec="utf-8"))
def test_no_note_with_one_character_changed_opens_as_anything_else(at: int, character: str) -> None:
    changed = SIGNED[:at] + character + SIGNED[at + 1 :]
    try:
        text, _ = notes.opened(changed, [OLD.verifier, NEW.verifier])
    except NoteRefused:
        return
    assert text == HEAD.text


def test_a_head_is_signed_by_every_key_in_force_and_opened_by_either() -> None:
    assert SIGNED.count("\n— log.example/decisions ") == 2
    for key in (OLD, NEW):
        assert notes.open_head(SIGNED, [key.verifier], HEAD.origin) == HEAD
    assert notes.opened(SIGNED, [OLD.verifier, NEW.verifier])[1] == (NEW.verifier, OLD.verifier)


def test_the_text_of_a_head_is_that_of_the_specification() -> None:
    """The example of C2SP tlog-checkpoint."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    head = notes.parse_head(text)
    assert (head.origin, head.size, head.extensions) == ("example.com/behind-the-sofa", 20852163, ())
    assert b64encode(head.root).decode() == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert head.text == text


def test_the_head_of_another_log_is_refused() -> None:
    with pytest.raises(NoteRefused, match="another log"):
        notes.open_head(SIGNED, [OLD.verifier], "log.example/other")


def test_extension_lines_are_kept() -> None:
    head = Head("o", 0, HEAD.root, ("one", "two"))
    assert notes.parse_head(head.text) == head


ROOT = b64encode(HEAD.root).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"o\n5\n{ROOT}",
        "o\n5\n",
        f"\n5\n{ROOT}\n",
        f"o\n05\n{ROOT}\n",
        f"o\n-5\n{ROOT}\n",
        f"o\n+5\n{ROOT}\n",
        f"o\n5 \n{ROOT}\n",
        f"o\n٥\n{ROOT}\n",
        f"o\n1_0\n{ROOT}\n",
        f"o\n00\n{ROOT}\n",
        f"o\n{'9' * 20}\n{ROOT}\n",
        f"o\n5\n{ROOT[:-1]}\n",
        f"o\n5\n{b64encode(HEAD.root[:-1]).decode()}\n",
        f"o\n5\n{ROOT}\n\n",
        f"o\n5\n{ROOT}\n\nx\n",
    ],
)
def test_what_has_not_exactly_the_form_of_a_head_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        notes.parse_head(text)


@pytest.mark.parametrize(
    "head",
    [
        Head("", 5, HEAD.root),
        Head("o\n7", 5, HEAD.root),
        Head("o", -5, HEAD.root),
        Head("o", 5, HEAD.root[:-1]),
        Head("o", 5, HEAD.root, ("",)),
        Head("o", 5, HEAD.root, ("a\nb",)),
    ],
)
def test_what_no_head_can_hold_is_not_signed(head: Head) -> None:
    with pytest.raises(NoteRefused):
        notes.sign_head(head, [OLD])

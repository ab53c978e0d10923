"""Cosignatures are as specified: those of others are verified, and ours are what others would have written."""

import hashlib
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from policy_service.proofs import notes
from policy_service.proofs.cosignatures import (
    CosignatureRefused,
    WitnessKey,
    cosign,
    is_line,
    joined,
    message,
    verified,
)
from policy_service.proofs.keys import FileSigner, KeyRefused, Verifier
from policy_service.proofs.notes import Head, NoteRefused

# A checkpoint of a public log of certificates, as it was cosigned by public witnesses on 23 May 2026 (1779573024). The
# key of the log is the one in the list of logs, that of the witness stands in github.com/transparency-dev/formats,
# note/note_cosigv1_test.go, too.
LOG = Verifier.parse("arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f")
REMORA_TEXT = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
REMORA = WitnessKey.parse(REMORA_TEXT)
PUBLISHED_TEXT = "arche2025h1.staging.ct.transparency.dev\n1432088532\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n"
BY_LOG = (
    "— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei5"
    "9RA23oHP7Ry1k3ZFWwQ=\n"
)
BY_REMORA = (
    "— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxt"
    "qB0DrAWfBw==\n"
)
BY_OTHERS = (
    "— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbq"
    "mNWVuE0tgh0XwzdZsDsUAQ==\n"
    "— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUi"
    "OvKFYe/TmN9DAg==\n"
)
PUBLISHED = f"{PUBLISHED_TEXT}\n{BY_LOG}{BY_OTHERS}{BY_REMORA}"

# Source: https://c2sp.org/tlog-cosignature, the example in the introduction and that of the signed message.
EXAMPLE_TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
EXAMPLE_LINE = (
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0"
    "xUe+mbIUBkBIfZ+qnA==\n"
)

SIGNER = FileSigner("log.example/decisions", Ed25519PrivateKey.from_private_bytes(b"1" * 32))
HEAD = Head(
    "log.example/decisions", 42, hashlib.sha256(b"root").digest(), ("time 2023-04-01T08:00:00.000Z", "after 40")
)
NOTE = notes.sign_head(HEAD, [SIGNER])
ONE, TWO = (Ed25519PrivateKey.from_private_bytes(seed * 32) for seed in (b"2", b"3"))
NAME, AT = "witness.example/w1", 1680336000


def key_of(private: Ed25519PrivateKey, name: str = NAME) -> WitnessKey:
    return WitnessKey(name, private.public_key().public_bytes_raw())


def test_the_published_checkpoint_was_cosigned_when_it_says() -> None:
    (found,) = verified(PUBLISHED, [REMORA])
    assert (found.key, found.at, found.line) == (REMORA, 1779573024, BY_REMORA)
    assert notes.opened(PUBLISHED, [LOG]) == (PUBLISHED_TEXT, (LOG,))


def test_a_published_key_is_read_and_written_alike() -> None:
    assert (REMORA.name, REMORA.id.hex(), REMORA.text) == ("remora.n621.de", "da77ade7", REMORA_TEXT)


def test_another_size_is_not_what_the_published_witness_cosigned() -> None:
    with pytest.raises(CosignatureRefused, match="remora"):
        verified(PUBLISHED.replace("1432088532", "1432088533"), [REMORA])


def test_the_message_is_that_of_the_specification() -> None:
    assert message(EXAMPLE_TEXT, 1679315147) == (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    value = notes.parse(f"{EXAMPLE_TEXT}\n{EXAMPLE_LINE}").signatures[0].value
    assert int.from_bytes(value[:8], "big") == 1679315147
    assert is_line(EXAMPLE_LINE)


def test_our_cosignature_is_verified_and_covers_the_extension_lines() -> None:
    line = cosign(HEAD.text, NAME, ONE, AT)
    (found,) = verified(joined(NOTE, [line]), [key_of(TWO), key_of(ONE)])
    assert (found.key, found.at, found.line) == (key_of(ONE), AT, line)
    for old, new in (("after 40", "after 41"), ("T08", "T09"), ("\n42\n", "\n43\n")):
        with pytest.raises(CosignatureRefused):
            verified(joined(NOTE, [line]).replace(old, new), [key_of(ONE)])


def test_the_time_is_signed() -> None:
    data = bytearray(b64decode(cosign(HEAD.text, NAME, ONE, AT).split()[2]))
    data[11] ^= 1
    with pytest.raises(CosignatureRefused, match="does not fit"):
        verified(f"{NOTE}— {NAME} {b64encode(data).decode()}\n", [key_of(ONE)])


@pytest.mark.parametrize("at", [0, 2**63])
def test_a_time_that_no_cosignature_may_have_is_refused_though_it_is_signed(at: int) -> None:
    with pytest.raises(CosignatureRefused):
        verified(NOTE + cosign(HEAD.text, NAME, ONE, at), [key_of(ONE)])


def test_a_signature_of_a_log_is_no_cosignature_though_the_key_is_the_same() -> None:
    same = FileSigner(NAME, ONE)
    plain = notes.sign_head(HEAD, [SIGNER, same])
    assert verified(plain, [key_of(ONE)]) == ()
    value = same.sign(HEAD.text.encode())
    data = b64encode(key_of(ONE).id + AT.to_bytes(8, "big") + value).decode()
    with pytest.raises(CosignatureRefused):
        verified(f"{NOTE}— {NAME} {data}\n", [key_of(ONE)])


def test_a_witness_that_cosigned_twice_counts_once_with_its_later_time() -> None:
    lines = [cosign(HEAD.text, NAME, ONE, at) for at in (AT + 5, AT)]
    assert [one.at for one in verified(joined(NOTE, lines), [key_of(ONE)])] == [AT + 5]


@pytest.mark.parametrize("length", [71, 73, 64, 1])
def test_a_cosignature_of_another_length_is_refused(length: int) -> None:
    value = b64decode(cosign(HEAD.text, NAME, ONE, AT).split()[2])[4:]
    data = b64encode(key_of(ONE).id + (value + b"\0")[:length]).decode()
    line = f"— {NAME} {data}\n"
    assert not is_line(line)
    with pytest.raises(CosignatureRefused):
        verified(NOTE + line, [key_of(ONE)])


def test_lines_of_unknown_witnesses_are_ignored_even_if_they_share_name_or_id() -> None:
    other = cosign(HEAD.text, NAME, TWO, AT)
    assert verified(joined(NOTE, [other]), [key_of(ONE)]) == ()
    renamed = cosign(HEAD.text, NAME, ONE, AT).replace(NAME, "witness.example/w2")
    assert verified(joined(NOTE, [renamed]), [key_of(ONE)]) == ()


# What the Go package refuses as a verifier key: github.com/transparency-dev/formats, note/note_cosigv1_test.go.
@pytest.mark.parametrize(
    "text",
    [
        "bananas.sigstore.dev+12344556",
        "rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!",
        "rekor.sigstore.dev+12345678+AwEB",
        REMORA_TEXT.replace("da77ade7", "NOT_A_NUMBER"),
        REMORA_TEXT.replace("da77ade7", "00000000"),
        REMORA_TEXT.replace("da77ade7", "DA77ADE7"),
        REMORA_TEXT.replace("remora.n621.de", "remora n621.de"),
        REMORA_TEXT.replace("remora.n621.de", ""),
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw",
        "",
    ],
)
def test_what_is_no_key_of_a_witness_is_refused(text: str) -> None:
    with pytest.raises(KeyRefused):
        WitnessKey.parse(text)


def test_only_lines_that_are_cosignatures_are_joined_to_a_note_each_once() -> None:
    good = cosign(HEAD.text, NAME, ONE, AT)
    bad = [
        "",
        "\n",
        "text\n",
        good[:-1],
        good + good,
        f"\n{good}",
        good.replace("—", "-"),
        NOTE.splitlines()[-1] + "\n",
    ]
    assert joined(NOTE, [*bad, good, *bad, good]) == NOTE + good
    assert joined(NOTE + good, [good]) == NOTE + good
    assert notes.open_head(joined(NOTE, [good]), [SIGNER.verifier], HEAD.origin) == HEAD
    with pytest.raises(NoteRefused):
        joined("no note", [good])


def test_a_note_with_all_the_cosignatures_that_a_store_holds_can_still_be_read() -> None:
    lines = [cosign(HEAD.text, f"witness.example/{n}", ONE, AT) for n in range(200)]
    assert notes.open_head(joined(NOTE, lines), [SIGNER.verifier], HEAD.origin) == HEAD


@given(st.text())
def test_no_line_whatsoever_makes_a_note_unreadable(line: str) -> None:
    assert notes.open_head(joined(NOTE, [line]), [SIGNER.verifier], HEAD.origin) == HEAD

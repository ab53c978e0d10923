"""The witness answers as others do, forgets nothing that it cosigned, and nobody leads it astray."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from policy_service.proofs import notes, tree
from policy_service.proofs.cosignatures import WitnessKey, verified
from policy_service.proofs.keys import FileSigner, Signer, Verifier, base64
from policy_service.proofs.notes import Head
from policy_service.proofs.tiles import Tile, TileNodes, extend
from tools import witness
from tools.witness import Damaged, Memory, Refused, Server, Witness

# Source: github.com/FiloSottile/torchwood, internal/witness/witness_test.go: the key and requests of a log of Sigsum's
# kind with the leaf hashes 2A00…, 2A01…, up to 2A04…, and the key of the witness that is asked.
PUBLISHED_ORIGIN = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
PUBLISHED_LOG = Verifier(
    PUBLISHED_ORIGIN, bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
)
PUBLISHED_WITNESS = bytes.fromhex("31ffc2116ecbe003acaa800ab70757bd7d53206e3febef6a6d0796d95530b34f")
PUBLISHED_WITNESS_PUBLIC = bytes.fromhex("64848ad8abed6e85981b3b3875b252b8767ebb4b02f703aca3b1e71bbd6a8e50")
FROM_0_TO_1 = f"""old 0

{PUBLISHED_ORIGIN}
1
KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

— {PUBLISHED_ORIGIN} UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=
"""
FROM_1_TO_3 = f"""old 1
KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

{PUBLISHED_ORIGIN}
3
RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=

— {PUBLISHED_ORIGIN} UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=
"""
FROM_1_TO_5 = f"""old 1
KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=
KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

{PUBLISHED_ORIGIN}
5
QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=

— {PUBLISHED_ORIGIN} UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=
"""

ORIGIN, NAME, AT = "log.example/decisions", "witness.example/w1", 1680336000
LOG, STRANGER = (FileSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(seed * 32)) for seed in (b"1", b"2"))
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"3" * 32)
KEY = WitnessKey(NAME, PRIVATE.public_key().public_bytes_raw())


class Kept(dict[tuple[int, int], bytes]):
    """Tiles in memory."""

    def __init__(self, tiles: list[Tile]) -> None:
        super().__init__({(tile.level, tile.number): tile.hashes for tile in tiles})

    def get(self, level: int, number: int) -> bytes | None:
        return super().get((level, number))


class History:
    """A log of the service's making: some leaves, its heads and proofs."""

    def __init__(self, name: str, size: int = 50) -> None:
        self.leaves = [sha256(f"{name} {n}".encode()).digest() for n in range(size)]
        self.nodes = TileNodes(Kept(extend(Kept([]), 0, self.leaves)[0]))

    def note(self, size: int, *signers: Signer, **changes: Any) -> str:
        parts: dict[str, Any] = {"origin": ORIGIN, "size": size, "root": tree.root(self.nodes, size)}
        parts["extensions"] = ("time 2023-04-01T08:00:00.000Z", "after 0")
        return notes.sign_head(Head(**parts | changes), signers or (LOG,))

    def request(self, old: int, size: int, *signers: Signer, **changes: Any) -> bytes:
        proof = "".join(f"{base64(one)}\n" for one in tree.consistency_proof(self.nodes, old, size))
        return f"old {old}\n{proof}\n{self.note(size, *signers, **changes)}".encode()


OURS, OTHER = History("ours"), History("other")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "witness"
    found.mkdir()
    return found


@pytest.fixture
def memory(folder: Path) -> Iterator[Memory]:
    found = Memory(folder)
    yield found
    found.close()


def made(memory: Memory, key: Verifier = LOG.verifier, private: Ed25519PrivateKey = PRIVATE) -> Witness:
    return Witness(NAME, private, memory, {key.name: [witness.key_of(key.text)]}, lambda: AT)


@pytest.fixture
def own(memory: Memory) -> Witness:
    return made(memory)


def status(own: Witness, body: bytes | str) -> tuple[int, int | None]:
    """The status, and the size of a conflict."""
    try:
        own.add_checkpoint(body if isinstance(body, bytes) else body.encode())
    except Refused as refused:
        return refused.status, refused.size
    return 200, None


# ---- as others do it


def test_published_requests_are_answered_as_by_the_witness_they_are_from(memory: Memory) -> None:
    private = Ed25519PrivateKey.from_private_bytes(PUBLISHED_WITNESS)
    own = made(memory, PUBLISHED_LOG, private)
    assert own.key.public == PUBLISHED_WITNESS_PUBLIC
    assert [status(own, body) for body in (FROM_0_TO_1, FROM_1_TO_5, FROM_1_TO_3)] == [
        (200, None),
        (200, None),
        (409, 5),
    ]
    assert memory.known(PUBLISHED_ORIGIN).root.hex().startswith("42bb57ad06420afa4882c4a63ac6a1ec")


@pytest.mark.parametrize("count", [64, 63])
def test_more_than_63_hashes_are_no_request(memory: Memory, count: int) -> None:
    hashes = "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * count
    body = FROM_0_TO_1.replace("old 0\n", f"old 0\n{hashes}")
    assert status(made(memory, PUBLISHED_LOG), body)[0] == (400 if count == 64 else 422)


LEAF = OURS.leaves[0]


# The cases of TestZeroSize in the same file: what is known, the old size, the head, a proof, and the answer.
@pytest.mark.parametrize(
    ("known", "old", "size", "root", "proof", "answered"),
    [
        (0, 0, 0, tree.EMPTY_ROOT, (), 200),
        (0, 0, 0, LEAF, (), 422),
        (0, 0, 0, bytes(32), (), 422),
        (0, 0, 0, tree.EMPTY_ROOT, (LEAF,), 422),
        (0, 0, 1, LEAF, (), 200),
        (0, 0, 1, LEAF, (LEAF,), 422),
        (1, 0, 1, LEAF, (LEAF,), 409),
        (1, 1, 0, tree.EMPTY_ROOT, (), 400),
    ],
)
def test_the_first_head_needs_no_proof_and_an_empty_log_has_one_root(
    own: Witness, known: int, old: int, size: int, root: bytes, proof: tuple[bytes, ...], answered: int
) -> None:
    if known:
        assert status(own, OURS.request(0, known)) == (200, None)
    lines = "".join(f"{base64(one)}\n" for one in proof)
    body = f"old {old}\n{lines}\n{OURS.note(size, root=root)}"
    assert status(own, body)[0] == answered


# ---- a head continues the one before


def test_what_is_cosigned_is_the_whole_text_by_the_key_of_the_witness(own: Witness) -> None:
    head, line = own.add_checkpoint(OURS.request(0, 7))
    note = OURS.note(7)
    (found,) = verified(note + line, [KEY])
    assert (found.at, found.line, head.text) == (AT, line, notes.parse(note).text)
    assert own.key.text == KEY.text


def test_a_log_is_followed_over_many_sizes_and_never_back(own: Witness) -> None:
    last = 0
    for size in (1, 2, 3, 4, 7, 8, 9, 31, 32, 33, 50):
        assert status(own, OURS.request(last, size)) == (200, None)
        assert status(own, OURS.request(size, size)) == (200, None)
        assert status(own, OURS.request(last, size)) == (409, size)
        last = size
    assert status(own, OURS.request(0, 3)) == (409, 50)


@pytest.mark.parametrize(("old", "size"), [(7, 7), (7, 8), (8, 16), (5, 50)])
def test_another_history_is_refused_and_its_signed_head_is_kept_as_evidence(
    own: Witness, folder: Path, old: int, size: int
) -> None:
    assert status(own, OURS.request(0, old)) == (200, None)
    forged = OTHER.request(old, size)
    assert [status(own, forged), status(own, forged)] == [(422, None)] * 2
    (kept,) = (folder / "refused").iterdir()
    assert kept.read_bytes() == forged
    assert status(own, OURS.request(old, size)) == (200, None)


def test_evidence_cannot_fill_the_disk(own: Witness, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "MOST_REFUSED", 3)
    assert status(own, OURS.request(0, 20)) == (200, None)
    assert [status(own, OTHER.request(20, size))[0] for size in range(20, 26)] == [422] * 6
    assert len(list((folder / "refused").iterdir())) == 3


@pytest.mark.parametrize("change", ["none", "more", "another", "turned"])
def test_a_proof_that_proves_nothing_is_refused(own: Witness, change: str) -> None:
    assert status(own, OURS.request(0, 11)) == (200, None)
    proof = list(tree.consistency_proof(OURS.nodes, 11, 30))
    changed = {"none": [], "more": [*proof, LEAF], "another": [LEAF, *proof[1:]], "turned": proof[::-1]}[change]
    lines = "".join(f"{base64(one)}\n" for one in changed)
    assert status(own, f"old 11\n{lines}\n{OURS.note(30)}") == (422, None)


def test_the_two_verifications_of_consistency_agree_on_every_small_tree() -> None:
    roots = [tree.root(OURS.nodes, size) for size in range(51)]
    for new in range(1, 51):
        for old in range(1, new + 1):
            proof = tree.consistency_proof(OURS.nodes, old, new)
            assert witness.consistent(old, new, proof, roots[old], roots[new])
            assert not witness.consistent(old, new, (*proof, LEAF), roots[old], roots[new])
            assert not witness.consistent(old, new, proof, roots[old], bytes(32))
            assert old == new or not witness.consistent(old, new, proof[1:], roots[old], roots[new])


HASH = st.sampled_from([*OURS.leaves[:3], *(tree.root(OURS.nodes, size) for size in range(8))])


@given(st.integers(1, 8), st.integers(1, 8), st.lists(HASH, max_size=5), HASH, HASH)
def test_the_two_verifications_of_consistency_agree_on_proofs_of_anything(
    one: int, two: int, proof: list[bytes], before: bytes, after: bytes
) -> None:
    old, new = sorted((one, two))
    found = witness.consistent(old, new, proof, before, after)
    assert found == tree.verify_consistency(old, new, proof, before, after)


# ---- who signed


def test_a_log_that_nobody_told_of_is_unknown(own: Witness) -> None:
    assert status(own, OURS.request(0, 3, origin="other.example/log")) == (404, None)


def test_a_head_that_its_log_did_not_sign_is_forbidden(own: Witness) -> None:
    assert status(own, OURS.request(0, 3, STRANGER)) == (403, None)
    assert status(own, OURS.request(0, 3, STRANGER, LOG)) == (200, None)


def test_one_wrong_signature_of_the_log_spoils_the_right_one(memory: Memory) -> None:
    own = made(memory)
    note = OURS.note(3)
    other = OURS.note(4).splitlines(keepends=True)[-1]
    assert status(own, f"old 0\n\n{note}{other}") == (403, None)


def test_any_key_of_the_log_is_enough_while_it_changes_its_key(memory: Memory) -> None:
    keys = [witness.key_of(one.verifier.text) for one in (LOG, STRANGER)]
    own = Witness(NAME, PRIVATE, memory, {ORIGIN: keys}, lambda: AT)
    assert status(own, OURS.request(0, 3, LOG, STRANGER)) == (200, None)
    assert status(own, OURS.request(3, 5, STRANGER)) == (200, None)


def test_a_cosignature_is_no_signature_of_the_log(own: Witness) -> None:
    named = FileSigner(ORIGIN, PRIVATE)
    assert status(own, OURS.request(0, 3, named)) == (403, None)


# ---- the form of a request

NOTE = OURS.note(3)
GOOD = f"old 0\n\n{NOTE}"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\n\n",
        NOTE,
        GOOD.replace("old 0", "old 00"),
        GOOD.replace("old 0", "old -0"),
        GOOD.replace("old 0", "old"),
        GOOD.replace("old 0", "old  0"),
        GOOD.replace("old 0", "Old 0"),
        GOOD.replace("old 0", "old 99999999999999999999"),
        GOOD.replace("old 0", "old 4"),
        GOOD.replace("old 0\n", "old 0\r\n"),
        GOOD.replace("old 0\n", "old 0\nAAAA\n"),
        GOOD.replace("old 0\n", f"old 0\n{base64(LEAF)[:-1]}\n"),
        GOOD.replace("\n3\n", "\n03\n"),
        GOOD.replace("\n3\n", "\n-3\n"),
        GOOD.replace("\n3\n", "\n3\n\n"),
        GOOD.replace("—", "-"),
        GOOD.removesuffix("\n"),
        GOOD + "\n",
        GOOD + "text\n",
        GOOD.replace("after 0", "after\t0"),
        f"old 0\n\n{ORIGIN}\n3\n\n— {ORIGIN} AAAAAAA=\n",
        f"old 0\n\n{ORIGIN}\n3\n{base64(b'short')}\n\n— {ORIGIN} AAAAAAA=\n",
    ],
)
def test_what_has_not_the_form_of_a_request_is_a_bad_request(own: Witness, body: str) -> None:
    assert status(own, body) == (400, None)


def test_a_request_that_is_not_utf_8_is_a_bad_request(own: Witness) -> None:
    assert status(own, GOOD.encode() + b"\xff") == (400, None)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"old 0\n\n{ORIGIN}\n{text}".encode()))
def test_no_request_whatsoever_makes_it_stumble(body: bytes) -> None:
    with pytest.raises(Refused):
        Witness(NAME, PRIVATE, Forgetful(), {ORIGIN: [witness.key_of(LOG.verifier.text)]}).add_checkpoint(body)


class Forgetful(Memory):
    """Keeps nothing: what is refused for its form never comes to be kept."""

    def __init__(self) -> None:
        """There is no folder."""


# ---- what it remembers


def test_it_goes_on_where_it_was_after_a_new_start(folder: Path) -> None:
    first = Memory(folder)
    assert status(made(first), OURS.request(0, 7)) == (200, None)
    first.close()
    second = Memory(folder)
    assert status(made(second), OTHER.request(0, 9)) == (409, 7)
    assert status(made(second), OURS.request(7, 9)) == (200, None)
    second.close()


def test_a_head_is_on_the_disk_before_it_is_cosigned(
    own: Witness, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append("synced"))
    monkeypatch.setattr(
        own, "_line", lambda _: seen.append(json.loads(next((folder / "heads").glob("*.json")).read_text())["size"])
    )
    own.add_checkpoint(OURS.request(0, 7))
    assert seen == ["synced", "synced", 7]


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_nothing_is_cosigned_that_cannot_be_kept(own: Witness, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    assert status(own, OURS.request(0, 7)) == (200, None)

    def full(*_: Any) -> Any:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(OSError, match="no space"):
            own.add_checkpoint(OURS.request(7, 9))
    # Whether the disk has the new or the old head by then is not known; either is one that the log signed.
    assert status(own, OURS.request(7, 9)) in [(200, None), (409, 9)]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{", '{"origin": "x", "size": 1, "root": ""}', "\udcff"])
def test_a_memory_that_is_damaged_is_not_taken_for_a_log_never_seen(own: Witness, folder: Path, text: str) -> None:
    assert status(own, OURS.request(0, 7)) == (200, None)
    (file,) = (folder / "heads").iterdir()
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Damaged):
        own.add_checkpoint(OTHER.request(0, 7))


def test_a_folder_has_one_process(folder: Path, memory: Memory) -> None:
    with pytest.raises(Damaged, match="in use"):
        Memory(folder)


def test_of_requests_at_once_that_start_from_one_head_one_is_cosigned(own: Witness) -> None:
    assert status(own, OURS.request(0, 7)) == (200, None)
    found: list[tuple[int, int | None]] = []
    together = threading.Barrier(8)

    def ask(size: int) -> None:
        together.wait()
        found.append(status(own, OURS.request(7, size)))

    threads = [threading.Thread(target=ask, args=(size,)) for size in range(20, 28)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one for one, _ in found) == [200] + [409] * 7
    assert len({size for one, size in found if one == 409}) == 1


# ---- over HTTP

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server(own: Witness) -> Iterator[Server]:
    with Server("127.0.0.1", 0, own) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def ask(server: Server) -> Ask:
    def one(body: bytes, path: str = "/add-checkpoint", method: str = "POST", **headers: str) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
        finally:
            connection.close()

    return one


def test_a_cosignature_and_a_size_are_answered_as_the_protocol_says(ask: Ask) -> None:
    code, _, line = ask(OURS.request(0, 7))
    assert (code, [one.key for one in verified(OURS.note(7) + line, [KEY])]) == (200, [KEY])
    assert ask(OURS.request(3, 9)) == (409, "text/x.tlog.size", "7\n")
    assert ask(OTHER.request(7, 9))[0] == 422
    assert ask(b"old")[0] == 400


def test_nothing_else_is_served(ask: Ask) -> None:
    assert ask(GOOD.encode(), path="/")[0] == 404
    assert ask(GOOD.encode(), path="/add-checkpoint/")[0] == 404
    assert ask(b"", method="GET")[0] == 501


def test_a_body_without_a_length_or_a_large_one_is_not_read(ask: Ask, server: Server) -> None:
    assert ask(b"x" * (witness.MOST_BYTES + 1))[0] == 413
    assert ask(b"", method="POST", **{"Transfer-Encoding": "chunked"})[0] == 411
    with socket.create_connection(server.server_address[:2], 30) as connection:
        connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 411 " in connection.recv(1000)


def test_a_connection_answers_several_requests(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
    for old, size in ((0, 3), (3, 7), (7, 9)):
        connection.request("POST", "/add-checkpoint", OURS.request(old, size))
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:3]) == (200, "—".encode())
    connection.close()


def test_a_client_that_sends_nothing_is_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "CONNECTION_SECONDS", 0.05)
    with socket.create_connection(server.server_address[:2], 30) as connection:
        connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 100\r\n\r\nold")
        while connection.recv(1000):
            pass  # it is told why, and then the connection ends


def test_more_connections_than_there_are_places_are_closed(ask: Ask, server: Server) -> None:
    held = [server._places.acquire(blocking=False) for _ in range(witness.MOST_CONNECTIONS)]
    with pytest.raises(OSError):  # noqa: PT011  reset or ended, as the kernel has it
        ask(OURS.request(0, 7))
    for _ in held:
        server._places.release()
    assert ask(OURS.request(0, 7))[0] == 200


def test_a_disk_that_is_full_is_told_to_the_log_without_saying_where(
    ask: Ask, own: Witness, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "heads").rmdir()
    code, _, text = ask(OURS.request(0, 7))
    assert (code, str(folder) in text) == (500, False)
    assert str(folder) in capsys.readouterr().err


# ---- the command


def test_a_witness_is_made_once_with_a_key_that_its_owner_alone_can_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "w"
    assert witness.main(["new", str(made), "--name", NAME]) == 0
    key = WitnessKey.parse(capsys.readouterr().out.strip())
    assert (key.name, (made / "key.pem").stat().st_mode & 0o777) == (NAME, 0o600)
    assert witness.main(["new", str(made), "--name", NAME]) == 1
    assert witness.main(["new", str(tmp_path / "x"), "--name", "two words"]) == 1
    own, memory = witness.loaded(made, [LOG.verifier.text], lambda: AT)
    assert own.key.text == key.text
    memory.close()


@pytest.mark.parametrize("fault", ["mode", "no key", "no Ed25519 key", "no folder", "log"])
def test_a_witness_without_its_key_or_with_a_wrong_log_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    made = tmp_path / "w"
    witness.new(made, NAME)
    log = LOG.verifier.text
    if fault == "mode":
        (made / "key.pem").chmod(0o644)
    elif fault == "no key":
        (made / "key.pem").unlink()
    elif fault == "no Ed25519 key":
        (made / "key.pem").write_bytes(b"no key")
    elif fault == "no folder":
        made = tmp_path / "y"
    else:
        log = log.replace("+", "+0", 1)
    assert witness.main(["serve", str(made), "--log", log, "--bind", "127.0.0.1:0"]) == 1
    assert capsys.readouterr().err.startswith("witness: ")


def test_where_it_listens_is_host_and_port() -> None:
    assert [witness.address(text) for text in ("127.0.0.1:8200", "[::1]:0")] == [("127.0.0.1", 8200), ("::1", 0)]
    with pytest.raises(SystemExit, match="2"):
        witness.main(["serve", "w", "--log", LOG.verifier.text, "--bind", "here"])


def test_the_program_alone_serves(tmp_path: Path) -> None:
    """It imports nothing of ours: it runs where the package is not."""
    copy = tmp_path / "witness.py"
    copy.write_bytes(Path(witness.__file__).read_bytes())
    key = WitnessKey.parse(
        subprocess.run(
            [sys.executable, "-I", copy, "new", tmp_path / "w", "--name", NAME],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    )
    command = [sys.executable, "-I", copy, "serve", tmp_path / "w", "--log", LOG.verifier.text, "--bind", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == key.text
        address = process.stdout.readline().split("http://")[1].strip()
        connection = http.client.HTTPConnection(address, timeout=30)
        connection.request("POST", "/add-checkpoint", OURS.request(0, 7))
        line = connection.getresponse().read().decode()
        connection.close()
        process.kill()
    assert [one.key for one in verified(OURS.note(7) + line, [key])] == [key]

"""The programs that verify read trees, keys and notes as published; so does the service, in tests/unit/proofs."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.tools.verifylog.fabricate import WITNESSES, Key, tiles
from tests.unit.proofs.published import (
    BY_ENOCH,
    BY_PETER,
    CONSISTENCY,
    ENOCH,
    GO,
    GO_HEADS,
    GO_ORIGIN,
    INCLUSION,
    LEAVES,
    PETER,
    ROOTS,
    TEXT,
)
from tools import verify_decision
from tools.verify_log import (
    COSIGNATURE,
    Refused,
    Tree,
    canonical,
    head_of,
    key_of,
    leaf_hash,
    note_of,
    tile_of,
    tile_path,
)

KNOWN = {PETER: key_of(PETER), ENOCH: key_of(ENOCH)}
SIGNED = f"{TEXT}\n{BY_PETER}{BY_ENOCH}"


def grown(leaves: list[bytes]) -> tuple[Tree, dict[str, bytes]]:
    """The tree over leaf hashes, and its tiles by path."""
    found = {}

    def keep(level: int, number: int, hashes: bytes) -> None:
        found[tile_path(level, number)] = hashes

    tree = Tree(keep)
    for leaf in leaves:
        tree.add(leaf)
    rest = [(level, number, hashes) for level, (number, hashes) in enumerate(tree.tiles) if hashes]
    return tree, found | {tile_path(level, number, len(hashes) // 32): hashes for level, number, hashes in rest}


def test_roots_are_the_published_ones() -> None:
    for size, root in enumerate(ROOTS):
        assert grown([leaf_hash(data) for data in LEAVES[:size]])[0].root() == root


@pytest.mark.parametrize(("place", "hashes"), INCLUSION.items())
def test_inclusion_proofs_lead_to_the_published_roots(place: tuple[int, int], hashes: tuple[str, ...]) -> None:
    index, size = place
    steps = [bytes.fromhex(step) for step in hashes]
    assert verify_decision.root_from(leaf_hash(LEAVES[index]), index, size, steps) == ROOTS[size]


@pytest.mark.parametrize("sizes", CONSISTENCY)
def test_the_trees_of_the_consistency_proofs_are_each_the_beginning_of_the_other(sizes: tuple[int, int]) -> None:
    """The program has no consistency proofs: it grows one tree and compares its root at both sizes."""
    old, new = sizes
    tree, _ = grown([leaf_hash(data) for data in LEAVES[:old]])
    assert tree.root() == ROOTS[old]
    for data in LEAVES[old:new]:
        tree.add(leaf_hash(data))
    assert tree.root() == ROOTS[new]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 70_000])
def test_tiles_are_those_of_the_definition(size: int) -> None:
    leaves = [sha256(b"%d" % number).digest() for number in range(size)]
    assert grown(leaves)[1] == dict(tiles(leaves))


def test_the_tiles_of_the_specification_have_their_widths_and_paths() -> None:
    """The example of C2SP tlog-tiles: a tree of size 70,000."""
    _, found = grown([bytes(32)] * 70_000)
    assert sum(path.startswith("tile/0/") and ".p/" not in path for path in found) == 273
    assert {path for path in found if ".p/" in path} == {"tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"}
    assert tile_path(0, 1_234_067) == "tile/0/x001/x234/067"


@pytest.mark.parametrize(("level", "number", "width"), [(0, 0, 256), (3, 999, 1), (0, 1000, 255), (1, 1_234_067, 17)])
def test_the_path_of_a_tile_is_read_back(level: int, number: int, width: int) -> None:
    assert tile_of(tile_path(level, number, width)) == (level, number, width)


@pytest.mark.parametrize(
    "path", ["tile/0/0", "tile/00/000", "tile/0/x000/001", "tile/0/000.p/256", "tile/0/000.p/0", "tile/0/000.p/01", "x"]
)
def test_another_path_is_no_tile(path: str) -> None:
    assert tile_of(path) is None


def test_the_published_note_is_signed_by_those_who_signed_it() -> None:
    assert note_of(SIGNED).text == TEXT
    assert note_of(SIGNED).signers([*KNOWN.values()]) == [KNOWN[PETER], KNOWN[ENOCH]]
    assert note_of(SIGNED.replace("EnochRoot", "Somebody")).signers([*KNOWN.values()]) == [KNOWN[PETER]]


def test_a_wrong_signature_of_a_known_key_refuses_the_note() -> None:
    wrong = SIGNED.replace(TEXT, TEXT.upper())
    with pytest.raises(Refused, match=r"PeterNeumann\+c74f20a3 does not fit"):
        note_of(wrong).signers([KNOWN[PETER]])


@pytest.mark.parametrize("size", GO_HEADS)
def test_heads_of_the_checksum_database_of_go_are_read(size: int) -> None:
    head = head_of(GO_HEADS[size])
    assert (head.origin, head.size, len(head.root), head.time, head.after) == (GO_ORIGIN, size, 32, None, None)
    assert head.note.signers([key_of(GO)]) == [key_of(GO)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        TEXT,
        f"{TEXT}\n{BY_PETER[:-1]}",
        f"{TEXT}\n{BY_PETER}\n",
        f"{TEXT}\n{BY_PETER}".replace("\n", "\r\n"),
        f"\x01{TEXT}\n{BY_PETER}",
        f"{TEXT}\n{BY_PETER * 101}",
        f"{TEXT}\n" + BY_PETER.replace("PeterNeumann", "Bad+Name"),
        f"{TEXT}\n" + BY_PETER.replace("PeterNeumann", "Bad\xa0Name"),
        f"{TEXT}\n" + BY_PETER.replace("—", "–"),
        f"{TEXT}\n" + BY_PETER.replace("AM=", "AN="),
        f"{TEXT}\n" + BY_PETER.replace("=", ""),
        f"{TEXT}\n— PeterNeumann x08gow==\n",
        f"{TEXT}\n— PeterNeumann\n",
    ],
)
def test_what_has_not_exactly_the_form_of_a_note_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        note_of(text)


@pytest.mark.parametrize(
    "text", ["", PETER.lower(), PETER + "A", PETER.replace("c74f20a3", "c74f20a4"), WITNESSES[0].text]
)
def test_what_is_no_key_of_a_log_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        key_of(text)


def test_a_cosignature_is_over_its_time_and_the_whole_text_as_specified() -> None:
    """C2SP tlog-cosignature, "Ed25519 signed message": its example is not of a key that is published."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    message = b"cosignature/v1\ntime 1679315147\n" + text.encode()
    signature = (1_679_315_147).to_bytes(8, "big") + Ed25519PrivateKey.from_private_bytes(b"a" * 32).sign(message)
    witness = key_of(WITNESSES[0].text, COSIGNATURE)
    assert witness.signed(text, signature)
    assert not witness.signed(text, signature[:-1])
    assert not witness.signed(text + "more\n", signature)
    assert not witness.signed(text, (1_679_315_148).to_bytes(8, "big") + signature[8:])


def test_the_name_and_the_type_are_in_the_id_of_a_key() -> None:
    ids = {Key(b"1").id, Key(b"1", kind=4).id, Key(b"1", "other").id, Key(b"2").id}
    assert len(ids) == 4


@pytest.mark.parametrize(
    "text",
    [
        '{"a":[1,-2.5,0.01,true,null],"b":{"":"\\u001f\\b\\"\\\\川"}}',
        "0",
        "[]",
        '""',
        '"\x7f\u2028/"',
        "123456789012345",
    ],
)
def test_canonical_texts_are_read(text: str) -> None:
    canonical(text)


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "[1, 2]", '{"b":1,"a":2}', '{"a":1,"a":1}', "1.0", "1.10", "-0", "-0.0", "1e2", "1E2", "01", ".5",
     '"\\u0041"', '"\\/"', '"\\u001F"', '"\\u0008"', '"\\ud83d\\ude00"', '"\\ud800"', "NaN", "1" * 30,
     '{"\ue000":1,"\U00010000":2}'],
)  # fmt: skip
def test_texts_that_are_spelled_otherwise_are_refused(text: str) -> None:
    with pytest.raises(Refused):
        canonical(text)

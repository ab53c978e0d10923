"""A rules folder as a zip: the same bytes for the same files, and nothing believed that a zip says of itself."""

import random
import stat
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from policy_service.policies.loader import read_folder
from policy_service.policies.packing import Limits, NotUnpacked, accepted, pack, unpack

RULES = read_folder(Path(__file__).parents[2] / "cli" / "rules")
SMALL = Limits(files=5, unpacked=1000)


def zipped(*entries: tuple[str | zipfile.ZipInfo, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def refused(data: bytes, limits: Limits = SMALL) -> list[tuple[str | None, str]]:
    with pytest.raises(NotUnpacked) as error:
        unpack(data, limits)
    return [(one.path, one.message) for one in error.value.faults]


def test_what_is_packed_is_unpacked() -> None:
    assert unpack(pack(RULES), Limits()) == RULES


def test_the_same_files_are_the_same_bytes() -> None:
    assert pack(RULES) == pack(dict(reversed(RULES.items())))


def test_chinese_paths_are_kept() -> None:
    assert unpack(pack({"川流/小时.yaml": "甲", "a.yaml": ""}), SMALL) == {"a.yaml": "", "川流/小时.yaml": "甲"}


def test_the_folder_that_holds_all_is_left_out() -> None:
    packed = zipped(("rules/", b""), ("rules/a.yaml", "1"), ("rules/x/b.yaml", "2"))
    assert unpack(packed, SMALL) == {"a.yaml": "1", "x/b.yaml": "2"}


def test_a_folder_that_does_not_hold_all_stays() -> None:
    assert set(unpack(zipped(("rules/a.yaml", ""), ("b.yaml", "")), SMALL)) == {"rules/a.yaml", "b.yaml"}


@pytest.mark.parametrize(
    "path",
    ["../a.yaml", "x/../../a.yaml", "/etc/a.yaml", "x\\a.yaml", "./a.yaml", "x//a.yaml", "c:/a.yaml", "a\n.yaml",
     "..", "a.txt", "a.yaml.py", "README", f"{'x' * 200}.yaml", "a\u202e.yaml"],
)  # fmt: skip
def test_a_path_that_no_rule_file_has_is_refused(path: str) -> None:
    assert [one for one, _ in refused(zipped((path, "")))] == [path]
    with pytest.raises(NotUnpacked) as error:
        accepted({path: ""}, SMALL)
    assert [one.path for one in error.value.faults] == [path]


def test_a_folder_with_such_a_path_is_refused_too() -> None:
    assert [one for one, _ in refused(zipped(("../", b""), ("a.yaml", "")))] == ["../"]


def test_all_faults_are_told_at_once() -> None:
    assert [one for one, _ in refused(zipped(("../a.yaml", ""), ("b.txt", ""), ("c.yaml", "")))] == [
        "../a.yaml",
        "b.txt",
    ]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_stands_twice_is_refused() -> None:
    assert refused(zipped(("a.yaml", "1"), ("a.yaml", "2"))) == [("a.yaml", "the file stands twice")]


def test_paths_that_differ_in_case_only_are_refused() -> None:
    assert refused(zipped(("a.yaml", "1"), ("A.yaml", "2"))) == [("A.yaml", "its path differs in case only")]


def test_a_name_that_goes_on_behind_a_nul_is_refused() -> None:
    data = zipped(("a.yamlX.yaml", "1")).replace(b"a.yamlX.yaml", b"a.yaml\0.yaml")
    assert refused(data)[0] == ("a.yaml\0.yaml", "it has two names")


def test_a_link_is_refused() -> None:
    link = zipfile.ZipInfo("a.yaml")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    assert refused(zipped((link, "/etc/passwd"))) == [("a.yaml", "it is not a plain file")]


def test_an_encrypted_file_is_refused() -> None:
    data = bytearray(zipped(("a.yaml", "1")))
    data[6] |= 1  # in the entry
    data[data.index(b"PK\x01\x02") + 8] |= 1  # in the directory
    assert refused(bytes(data)) == [("a.yaml", "it is encrypted")]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(method: int) -> None:
    assert refused(zipped(("a.yaml", "1"), method=method)) == [("a.yaml", "only stored and deflated files are read")]


def test_a_file_that_is_not_utf_8_is_refused() -> None:
    assert refused(zipped(("a.yaml", b"a\xff"))) == [("a.yaml", "the file is not UTF-8: byte 1")]


def test_too_many_files_are_refused() -> None:
    data = zipped(*((f"{n}.yaml", "") for n in range(6)))
    assert refused(data) == [(None, "more than 5 files")]
    with pytest.raises(NotUnpacked):
        accepted({f"{n}.yaml": "" for n in range(6)}, SMALL)


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
def test_the_bytes_of_all_files_are_counted(size: int, fits: bool) -> None:
    files = {"a.yaml": "a" * 500, "b.yaml": "b" * (size - 500)}
    for judge in (lambda: unpack(pack(files), SMALL), lambda: accepted(files, SMALL)):
        if fits:
            assert judge() == files
        else:
            with pytest.raises(NotUnpacked):
                judge()


def test_bytes_are_counted_and_not_characters() -> None:
    with pytest.raises(NotUnpacked):
        accepted({"a.yaml": "甲" * 400}, SMALL)


def test_a_zip_that_understates_a_size_gains_nothing() -> None:
    data = bytearray(zipped(("a.yaml", b"0" * 50_000)))
    directory = data.index(b"PK\x01\x02")
    struct.pack_into("<L", data, 22, 10)
    struct.pack_into("<L", data, directory + 24, 10)
    assert refused(bytes(data)) == [(None, "it is not a zip that can be read")]


def test_a_bomb_is_stopped_while_it_is_read() -> None:
    bomb = zipped(("a.yaml", b"0" * 50_000_000))
    assert len(bomb) < 100_000
    assert refused(bomb, Limits()) == [(None, f"the files have more than {Limits().unpacked} bytes together")]


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + b"\0" * 17, b"{}", b"\0" * 5000])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    assert refused(data) == [(None, "it is not a zip that can be read")]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_whatever_is_spoilt_is_refused_or_read() -> None:
    """Bytes changed at random: nothing but NotUnpacked is raised, and what is read stays within the limits."""
    drawn, sound = random.Random(4), pack({"a.yaml": "x: 1\n" * 20, "b/c.yaml": "川流", "d.yaml": ""})
    refusals = 0
    for _ in range(3000):
        data = bytearray(sound)
        for _ in range(drawn.randint(1, 6)):
            data[drawn.randrange(len(data))] = drawn.randrange(256)
        if drawn.random() < 0.2:
            del data[drawn.randrange(len(data)) :]
        try:
            found = unpack(bytes(data), SMALL)
        except NotUnpacked:
            refusals += 1
        else:
            assert sum(len(text.encode()) for text in found.values()) <= SMALL.unpacked
            assert all(path.endswith(".yaml") and ".." not in path.split("/") for path in found)
    assert refusals > 1000

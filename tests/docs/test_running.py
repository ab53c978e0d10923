"""Blocks of pages are run as a reader would, and a page that is wrong is told or renewed."""

from pathlib import Path

import pytest

from tools.docs.running import INSTANT, Masks, RunFault, fences, rerun

ONE = "01928f3a-0000-7abc-8def-0123456789ab"
OTHER = "01928f3a-0000-7abc-9def-0123456789ab"


def page(*blocks: str) -> str:
    return "\n".join(f"words\n\n```{block}\n```\n" for block in blocks)


def test_an_output_that_differs_is_renewed(root: Path) -> None:
    shown = page("sh\necho one; echo two >&2", "text output\nthree")
    assert rerun(shown, root) == page("sh\necho one; echo two >&2", "text output\none\ntwo")


def test_files_are_there_for_later_blocks_and_blocks_share_a_folder(root: Path) -> None:
    shown = page(
        "yaml title=a/b.yaml\nx: 1", "sh\ncat a/b.yaml > c", "python\nprint(open('c').read())", "text output\nx: 1"
    )
    assert rerun(shown, root) == shown


def test_json_that_says_the_same_stays_as_it_stands(root: Path) -> None:
    command = 'sh\necho \'{"b": 1.0, "a": [1, 2]}\''
    assert rerun(laid := page(command, 'json output\n{"a":\n [1,2], "b": 1}'), root) == laid
    assert rerun(page(command, "json output\n{}"), root) == page(command, 'json output\n{"b": 1.0, "a": [1, 2]}')


def test_a_block_may_be_meant_to_fail(root: Path) -> None:
    assert rerun(shown := page("sh exit=3\necho no; exit 3", "text output\nno"), root) == shown


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        (["sh\ntrue", "sh\nfalse"], r"p\.md:9: ended with 1, not 0"),
        (["sh\nfalse | true"], "ended with 1"),
        (["sh exit=1\ntrue"], "ended with 0, not 1"),
        (["python\nraise SystemExit(2)"], "ended with 2"),
        (["sh\necho no", "json output\n{}"], "prints no JSON"),
        (["yaml\na: 1"], "nobody knows how to run a block `yaml`"),
        (["\nplain"], "nobody knows how to run a block ``"),
        (["sh dry\nmake no_such_target"], "ended with 2"),
    ],
)
def test_a_block_that_does_not_do_what_it_says_is_told_with_its_line(root: Path, blocks: list[str], told: str) -> None:
    with pytest.raises(RunFault, match=told):
        rerun(page(*blocks), root, "p.md")


def test_generated_blocks_are_not_run() -> None:
    text = f"<!-- generated: x -->\n{page('sh', 'false')}<!-- end -->\n{page('sh' + chr(10) + 'true')}"
    assert [block.body for block in fences(text)] == ["true\n"]


def test_the_same_id_has_the_same_mask_and_another_the_next() -> None:
    masks = Masks()
    assert masks.masked(f"{OTHER} {ONE}")[-2:] == "12"
    assert masks.masked(f"{ONE} {OTHER} 2024-05-06T07:08:09.012Z") == (
        f"01873a5e-8400-7c3e-9f6b-2b1d6c0a4e12 01873a5e-8400-7c3e-9f6b-2b1d6c0a4e11 {INSTANT}"
    )
    assert masks.masked("2023-04-01 5.00 sha256:00") == "2023-04-01 5.00 sha256:00"


def test_keys_hashes_and_signatures_are_masked_and_bundles_are_not() -> None:
    digest, hashed, signature, signed_head = f"sha256:{'0a' * 32}", "A" * 43 + "=", "b" * 86 + "==", "c" * 91 + "="
    shown = Masks().masked(f'{{"digest":"{digest}","bundle":"{digest}","root": "{hashed}","signature":"{signature}"}}')
    assert shown == f'{{"digest":"sha256:…","bundle":"{digest}","root": "…","signature":"…"}}'
    assert Masks().masked(f"— policy-service {signed_head}\n") == "— policy-service …\n"
    assert (
        Masks().masked(f"policy-service+{'0' * 8}+{'A' * 44} policy-service+{'f' * 8}")
        == "policy-service+… policy-service+…"
    )
    assert Masks().masked(f"{'0f' * 8}: psk_{'0f' * 8}_{'-' * 43}") == "…: psk_…"
    assert Masks().masked("A" * 44) == "A" * 44

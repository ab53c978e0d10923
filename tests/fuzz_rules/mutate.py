"""Rule files with faults: characters, lines, tokens and YAML nodes of good ones moved, lost, doubled or replaced."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from random import Random

import yaml

_TOKEN = re.compile(r'"[^"\n]*"|[^\W\d]\w*|\d+(?:[.-]\d+)*|[<>=!]=|=>|\.\.|[^\w\s]')
_SIGNS = "\t\r\n \0\x07\x7f\x85\u2028\ufeff\ue000😀，：≥ａ０'\"\\|-#:?*&!%@`{}[](),.<>=~_"
_WORDS = (
    *("null", "true", "if", "then", "else", "and", "or", "not", "in", "between", "for", "some", "of", "this", "row"),
    *("as_of", "campaign", "campaign.from", "decision", "sum", "min", "count", "steps", "mean", "round up", "modulo"),
    *("list contains", "abs", "0", "-1", "1e9", "0.000001", "999999999999999", "1000000000000000", "1" * 40, ".."),
    *(
        '"2023-02-30"',
        '"P1D"',
        '"P9999999D"',
        'date("9999-12-31")',
        'duration("P1M")',
        '""',
        '"\\ud800"',
        "-",
        "'",
        "=>",
    ),
    *("merchant.id", "merchant", "enum(A, B)", "enum(null)", "decimal(6)", "decimal(9)", "integer", "duration", "text"),
)
_PLAIN = (
    *(
        "",
        "~",
        "null",
        "-",
        "[]",
        "{}",
        "true",
        "0",
        "-1",
        "1e3",
        "0x10",
        "2023-01-01",
        "9999-12-31",
        "P1D",
        "a b",
        "<<",
    ),
    *("collect sum", "unique", "priority", "campaign", "once", "none", "merchant", "*", "decision(a.b.c)", "1.0000001"),
    *("a\nb", "x" * 300, "(" * 200, "[" * 50, "{merchant.id}", "{", "=", "| row | => a: integer |\n| x | 1 |"),
)
Sources = Mapping[str, str]
Change = Callable[[str, Random, list[str]], str]


def mutated(sources: Sources, rng: Random) -> dict[str, str]:
    """A folder with one to four changes, mostly in one file."""
    found = dict(sources)
    words = [*_WORDS, *(m.group() for text in sources.values() for m in _TOKEN.finditer(text))]
    file = rng.choice(sorted(found))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        if rng.randrange(4) == 0:
            file = rng.choice(sorted(found))
        found[file] = rng.choice(_CHANGES)(found[file], rng, words)
    return found


def _character(text: str, rng: Random, _words: list[str]) -> str:
    at = rng.randrange(len(text) + 1)
    sign = rng.choice(_SIGNS)
    return rng.choice((text[:at] + sign + text[at:], text[:at] + sign + text[at + 1 :], text[:at] + text[at + 1 :]))


def _stretch(text: str, rng: Random, _words: list[str]) -> str:
    """A stretch lost, doubled, or many times there."""
    start = rng.randrange(len(text) + 1)
    end = min(len(text), start + rng.choice((1, 5, 40)))
    return text[:start] + text[start:end] * rng.choice((0, 0, 2, 2, 200)) + text[end:]


def _lines(text: str, rng: Random, _words: list[str]) -> str:
    lines = text.split("\n")
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            del lines[one]
        case 1:
            lines.insert(two, lines[one])
        case 2:
            lines[one], lines[two] = lines[two], lines[one]
        case 3:
            lines[one] = " " * rng.randrange(8) + lines[one].lstrip()
        case 4:
            lines = lines[:one]
    return "\n".join(lines)


def _token(text: str, rng: Random, words: list[str]) -> str:
    found = list(_TOKEN.finditer(text))
    if not found:
        return text
    spot = rng.choice(found)
    new = rng.choice((rng.choice(words), rng.choice(words), rng.choice(_WORDS), "", spot.group() * 2))
    return text[: spot.start()] + new + text[spot.end() :]


def _ends(text: str, rng: Random, _words: list[str]) -> str:
    """The ends of lines, or the whole, written otherwise."""
    twice = text + "---\n" + text
    return rng.choice((text.replace("\n", "\r\n"), text.replace("\n", "\r"), "\ufeff" + text, "", twice))


# ---- YAML nodes

Entries = list[tuple[yaml.Node, yaml.Node]]


def _structure(text: str, rng: Random, words: list[str]) -> str:
    """One node replaced, lost, doubled or moved; the text as it is where it is no YAML."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return text
    places = list(_places(root)) if root is not None else []
    if not places:
        return text
    parent, at = rng.choice(places)
    if isinstance(parent, yaml.MappingNode):
        _change_entry(parent.value, at, rng, [node for node, _ in places], words)
    else:
        parent.value[at] = _other(parent.value[at], rng, [node for node, _ in places], words)
    return str(yaml.serialize(root, allow_unicode=True, width=1_000_000))


def _places(node: yaml.Node) -> Iterator[tuple[yaml.Node, int]]:
    """Every mapping and list with each of its places."""
    if isinstance(node, yaml.MappingNode | yaml.SequenceNode):
        for at, item in enumerate(node.value):
            yield node, at
            yield from _places(item[1] if isinstance(item, tuple) else item)


def _change_entry(entries: Entries, at: int, rng: Random, nodes: list[yaml.Node], words: list[str]) -> None:
    key, value = entries[at]
    match rng.randrange(6):
        case 0:
            del entries[at]
        case 1:
            entries[at] = (_scalar(rng.choice((*words, *_PLAIN))), value)
        case 2:
            entries.insert(rng.randrange(len(entries) + 1), (key, deepcopy(value)))
        case 3:
            entries.append((_scalar(f"{getattr(key, 'value', '')}_2"), deepcopy(value)))
        case _:
            entries[at] = (key, _other(value, rng, nodes, words))


def _other(node: yaml.Node, rng: Random, nodes: list[yaml.Node], words: list[str]) -> yaml.Node:
    match rng.randrange(6):
        case 0:
            return _scalar(rng.choice(_PLAIN), rng.choice((None, "'", '"', "|")))
        case 1:
            return _scalar(rng.choice(words))
        case 2:
            return deepcopy(rng.choice(nodes))
        case 3:
            return yaml.SequenceNode("tag:yaml.org,2002:seq", [deepcopy(node)] * rng.choice((0, 1, 2)))
        case 4:
            return yaml.MappingNode("tag:yaml.org,2002:map", [(_scalar(rng.choice(words)), deepcopy(node))])
    if not isinstance(node, yaml.ScalarNode):
        return deepcopy(rng.choice(nodes))
    return _scalar(_token(node.value, rng, words), node.style)


def _scalar(value: str, style: str | None = None) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=style)


_CHANGES: tuple[Change, ...] = (_character, _stretch, _lines, _token, _token, _token, _ends, *[_structure] * 5)
